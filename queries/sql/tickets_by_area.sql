-- title: Appeals and inquiries of one day by county
-- params: members, date
-- reads: ticket_daily
-- returns: area, opened, closed
-- note: A county without a row was not reported.
SELECT area, sum(opened)::BIGINT AS opened, sum(closed)::BIGINT AS closed
FROM ticket_daily
WHERE date = $date AND area IN (SELECT unnest($members))
GROUP BY area
ORDER BY area
