-- title: How many counties of an area were restated, day by day and measure by measure
-- params: members, first, last
-- reads: restated, area
-- returns: date, table_name, measure, part, snapshot_before, areas, one
-- note: Counties and functional areas; one is the code of the first of them.
SELECT date, table_name, measure, part, snapshot_before, count(*) AS areas, min(area) AS one
FROM restated JOIN area ON area.code = restated.area
WHERE area.level IN ('county', 'functional') AND date BETWEEN $first AND $last
    AND restated.area IN (SELECT unnest($members))
GROUP BY date, table_name, measure, part, snapshot_before
ORDER BY date, table_name, measure, part, snapshot_before
