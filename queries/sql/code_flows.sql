-- title: People who changed colour on a day, by colours, reason and actor
-- params: members, date
-- reads: code_flow
-- returns: from_colour, to_colour, reason, actor, people, changes
-- note: A person who changed in two ways on the day counts once in each.
SELECT from_colour, to_colour, reason, actor, sum(people)::BIGINT AS people, sum(changes)::BIGINT AS changes
FROM code_flow
WHERE date = $date AND area IN (SELECT unnest($members))
GROUP BY from_colour, to_colour, reason, actor
ORDER BY from_colour, to_colour, reason, actor
