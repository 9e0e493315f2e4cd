-- title: State of each feed when the snapshot was built
-- params: none
-- reads: feed_state
-- returns: feed, department, state, data_until, arrived_at, accepted, rejected, usual, note
SELECT feed, department, state, data_until, arrived_at, accepted, rejected, usual, note
FROM feed_state
ORDER BY feed
