-- title: Venues silent at the end of a day, by two rules
-- params: members, date, rules
-- reads: venue_daily
-- returns: category, side, least, most, unknown
-- note: A rule is one text, parts divided by a bar: side, city, hours. Silence is known by whole days: most are the venues silent on each day that must be, least those that cannot but be silent on all days that could be. unknown are venues of counties of which a day is missing.
WITH rule AS (
    SELECT
        split_part(line, '|', 1) AS side,
        split_part(line, '|', 2) AS city,
        split_part(line, '|', 3)::BIGINT // 24 AS whole_days,
        (split_part(line, '|', 3)::BIGINT + 23) // 24 AS days
    FROM (SELECT unnest($rules::VARCHAR[]) AS line)
),
venue AS (
    SELECT
        side,
        area,
        category,
        whole_days,
        days,
        max(registered) FILTER (date = $date) AS now,
        max(registered) AS ever,
        count(*) AS known,
        sum(silent) AS silent,
        min(silent) FILTER (date > $date::DATE - whole_days::INTEGER) AS least_silent
    FROM venue_daily JOIN rule ON left(area, 4) || '00' = city
    WHERE date <= $date AND date > $date::DATE - days::INTEGER AND area IN (SELECT unnest($members))
    GROUP BY side, area, category, whole_days, days
)
SELECT
    category,
    side,
    coalesce(sum(greatest(0, silent - (days - 1) * ever)) FILTER (known = days), 0)::BIGINT AS least,
    coalesce(sum(CASE WHEN whole_days = 0 THEN now ELSE least_silent END) FILTER (known = days), 0)::BIGINT AS most,
    coalesce(sum(ever) FILTER (known < days), 0)::BIGINT AS unknown
FROM venue
GROUP BY category, side
ORDER BY category, side
