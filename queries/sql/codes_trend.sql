-- title: Holders by colour, day by day
-- params: members, first, last
-- reads: code_stock
-- returns: date, colour, holders, areas
-- note: areas is the number of counties that reported on the day; a day without a row was not reported.
WITH by_area AS MATERIALIZED (
    SELECT date, area, colour, sum(holders) AS holders
    FROM code_stock
    WHERE date BETWEEN $first AND $last AND area IN (SELECT unnest($members))
    GROUP BY date, area, colour
),
reporting AS (SELECT date, count(DISTINCT area) AS areas FROM by_area GROUP BY date)
SELECT date, colour, sum(holders)::BIGINT AS holders, any_value(areas) AS areas
FROM by_area JOIN reporting USING (date)
GROUP BY date, colour
ORDER BY date, colour
