-- title: Holders of a colour who would hold another one under other rules
-- params: members, rules
-- reads: code_cohort
-- returns: area, reason, before, after, why, holders
-- note: A rule is one text, parts divided by a bar: side (before, after), reason, colour, calm colour, release, hold hours, tests, gap hours, what the days run from. Nobody who holds a colour now has declared. What a cohort does not tell (hours since discharge, the gap between tests, how many more than 3 tests) is tried in all ways that matter: why is empty where all of them agree, else it names what is not known.
WITH rule AS (
    SELECT
        split_part(line, '|', 1) AS side,
        split_part(line, '|', 2) AS reason_code,
        split_part(line, '|', 3) AS colour,
        split_part(line, '|', 4) AS calm_colour,
        nullif(split_part(line, '|', 5), '') AS release,
        nullif(split_part(line, '|', 6), '')::BIGINT AS hold_hours,
        nullif(split_part(line, '|', 7), '')::BIGINT AS tests_required,
        nullif(split_part(line, '|', 8), '')::BIGINT AS tests_min_gap_hours,
        split_part(line, '|', 9) = 'discharge' AS from_discharge,
        true AS row_known
    FROM (SELECT unnest($rules::VARCHAR[]) AS line)
),
held AS (
    SELECT area, reason, hours_since_start, negative_tests, holders
    FROM code_cohort
    WHERE area IN (SELECT unnest($members)) AND reason IN (SELECT reason_code FROM rule)
    QUALIFY as_of = max(as_of) OVER (PARTITION BY area)
),
cohort AS (
    SELECT reason, hours_since_start, negative_tests, row_number() OVER () AS nr
    FROM (SELECT DISTINCT reason, hours_since_start, negative_tests FROM held)
),
discharge AS (
    -- Between two limits nothing changes, so the limits and the two ends are all ways there are. Who was not
    -- discharged has no hours yet and is held like one discharged this hour.
    SELECT DISTINCT nr, least(coalesce(rule.hold_hours, 0), hours_since_start + 23) AS discharged
    FROM cohort JOIN rule ON rule.reason_code = cohort.reason AND rule.from_discharge
    UNION
    SELECT nr, 0 FROM cohort
),
matters AS (
    SELECT
        reason_code,
        bool_or(tests_min_gap_hours IS NOT NULL) AS gap_matters,
        bool_or(coalesce(tests_required, 0) > 3) AS many_matters
    FROM rule
    GROUP BY reason_code
),
way AS (
    SELECT DISTINCT
        cohort.nr,
        cohort.reason,
        hours_since_start,
        discharged,
        CASE WHEN negative_tests >= 3 THEN tests_if_many ELSE negative_tests END AS tests,
        CASE WHEN negative_tests >= 2 THEN far * (hours_since_start + 23) END AS gap
    FROM cohort
    JOIN discharge USING (nr)
    JOIN matters ON matters.reason_code = cohort.reason
    CROSS JOIN (VALUES (0), (1)) AS end_of_gap(far)
    CROSS JOIN (VALUES (3), (10)) AS many(tests_if_many)
    WHERE (far = 0 OR gap_matters) AND (tests_if_many = 3 OR many_matters)
),
raw AS (
    SELECT
        way.*,
        rule.side,
        rule.reason_code,
        CASE WHEN rule.from_discharge THEN discharged ELSE hours_since_start END AS hours,
        tests AS negative_tests,
        gap AS gap_hours,
        false AS declared
    FROM way JOIN rule ON rule.reason_code = way.reason
),
fact AS (SELECT raw.nr, raw.side, raw.discharged, raw.tests, raw.gap, @usable(code, raw) FROM raw),
decided AS (
    SELECT
        fact.nr,
        fact.discharged,
        fact.tests,
        fact.gap,
        max(@decide(code.colour, fact, rule)) FILTER (fact.side = 'before') AS before,
        max(@decide(code.colour, fact, rule)) FILTER (fact.side = 'after') AS after
    FROM fact JOIN rule ON rule.side = fact.side AND rule.reason_code = fact.reason_code
    GROUP BY ALL
),
verdict AS (
    SELECT
        nr,
        max(before) AS before,
        max(after) AS after,
        CASE
            WHEN bool_or(after IS NULL) THEN 'reason'
            WHEN count(DISTINCT (before, after)) = 1 THEN ''
            WHEN count(DISTINCT discharged) > 1 THEN 'discharge'
            WHEN count(DISTINCT tests) > 1 THEN 'tests'
            ELSE 'gap'
        END AS why
    FROM decided
    GROUP BY nr
    HAVING bool_or(before IS DISTINCT FROM after)
)
SELECT
    area,
    reason,
    CASE WHEN why = '' THEN before ELSE '' END AS before,
    CASE WHEN why = '' THEN after ELSE '' END AS after,
    why,
    sum(holders)::BIGINT AS holders
FROM held JOIN cohort USING (reason, hours_since_start, negative_tests) JOIN verdict USING (nr)
GROUP BY ALL
HAVING sum(holders) > 0
ORDER BY area, reason, before, after, why
