-- title: Appeals and inquiries opened, closed, upheld and reopened, day by day
-- params: members, first, last
-- reads: ticket_daily
-- returns: date, opened, closed, upheld, reopened, hours
-- note: A day without a row was not reported. hours are added up over the cases closed on the day.
SELECT
    date, sum(opened)::BIGINT AS opened, sum(closed)::BIGINT AS closed, sum(upheld)::BIGINT AS upheld,
    sum(reopened)::BIGINT AS reopened, sum(hours)::BIGINT AS hours
FROM ticket_daily
WHERE date BETWEEN $first AND $last AND area IN (SELECT unnest($members))
GROUP BY date
ORDER BY date
