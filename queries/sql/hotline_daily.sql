-- title: Calls to the hotline of the whole province, day by day
-- params: first, last
-- reads: hotline_halfhour
-- returns: date, offered, answered, in_15s
-- note: A day without a row was not reported.
SELECT
    date, sum(offered)::BIGINT AS offered, sum(answered)::BIGINT AS answered, sum(in_15s)::BIGINT AS in_15s
FROM hotline_halfhour
WHERE date BETWEEN $first AND $last
GROUP BY date
ORDER BY date
