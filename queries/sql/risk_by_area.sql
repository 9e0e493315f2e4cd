-- title: Listed places by county and level on a day
-- params: members, date
-- reads: risk_place
-- returns: area, level, places
WITH listed AS (
    SELECT *
    FROM risk_place
    WHERE listed_from <= $date AND (listed_to IS NULL OR listed_to >= $date) AND area IN (SELECT unnest($members))
    -- A place that changed level during the day is in both lists; the day ends with the newer one.
    QUALIFY row_number() OVER (PARTITION BY place_id ORDER BY listed_from DESC, source_time DESC, level) = 1
)
SELECT area, level, count(*) AS places
FROM listed
GROUP BY area, level
ORDER BY area, level
