-- title: Code holders by hours since their last negative test, from each of the three moments, at the newest count
-- params: members
-- reads: test_validity
-- returns: as_of, basis, hours_since, holders
-- note: Holders never tested are in no row. hours_since are steps of 24; the last one holds all longer times.
SELECT as_of, basis, hours_since, sum(holders)::BIGINT AS holders
FROM test_validity
WHERE area IN (SELECT unnest($members))
    AND as_of = (SELECT max(as_of) FROM test_validity WHERE area IN (SELECT unnest($members)))
GROUP BY as_of, basis, hours_since
ORDER BY as_of, basis, hours_since
