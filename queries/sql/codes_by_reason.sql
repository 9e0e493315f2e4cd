-- title: Holders by colour and reason on a day
-- params: members, date
-- reads: code_stock
-- returns: colour, reason, holders
SELECT colour, reason, sum(holders)::BIGINT AS holders
FROM code_stock
WHERE date = $date AND area IN (SELECT unnest($members))
GROUP BY colour, reason
ORDER BY colour, reason
