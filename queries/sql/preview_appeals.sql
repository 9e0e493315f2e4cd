-- title: Appeals by reason, and the days that people held a colour for it
-- params: members, first, last
-- reads: ticket_daily, code_stock
-- returns: reason, opened, person_days
-- note: reason 'none' is an appeal about no colour. person_days is NULL where nobody held a colour for the reason.
WITH appeal AS (
    SELECT reason, sum(opened) AS opened
    FROM ticket_daily
    WHERE date BETWEEN $first AND $last AND area IN (SELECT unnest($members))
    GROUP BY reason
),
stock AS (
    SELECT reason, sum(holders) AS person_days
    FROM code_stock
    WHERE date BETWEEN $first AND $last AND area IN (SELECT unnest($members))
        AND reason IN (SELECT reason FROM appeal)
    GROUP BY reason
)
SELECT reason, opened::BIGINT AS opened, nullif(person_days, 0)::BIGINT AS person_days
FROM appeal LEFT JOIN stock USING (reason)
ORDER BY reason
