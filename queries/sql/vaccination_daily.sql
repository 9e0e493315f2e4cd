-- title: Doses given day by day, and first doses given up to the end of each day
-- params: members, first, last
-- reads: vaccination_daily
-- returns: date, doses, first_doses
-- note: A day without a row was not reported.
SELECT
    date, sum(doses)::BIGINT AS doses,
    coalesce(sum(cumulative) FILTER (dose = 1), 0)::BIGINT AS first_doses
FROM vaccination_daily
WHERE date BETWEEN $first AND $last AND area IN (SELECT unnest($members))
GROUP BY date
ORDER BY date
