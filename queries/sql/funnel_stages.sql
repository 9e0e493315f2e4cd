-- title: People who entered, stayed in and dropped out of each stage of a screening, by county and reason
-- params: members
-- reads: funnel
-- returns: incident, stage, stage_no, area, drop_reason, entered, kept, dropped, computed_at
SELECT incident, stage, stage_no, area, drop_reason, entered, kept, dropped, computed_at
FROM funnel
WHERE area IN (SELECT unnest($members))
ORDER BY incident, stage_no, area, drop_reason
