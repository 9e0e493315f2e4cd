-- title: Contacts found, reached and not found, by county over some days
-- params: members, first, last
-- reads: contact_daily
-- returns: area, close, secondary, followed_up, lost, became_case
SELECT
    area, sum(close)::BIGINT AS close, sum(secondary)::BIGINT AS secondary,
    sum(followed_up)::BIGINT AS followed_up, sum(lost)::BIGINT AS lost,
    sum(became_case)::BIGINT AS became_case
FROM contact_daily
WHERE date BETWEEN $first AND $last AND area IN (SELECT unnest($members))
GROUP BY area
ORDER BY area
