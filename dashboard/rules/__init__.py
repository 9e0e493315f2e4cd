"""The packaged rules service: a process of its own that keeps a signed head and decides by it.

It reads nothing of the board but the envelope and the policy model, and shares no database with it. The
contract it keeps is in ``docs/rules-service.md``.
"""
