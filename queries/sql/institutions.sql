-- title: Testing institutions with hours and capacity
-- params: members
-- reads: institution
-- returns: institution, area, name, opens, closes, capacity, updated
SELECT institution, area, name, opens, closes, capacity, updated
FROM institution
WHERE area IN (SELECT unnest($members))
ORDER BY area, institution
