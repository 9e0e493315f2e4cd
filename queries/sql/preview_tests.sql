-- title: People whose last negative test admits to venues of a category, by two rules
-- params: members, rules
-- reads: test_validity
-- returns: area, category, side, valid, unsure
-- note: A rule is one text, parts divided by a bar: side, category, basis, validity hours. A row of the table stands for 24 hours; unsure are people of a row inside which the validity ends. People never tested are in no row.
WITH rule AS (
    SELECT
        split_part(line, '|', 1) AS side,
        split_part(line, '|', 2) AS category,
        split_part(line, '|', 3) AS basis,
        split_part(line, '|', 4)::BIGINT AS validity_hours,
        true AS category_known
    FROM (SELECT unnest($rules::VARCHAR[]) AS line)
),
held AS (
    SELECT area, basis, hours_since, holders
    FROM test_validity
    WHERE area IN (SELECT unnest($members))
    QUALIFY as_of = max(as_of) OVER (PARTITION BY area)
),
raw AS (
    SELECT
        rule.side,
        rule.category,
        hours_since,
        NULL AS hours_since_sampled,
        NULL AS hours_since_tested,
        NULL AS hours_since_reported,
        unnest([hours_since, CASE WHEN hours_since >= 168 THEN 999999999 ELSE hours_since + 23 END]) AS hours
    FROM (SELECT DISTINCT basis, hours_since FROM held) JOIN rule USING (basis)
),
fact AS (SELECT raw.side, raw.hours_since AS step, @usable(validity, raw) FROM raw),
verdict AS (
    SELECT
        fact.side,
        fact.category,
        fact.step,
        bool_and(@decide(validity.valid, fact, rule)) AS sure,
        bool_or(@decide(validity.valid, fact, rule)) AS possible
    FROM fact JOIN rule USING (side, category)
    GROUP BY ALL
)
SELECT
    area,
    verdict.category,
    verdict.side,
    coalesce(sum(holders) FILTER (sure), 0)::BIGINT AS valid,
    coalesce(sum(holders) FILTER (possible AND NOT sure), 0)::BIGINT AS unsure
FROM held
JOIN rule USING (basis)
JOIN verdict ON verdict.side = rule.side AND verdict.category = rule.category AND verdict.step = held.hours_since
GROUP BY ALL
ORDER BY area, category, side
