"""The verdict of the board on the rules service: what is meant to be in force beside what really is.

A pure function of what was issued, what the service said last, and the moment. Where nothing is known the
verdict is *unknown*; it is never *synced* by default.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Literal

from dashboard.clock import epoch_s
from dashboard.envelope.status import ServiceStatus
from dashboard.i18n.catalogue import Lang, t

Verdict = Literal[
    "synced", "pending", "publishing", "out_of_sync", "foreign", "behind", "wrong_answers", "unknown"
]
# The gravest first; a screen that shows several policies shows the first of them.
VERDICTS: tuple[Verdict, ...] = (
    "unknown",
    "foreign",
    "wrong_answers",
    "out_of_sync",
    "behind",
    "publishing",
    "pending",
    "synced",
)
POLL_EVERY = timedelta(seconds=15)
# Three polls and a little for the work of the third one.
SILENT_AFTER = 3 * POLL_EVERY + timedelta(seconds=5)
MISSED_POLLS = 3
# As long as a publication may take before somebody should look.
LATE_AFTER = timedelta(seconds=30)
ACTIVATE_WITHIN = timedelta(seconds=10)
SKEW_SHOWN_S = 60


@dataclass(frozen=True)
class Issued:
    """The newest envelope that is meant to be the head, and how far its delivery is.

    ``accepted_seq`` is the highest seq the service ever acknowledged (0: none), ``accepted_at`` the last time
    it acknowledged anything. ``held`` says why the oldest
    undelivered envelope waits for a person. ``expected`` lists what may have been in force when the service
    was read: one version (None: none at all), at the moment of a switch two. ``next_version`` and ``next_at``
    name what is scheduled after it.
    """

    seq: int
    version: int
    accepted_seq: int
    accepted_at: datetime | None
    waiting_since: datetime | None
    held: Literal["", "blocked", "foreign"]
    expected: tuple[int | None, ...]
    next_version: int | None
    next_at: datetime | None


@dataclass(frozen=True)
class Observed:
    """What the reconciler knows of the service.

    ``head_seq`` is the seq under which we issued the head that the service holds, None for a head that is not
    ours. ``drift`` says that its thresholds are not those of its head. ``golden`` is None while the golden
    cases were not asked of the version in force.
    """

    polled_at: datetime
    read_at: datetime | None
    missed: int
    error: str
    status: ServiceStatus | None
    head_seq: int | None
    drift: str
    golden: bool | None
    golden_detail: str


@dataclass(frozen=True)
class Judgement:
    """A verdict, the key of its reason and what fills the reason's sentence.

    ``skew_s`` is how far the service's clock is ahead of ours, only where that is worth saying.
    """

    verdict: Verdict
    reason: str
    values: Mapping[str, object] = field(default_factory=dict)
    skew_s: int | None = None

    def word(self, lang: Lang) -> str:
        """The verdict in one or two words."""
        return t(lang, f"verdict.{self.verdict}")

    def sentence(self, lang: Lang) -> str:
        """Why, in one sentence."""
        return t(lang, f"verdict.why.{self.reason}", **self.values)

    def advice(self, lang: Lang) -> str:
        """What to do, in one sentence; empty where there is nothing to do."""
        key = f"verdict.do.{self.reason}"
        return t(lang, key, **self.values) if self.reason in NEEDS_A_PERSON else ""


# The reasons that do not pass by themselves.
NEEDS_A_PERSON = frozenset(
    {
        "nothing_issued",
        "sender_silent",
        "no_answer",
        "foreign_head",
        "conflict",
        "edited",
        "wrong",
        "blocked",
        "wiped",
        "older_head",
        "late",
        "not_active",
        "stale",
        "unverified",
    }
)


def judge(issued: Issued | None, observed: Observed | None, now: datetime) -> Judgement:
    """The verdict at ``now``: what is not known comes first, then what is wrong, then what is late."""
    unknown = _judge_silence(issued, observed, now)
    if unknown or observed is None or observed.status is None or observed.read_at is None:
        return unknown or Judgement("unknown", "no_answer", {"error": ""})
    status = observed.status
    skew = status.clock_s - epoch_s(observed.read_at)
    found = (
        _judge_head(issued, observed, status)
        or (_judge_delivery(issued, observed, status, now) if issued else None)
        or Judgement("unknown", "nothing_issued")
    )
    return Judgement(
        found.verdict, found.reason, found.values, skew_s=skew if abs(skew) >= SKEW_SHOWN_S else None
    )


def _judge_silence(issued: Issued | None, observed: Observed | None, now: datetime) -> Judgement | None:
    if observed is None:
        return Judgement("unknown", "sender_silent" if issued else "nothing_issued")
    # A reading from the future would stay fresh for ever: a clock was set back, so nothing is known.
    if not -SILENT_AFTER < now - observed.polled_at < SILENT_AFTER:
        return Judgement("unknown", "sender_silent")
    if (
        observed.missed >= MISSED_POLLS
        or observed.read_at is None
        or observed.status is None
        or now - observed.read_at >= SILENT_AFTER
    ):
        return Judgement("unknown", "no_answer", {"error": observed.error})
    return None


def _judge_head(issued: Issued | None, observed: Observed, status: ServiceStatus) -> Judgement | None:
    if status.accepted and observed.head_seq is None:
        return Judgement("foreign", "foreign_head", {"seq": status.accepted.seq})
    if issued and issued.held == "foreign":
        return Judgement("foreign", "conflict", {"seq": issued.seq})
    if observed.drift:
        return Judgement("foreign", "edited", {"detail": observed.drift})
    if observed.golden is False:
        return Judgement("wrong_answers", "wrong", {"detail": observed.golden_detail})
    return None


def _judge_delivery(
    issued: Issued, observed: Observed, status: ServiceStatus, now: datetime
) -> Judgement | None:
    if issued.held == "blocked":
        return Judgement("out_of_sync", "blocked", {"seq": issued.seq})
    if issued.accepted_at and observed.read_at and observed.read_at < issued.accepted_at:
        # It acknowledged more since, so what it said before proves no loss.
        return Judgement("publishing", "unread", {"seq": issued.accepted_seq})
    if status.accepted is None and issued.accepted_seq:
        return Judgement("out_of_sync", "wiped", {"seq": issued.accepted_seq})
    if (observed.head_seq or 0) < issued.accepted_seq:
        return Judgement("behind", "older_head", {"seq": issued.accepted_seq, "head": observed.head_seq})
    if issued.waiting_since:
        if now - issued.waiting_since < LATE_AFTER:
            return Judgement("publishing", "sending", {"version": issued.version})
        since = f"{issued.waiting_since:%m-%d %H:%M:%S}"
        return Judgement("behind", "late", {"version": issued.version, "since": since})
    running = status.active
    if (running.version if running else None) not in issued.expected or (
        running and running.seq != issued.seq
    ):
        values = {"expected": issued.expected[-1] or "–", "running": running.version if running else "–"}
        if issued.accepted_at and now - issued.accepted_at < ACTIVATE_WITHIN:
            return Judgement("publishing", "activating", values)
        return Judgement("out_of_sync", "not_active", values)
    if status.stale:
        return Judgement("behind", "stale")
    if running and observed.golden is None:
        fresh = issued.accepted_at is not None and now - issued.accepted_at < LATE_AFTER
        if observed.golden_detail and not fresh:
            values = {"version": running.version, "detail": observed.golden_detail}
            return Judgement("unknown", "unverified", values)
        return Judgement("publishing", "verifying", {"version": running.version})
    if issued.next_version is not None and issued.next_at is not None:
        values = {"version": issued.next_version, "at": f"{issued.next_at:%m-%d %H:%M}"}
        return Judgement("pending", "scheduled", values)
    if running is None:
        return Judgement("out_of_sync", "not_active", {"expected": "–", "running": "–"})
    return Judgement("synced", "in_force", {"version": running.version})
