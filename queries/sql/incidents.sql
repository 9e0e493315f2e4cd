-- title: Outbreaks that are screened, the newest first
-- params: members
-- reads: incident
-- returns: incident, area, name_zh, name_en, began, ended
SELECT incident, area, name_zh, name_en, began, ended
FROM incident
WHERE area IN (SELECT unnest($members))
ORDER BY began DESC, incident
