-- title: New confirmed cases by origin, day by day
-- params: members, first, last
-- reads: case_daily
-- returns: date, origin, confirmed_new, correction
-- note: Rows of an area and of the areas below it add up. Below zero where a correction took cases back.
SELECT date, origin, sum(confirmed_new)::BIGINT AS confirmed_new, bool_or(correction) AS correction
FROM case_daily
WHERE date BETWEEN $first AND $last AND area IN (SELECT unnest($members))
GROUP BY date, origin
ORDER BY date, origin
