"""How long to wait before the next try: jitter from 1 s to 60 s for 15 minutes, then 5 minutes, for ever.

Nothing is ever dropped. Full jitter, because many senders that lost the same service must not come back in
the same second.
"""

from __future__ import annotations

import random
from datetime import timedelta

FIRST_S, LARGEST_S = 1.0, 60.0
QUICK_FOR = timedelta(minutes=15)
SLOW_S = 300.0
# A service that says "come back tomorrow" is asked again after five minutes all the same.
RETRY_AFTER_CAP_S = 300.0


def delay_s(*, attempts: int, trying_for: timedelta, dice: random.Random) -> float:
    """Seconds until the next try after ``attempts`` failed ones (at least 1) over ``trying_for``."""
    if trying_for >= QUICK_FOR:
        return SLOW_S
    # 2**6 already exceeds the largest; a higher power would only overflow after a thousand tries.
    ceiling = min(LARGEST_S, FIRST_S * 2 ** min(max(attempts, 1), 6))
    return dice.uniform(FIRST_S / 2, ceiling)


def retry_after_s(value: float | None, *, otherwise: float) -> float:
    """What a ``Retry-After`` of ``value`` seconds means here: half a second to 5 minutes."""
    if value is None:
        return otherwise
    return min(max(value, FIRST_S / 2), RETRY_AFTER_CAP_S)
