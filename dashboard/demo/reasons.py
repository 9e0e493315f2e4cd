"""What each code reason does in the demo data: its colour and how long it holds.

Hold days follow the provincial table of 2021 (the days after which a code turns green); a few per cent
are released late, so that "time to green" has something to show.
"""

from __future__ import annotations

from dataclasses import dataclass

Hold = tuple[tuple[int, float], ...]


def _after(days: int) -> Hold:
    """Released on the day due, some late."""
    return ((days, 0.86), (days + 1, 0.09), (days + 2, 0.03), (days + 4, 0.02))


# Released by a negative test, or after 14 days.
_TESTED: Hold = ((1, 0.22), (2, 0.33), (3, 0.2), (4, 0.08), (5, 0.04), (7, 0.03), (14, 0.08), (15, 0.02))
# The wide net holds until the sources are joined on the third day.
_NET: Hold = ((3, 0.5), (4, 0.3), (5, 0.1), (6, 0.04), (7, 0.02), (14, 0.04))


@dataclass(frozen=True)
class Reason:
    """One reason: id, colour, the share of a day's holders released after so many days, days until due.

    A release before ``due`` (a negative test, an exclusion) is due on its own day.
    """

    id: str
    colour: str
    hold: Hold
    due: int = 14


REASONS: tuple[Reason, ...] = (
    Reason("test_positive", "red", ((1, 0.7), (2, 0.25), (3, 0.05)), 99),
    Reason("confirmed", "red", ((40, 0.25), (43, 0.5), (47, 0.25)), 99),  # about 15 days in hospital, then 28
    Reason("asymptomatic", "red", ((38, 0.3), (40, 0.5), (44, 0.2)), 99),
    Reason("suspected", "red", ((1, 0.3), (2, 0.5), (4, 0.2)), 99),
    Reason("close_contact", "red", _after(21), 21),
    Reason("contact_of_contact", "red", _after(7), 7),
    Reason("abroad_staying", "red", _after(21), 21),
    Reason("abroad_transit", "red", _after(14)),
    Reason("same_flight", "red", _after(21), 21),
    Reason("same_coach", "red", _after(21), 21),
    Reason("same_train", "red", _after(21), 21),
    Reason("risk_area_stay", "red", _after(14)),
    Reason("emergency_red", "red", _after(14)),
    Reason("near_risk_area", "yellow", _TESTED),
    Reason("time_space_overlap", "yellow", _NET),
    Reason("symptoms_declared", "yellow", ((1, 0.15), (2, 0.35), (3, 0.25), (5, 0.15), (14, 0.1))),
    Reason("emergency_yellow", "yellow", _TESTED),
)
REASON_BY_ID = {reason.id: reason for reason in REASONS}
GREEN_REASON = "no_risk"

# ``tiny`` keeps one or two reasons of each kind so that a test build stays small.
TINY_REASONS = (
    "confirmed", "close_contact", "contact_of_contact", "abroad_staying", "emergency_red",
    "time_space_overlap", "symptoms_declared",
)  # fmt: skip
