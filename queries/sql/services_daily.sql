-- title: Look-ups of the public services, failures and answer time, by day and service
-- params: members, first, last
-- reads: service_daily
-- returns: date, service, lookups, failures, p95_ms
-- note: p95_ms is the largest of the counties: percentiles cannot be added. A day without a row was not reported.
SELECT
    date, service, sum(lookups)::BIGINT AS lookups, sum(failures)::BIGINT AS failures,
    max(p95_ms)::BIGINT AS p95_ms
FROM service_daily
WHERE date BETWEEN $first AND $last AND area IN (SELECT unnest($members))
GROUP BY date, service
ORDER BY date, service
