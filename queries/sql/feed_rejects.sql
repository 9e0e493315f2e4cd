-- title: Rejected rows by feed and reason
-- params: none
-- reads: feed_reject
-- returns: feed, reason, rows
SELECT feed, reason, rows
FROM feed_reject
ORDER BY feed, reason
