-- title: People on lists pushed to the counties to be checked, returned in 24 hours and overdue, day by day
-- params: members, first, last
-- reads: pushed_list_daily
-- returns: date, pushed, returned_24h, overdue
-- note: A day without a row was not reported. The people of neither kind have time left.
SELECT
    date, sum(pushed)::BIGINT AS pushed, sum(returned_24h)::BIGINT AS returned_24h,
    sum(overdue)::BIGINT AS overdue
FROM pushed_list_daily
WHERE date BETWEEN $first AND $last AND area IN (SELECT unnest($members))
GROUP BY date
ORDER BY date
