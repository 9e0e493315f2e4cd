-- title: Samples taken, tested, reported, reported in 24 hours and positive, by day of sampling
-- params: members, first, last
-- reads: test_daily
-- returns: date, sampled, tested, reported, in_24h, positive
-- note: A day without a row was not reported.
SELECT
    date, sum(sampled)::BIGINT AS sampled, sum(tested)::BIGINT AS tested, sum(reported)::BIGINT AS reported,
    sum(in_24h)::BIGINT AS in_24h, sum(positive)::BIGINT AS positive
FROM test_daily
WHERE date BETWEEN $first AND $last AND area IN (SELECT unnest($members))
GROUP BY date
ORDER BY date
