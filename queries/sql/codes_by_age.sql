-- title: Holders by colour and age band on a day
-- params: members, date
-- reads: code_stock
-- returns: colour, age_band, holders
SELECT colour, age_band, sum(holders)::BIGINT AS holders
FROM code_stock
WHERE date = $date AND area IN (SELECT unnest($members))
GROUP BY colour, age_band
ORDER BY colour, age_band
