-- title: What is known of each area's local cases on a day
-- params: members, date, window_days
-- reads: case_daily
-- returns: area, new_cases, cumulative, last_case, last_reported, days_reported
-- note: new_cases is NULL unless every day of the window was reported. cumulative is the figure of last_reported.
SELECT
    area,
    CASE WHEN count(DISTINCT date) FILTER (date > $date::DATE - $window_days::INTEGER) = $window_days
        THEN sum(confirmed_new) FILTER (date > $date::DATE - $window_days::INTEGER) END::BIGINT AS new_cases,
    arg_max(confirmed_total, date)::BIGINT AS cumulative,
    max(date) FILTER (confirmed_new > 0) AS last_case,
    max(date) AS last_reported,
    count(DISTINCT date) FILTER (date > $date::DATE - $window_days::INTEGER) AS days_reported
FROM case_daily
WHERE date <= $date AND origin = 'local' AND area IN (SELECT unnest($members))
GROUP BY area
ORDER BY area
