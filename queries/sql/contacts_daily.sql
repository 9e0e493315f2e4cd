-- title: Contacts found, reached, not found and become cases, day by day
-- params: members, first, last
-- reads: contact_daily
-- returns: date, close, secondary, followed_up, lost, became_case
-- note: A day without a row was not reported.
SELECT
    date, sum(close)::BIGINT AS close, sum(secondary)::BIGINT AS secondary,
    sum(followed_up)::BIGINT AS followed_up, sum(lost)::BIGINT AS lost,
    sum(became_case)::BIGINT AS became_case
FROM contact_daily
WHERE date BETWEEN $first AND $last AND area IN (SELECT unnest($members))
GROUP BY date
ORDER BY date
