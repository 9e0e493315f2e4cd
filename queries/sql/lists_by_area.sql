-- title: People on pushed lists, returned in 24 hours and overdue, by county over some days
-- params: members, first, last
-- reads: pushed_list_daily
-- returns: area, pushed, returned_24h, overdue
SELECT
    area, sum(pushed)::BIGINT AS pushed, sum(returned_24h)::BIGINT AS returned_24h,
    sum(overdue)::BIGINT AS overdue
FROM pushed_list_daily
WHERE date BETWEEN $first AND $last AND area IN (SELECT unnest($members))
GROUP BY area
ORDER BY area
