-- title: Codes shown, venue codes scanned and entries refused, hour by hour
-- params: members, date
-- reads: scan_hourly
-- returns: hour, shows, scans, refused
-- note: An hour without a row was not reported.
SELECT hour, sum(shows)::BIGINT AS shows, sum(scans)::BIGINT AS scans, sum(refused)::BIGINT AS refused
FROM scan_hourly
WHERE date = $date AND area IN (SELECT unnest($members))
GROUP BY hour
ORDER BY hour
