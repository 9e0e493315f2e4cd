-- title: Open appeals and inquiries by county, topic and age at the newest moment reported
-- params: members
-- reads: ticket_backlog
-- returns: as_of, area, category, age, open, oldest_hours
-- note: A county without a row at that moment has no open case or was not reported.
SELECT as_of, area, category, age, open, oldest_hours
FROM ticket_backlog
WHERE area IN (SELECT unnest($members))
    AND as_of = (SELECT max(as_of) FROM ticket_backlog WHERE area IN (SELECT unnest($members)))
ORDER BY area, category, age
