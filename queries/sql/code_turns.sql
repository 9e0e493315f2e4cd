-- title: People whose code turned to a colour, day by day
-- params: members, first, last
-- reads: code_flow
-- returns: date, colour, people, recoded
-- note: people counts every change into the colour, recoded leaves out newly issued codes. A change that keeps the colour (another reason) is none.
SELECT
    date,
    to_colour AS colour,
    coalesce(sum(people) FILTER (from_colour <> to_colour), 0)::BIGINT AS people,
    coalesce(sum(people) FILTER (from_colour NOT IN (to_colour, 'none')), 0)::BIGINT AS recoded
FROM code_flow
WHERE date BETWEEN $first AND $last AND area IN (SELECT unnest($members))
GROUP BY date, to_colour
ORDER BY date, to_colour
