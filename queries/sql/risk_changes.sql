-- title: Places whose level changed between two days
-- params: members, date, compare
-- reads: risk_place
-- returns: place_id, area, text, level_before, level
-- note: level_before is NULL for a new place, level is NULL for a released one.
WITH now AS (
    SELECT *
    FROM risk_place
    WHERE listed_from <= $date AND (listed_to IS NULL OR listed_to >= $date) AND area IN (SELECT unnest($members))
    -- A place that changed level during the day is in both lists; the day ends with the newer one.
    QUALIFY row_number() OVER (PARTITION BY place_id ORDER BY listed_from DESC, source_time DESC, level) = 1
),
before AS (
    SELECT *
    FROM risk_place
    WHERE listed_from <= $compare AND (listed_to IS NULL OR listed_to >= $compare) AND area IN (SELECT unnest($members))
    -- A place that changed level during the day is in both lists; the day ends with the newer one.
    QUALIFY row_number() OVER (PARTITION BY place_id ORDER BY listed_from DESC, source_time DESC, level) = 1
)
SELECT
    place_id, coalesce(now.area, before.area) AS area, coalesce(now.text, before.text) AS text,
    before.level AS level_before, now.level AS level
FROM now FULL JOIN before USING (place_id)
WHERE now.level IS DISTINCT FROM before.level
ORDER BY area, text, place_id
