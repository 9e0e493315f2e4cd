-- title: Doses given on one day and up to its end, by group of the vaccination plan and number of the dose
-- params: members, date
-- reads: vaccination_daily
-- returns: population, dose, doses, cumulative
SELECT population, dose, sum(doses)::BIGINT AS doses, sum(cumulative)::BIGINT AS cumulative
FROM vaccination_daily
WHERE date = $date AND area IN (SELECT unnest($members))
GROUP BY population, dose
ORDER BY population, dose
