-- title: Open cases by age
-- params: members
-- reads: ticket_backlog
-- returns: age, waiting
-- note: Of each county the newest moment that was reported.
SELECT age, sum(open)::BIGINT AS waiting
FROM (
    SELECT age, open
    FROM ticket_backlog
    WHERE area IN (SELECT unnest($members))
    QUALIFY as_of = max(as_of) OVER (PARTITION BY area)
)
GROUP BY age
ORDER BY age
