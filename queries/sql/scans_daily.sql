-- title: Codes shown, venue codes scanned and entries refused, day by day
-- params: members, first, last
-- reads: scan_hourly
-- returns: date, shows, scans, refused, areas
-- note: areas is the number of counties that reported on the day; a day without a row was not reported.
SELECT
    date, sum(shows)::BIGINT AS shows, sum(scans)::BIGINT AS scans, sum(refused)::BIGINT AS refused,
    count(*) AS areas
FROM (
    SELECT date, area, sum(shows) AS shows, sum(scans) AS scans, sum(refused) AS refused
    FROM scan_hourly
    WHERE date BETWEEN $first AND $last AND area IN (SELECT unnest($members))
    GROUP BY date, area
)
GROUP BY date
ORDER BY date
