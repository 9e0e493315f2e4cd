-- title: Areas the reader may see
-- params: none
-- reads: area
-- returns: code, level, parent, city, residents, valid_from, valid_to
-- note: Expired codes too; residents are NULL for functional areas and expired codes.
SELECT code, level, parent, city, residents, valid_from, valid_to
FROM area
ORDER BY code
