-- title: Appeals closed and upheld by reason of the colour and version of the policy, over some days
-- params: members, first, last
-- reads: ticket_daily
-- returns: reason, rule_version, opened, closed, upheld, reopened, hours
-- note: Reason 'none' are cases about no colour.
SELECT
    reason, rule_version, sum(opened)::BIGINT AS opened, sum(closed)::BIGINT AS closed,
    sum(upheld)::BIGINT AS upheld, sum(reopened)::BIGINT AS reopened, sum(hours)::BIGINT AS hours
FROM ticket_daily
WHERE date BETWEEN $first AND $last AND area IN (SELECT unnest($members))
GROUP BY reason, rule_version
ORDER BY reason, rule_version
