-- title: Calls to the hotline of the whole province in each half-hour of a day
-- params: date
-- reads: hotline_halfhour
-- returns: half_hour, offered, answered, in_15s, mean_wait_seconds, seats
-- note: A half-hour without a row was not reported.
SELECT half_hour, offered, answered, in_15s, mean_wait_seconds, seats
FROM hotline_halfhour
WHERE date = $date
ORDER BY half_hour
