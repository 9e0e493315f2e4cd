"""The signed envelope in which a policy travels: model, keys, signature, digest, status of the receiver.

Both sides of publishing read this room and nothing of each other: the board that signs, the rules service
that checks. Times that end in ``_s`` are whole seconds since 1970 in UTC.
"""
