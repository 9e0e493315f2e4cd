-- title: Samples taken on one day, tested, reported, reported in 24 hours and positive, by county
-- params: members, date
-- reads: test_daily
-- returns: area, sampled, tested, reported, in_24h, positive
SELECT
    area, sum(sampled)::BIGINT AS sampled, sum(tested)::BIGINT AS tested, sum(reported)::BIGINT AS reported,
    sum(in_24h)::BIGINT AS in_24h, sum(positive)::BIGINT AS positive
FROM test_daily
WHERE date = $date AND area IN (SELECT unnest($members))
GROUP BY area
ORDER BY area
