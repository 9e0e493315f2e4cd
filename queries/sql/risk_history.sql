-- title: Listed places by level, day by day
-- params: members, first, last
-- reads: risk_place
-- returns: date, level, places
-- note: A day or level without a row had no place, if the list speaks of that day.
WITH days AS (SELECT unnest(generate_series($first::DATE, $last::DATE, INTERVAL 1 DAY))::DATE AS date),
place AS (SELECT * FROM risk_place WHERE listed_from <= $last AND area IN (SELECT unnest($members))),
listed AS (
    SELECT date, level
    FROM days JOIN place ON date >= listed_from AND date <= coalesce(listed_to, $last)
    -- A place that changed level during the day is in both lists; the day ends with the newer one.
    QUALIFY row_number() OVER (PARTITION BY date, place_id ORDER BY listed_from DESC, source_time DESC, level) = 1
)
SELECT date, level, count(*) AS places
FROM listed
GROUP BY date, level
ORDER BY date, level
