-- title: Alarms for crowds and red scans on a day, by two rules
-- params: members, date, rules
-- reads: scan_hourly
-- returns: category, side, least, most, red
-- note: A rule is one text, parts divided by a bar: side, category, scans an hour. Venues are not told apart: least counts an hour of a county when even the mean venue is over the limit, most the venues that its scans could bring over it. red are scans by red codes.
WITH rule AS (
    SELECT
        split_part(line, '|', 1) AS side,
        split_part(line, '|', 2) AS category,
        split_part(line, '|', 3)::BIGINT AS max_scans_per_hour,
        true AS category_known
    FROM (SELECT unnest($rules::VARCHAR[]) AS line)
),
raw AS (
    SELECT
        rule.side,
        rule.category,
        scans,
        active_venues,
        red,
        -- Some venue has at least the mean; rounded up, since scans are whole.
        CASE WHEN active_venues > 0 THEN (scans + active_venues - 1) // active_venues ELSE 0 END AS scans_in_hour
    FROM scan_hourly JOIN rule USING (category)
    WHERE date = $date AND area IN (SELECT unnest($members))
),
fact AS (SELECT raw.side, raw.scans, raw.active_venues, raw.red, @usable(crowded, raw) FROM raw)
SELECT
    fact.category,
    fact.side,
    sum(CASE WHEN @decide(crowded.alarm, fact, rule) THEN 1 ELSE 0 END)::BIGINT AS least,
    sum(least(fact.active_venues, fact.scans // (rule.max_scans_per_hour + 1)))::BIGINT AS most,
    sum(fact.red)::BIGINT AS red
FROM fact JOIN rule USING (side, category)
GROUP BY ALL
ORDER BY category, side
