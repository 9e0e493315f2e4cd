-- title: Places on the risk list on a day
-- params: members, date
-- reads: risk_place
-- returns: place_id, area, text, level, rule_set, since, last_case, listed_from, listed_to, source_time
-- note: since and last_case are NULL where the list does not state them.
WITH listed AS (
    SELECT *
    FROM risk_place
    WHERE listed_from <= $date AND (listed_to IS NULL OR listed_to >= $date) AND area IN (SELECT unnest($members))
    -- A place that changed level during the day is in both lists; the day ends with the newer one.
    QUALIFY row_number() OVER (PARTITION BY place_id ORDER BY listed_from DESC, source_time DESC, level) = 1
)
SELECT place_id, area, text, level, rule_set, since, last_case, listed_from, listed_to, source_time
FROM listed
ORDER BY area, level, text, place_id
