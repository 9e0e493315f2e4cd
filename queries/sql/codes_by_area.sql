-- title: Holders by county and colour on a day
-- params: members, date
-- reads: code_stock
-- returns: area, colour, holders
-- note: An area without a row was not reported; a colour without a row in a reported area is zero.
SELECT area, colour, sum(holders)::BIGINT AS holders
FROM code_stock
WHERE date = $date AND area IN (SELECT unnest($members))
GROUP BY area, colour
ORDER BY area, colour
