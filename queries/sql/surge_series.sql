-- title: What surges are looked for in: cases by topic, rule and county, and scans by coloured codes by kind of venue
-- params: members, first, last
-- reads: ticket_daily, scan_hourly
-- returns: kind, name, date, amount
-- note: Kinds topic, rule and place count opened cases; venue counts scans by yellow and red codes.
SELECT kind, name, date, sum(amount)::BIGINT AS amount
FROM (
    SELECT 'topic' AS kind, category AS name, date, area, opened AS amount FROM ticket_daily
    UNION ALL
    SELECT 'rule', reason || '/' || rule_version, date, area, opened FROM ticket_daily
    UNION ALL
    SELECT 'place', area, date, area, opened FROM ticket_daily
    UNION ALL
    SELECT 'venue', category, date, area, yellow + red FROM scan_hourly
)
WHERE date BETWEEN $first AND $last AND area IN (SELECT unnest($members))
GROUP BY kind, name, date
ORDER BY kind, name, date
