-- title: Late and corrected days of one area
-- params: area, first, last
-- reads: restated
-- returns: date, table_name, measure, part, before, after, kind, snapshot_before, known_at
-- note: One row for each earlier snapshot that said something else; an area holds the sum of its parts.
SELECT date, table_name, measure, part, before, after, kind, snapshot_before, known_at
FROM restated
WHERE area = $area AND date BETWEEN $first AND $last
ORDER BY date, table_name, measure, part, snapshot_before
