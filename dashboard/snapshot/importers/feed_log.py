"""``feed_log.jsonl``: what the departments say they sent, one JSON object a line, and each feed's state."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from dashboard.snapshot.contract import FEED_BY_ID, FEEDS
from dashboard.snapshot.importers.files import Found
from dashboard.snapshot.importers.result import Imported
from dashboard.snapshot.importers.text import decode
from dashboard.snapshot.quarantine import HARMLESS, UNKNOWN_FEED, Reject, count_rows

DEFAULT_LATE_MINUTES = 24 * 60
USUAL_SHARE = 0.70  # below this share of the usual rows a feed is partial
REJECTED_SHARE = 0.05  # above this share of rows rejected with a loss a feed is partial


@dataclass(frozen=True)
class LogLine:
    """The newest line of one feed; None where the department does not say."""

    feed: str
    department: str | None = None
    owner: str | None = None
    delivered_at: datetime | None = None
    data_until: datetime | None = None
    rows: int | None = None
    usual_rows: int | None = None
    note: str | None = None


@dataclass(frozen=True)
class FeedArrival:
    """How one feed arrived: the row of ``feed_state``, and who answers for it ("" when not known).

    ``state`` is one of ``contract.FEED_STATES``. ``accepted`` and ``rejected`` count delivered rows and are
    None when nothing was delivered. ``note`` is in words, or None.
    """

    feed: str
    department: str
    owner: str
    data_until: datetime | None
    arrived_at: datetime | None
    accepted: int | None
    rejected: int | None
    usual: int | None
    state: str
    note: str | None


def read_feed_log(file: Found, *, now: datetime) -> tuple[dict[str, LogLine], list[Reject]]:
    """The newest line of each feed (by ``delivered_at``, then by place), and lines that cannot be read."""
    newest: dict[str, LogLine] = {}
    rejects: list[Reject] = []
    try:
        text = decode(file.path.read_bytes())
    except OSError as error:
        return {}, [
            Reject(UNKNOWN_FEED, file.name, None, "unreadable_file", f"The log cannot be read: {error}.", "")
        ]
    if text is None:
        return {}, [
            Reject(UNKNOWN_FEED, file.name, None, "bad_encoding", "The log is neither UTF-8 nor GB18030.", "")
        ]
    for number, line in enumerate(text.split("\n"), start=1):
        if not line.strip():
            continue
        try:
            read = _read_line(json.loads(line), now)
        except (ValueError, RecursionError) as error:
            rejects.append(Reject(UNKNOWN_FEED, file.name, number, "bad_log_line", f"{error}.", line))
            continue
        before = newest.get(read.feed)
        if before is None or _stated(read) >= _stated(before):
            newest[read.feed] = read
    return newest, rejects


def _stated(line: LogLine) -> str:
    """Sorts lines by ``delivered_at``; one without it comes first."""
    return line.delivered_at.isoformat() if line.delivered_at else ""


def _read_line(raw: object, now: datetime) -> LogLine:
    if not isinstance(raw, dict):
        raise ValueError("The line is no JSON object")
    feed = raw.get("feed")
    if not isinstance(feed, str) or feed not in FEED_BY_ID:
        raise ValueError(f"feed is {feed!r}; known are {', '.join(FEED_BY_ID)}")
    return LogLine(
        feed=feed,
        department=_text(raw, "department"),
        owner=_text(raw, "owner"),
        delivered_at=_moment(raw, "delivered_at", now),
        data_until=_moment(raw, "data_until", now),
        rows=_whole(raw, "rows"),
        usual_rows=_whole(raw, "usual_rows"),
        note=_text(raw, "note"),
    )


def _text(raw: Mapping[str, object], key: str) -> str | None:
    value = raw.get(key)
    if value is not None and not isinstance(value, str):
        raise ValueError(f"{key} is {value!r}, not a text")
    if value and any("\ud800" <= c <= "\udfff" for c in value):
        raise ValueError(f"{key} holds half a character")
    return value or None


def _whole(raw: Mapping[str, object], key: str) -> int | None:
    value = raw.get(key)
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value < 2**63:
        raise ValueError(f"{key} is {value!r}, not a number of rows")
    return value


def _moment(raw: Mapping[str, object], key: str, now: datetime) -> datetime | None:
    value = _text(raw, key)
    if value is None:
        return None
    moment = datetime.fromisoformat(value)
    if moment.tzinfo is not None:
        raise ValueError(f"{key} is {value!r}; times are China Standard Time, without a zone")
    if moment > now:
        raise ValueError(f"{key} is {value!r}, which is later than the build")
    return moment


def judge_feeds(
    imported: Mapping[str, Imported],
    rejects: Iterable[Reject],
    log: Mapping[str, LogLine],
    *,
    late_after: Mapping[str, int],
) -> tuple[FeedArrival, ...]:
    """The state of every feed of the contract, worst first: not reported, late, partial, on time.

    A feed is late when its newest data lie more than its minutes of ``late_after`` behind the newest data of
    the whole delivery. The delivery is compared with itself, not with the clock: a build of an
    old day must not call everything late.
    """
    listed = list(rejects)
    arrivals = [
        _arrival(
            feed.id,
            imported.get(feed.id, Imported()),
            [r for r in listed if r.feed == feed.id],
            log.get(feed.id),
        )
        for feed in FEEDS
    ]
    newest = max(
        (a.data_until for a in arrivals if a.data_until and a.accepted and not FEED_BY_ID[a.feed].derived),
        default=None,
    )
    return tuple(
        _judge(a, log.get(a.feed), [r for r in listed if r.feed == a.feed], newest, late_after)
        for a in arrivals
    )


def _arrival(feed: str, imported: Imported, rejects: list[Reject], line: LogLine | None) -> FeedArrival:
    known = line or LogLine(feed)
    delivered = bool(imported.accepted or rejects)
    # The department knows until when it counted; but it cannot have counted what did not arrive.
    until = known.data_until if imported.accepted and known.data_until else imported.data_until
    return FeedArrival(
        feed=feed,
        department=known.department or FEED_BY_ID[feed].department,
        owner=known.owner or "",
        data_until=until,
        arrived_at=known.delivered_at,
        accepted=imported.accepted if delivered else None,
        rejected=count_rows(rejects) if delivered else None,
        usual=known.usual_rows,
        state="on_time",
        note="\n".join(filter(None, (known.note, *imported.notes))) or None,
    )


def _judge(
    arrival: FeedArrival,
    line: LogLine | None,
    rejects: list[Reject],
    newest: datetime | None,
    late_after: Mapping[str, int],
) -> FeedArrival:
    state, why = "on_time", _partial(arrival, line, rejects)
    if why:
        state = "partial"
    if arrival.data_until and newest and not FEED_BY_ID[arrival.feed].derived:
        allowed = timedelta(minutes=late_after.get(arrival.feed, DEFAULT_LATE_MINUTES))
        if newest - arrival.data_until > allowed:
            state = "late"
    if not arrival.accepted:
        state = "not_reported"
    return replace(arrival, state=state, note="\n".join(filter(None, (arrival.note, *why))) or None)


def _partial(arrival: FeedArrival, line: LogLine | None, rejects: list[Reject]) -> list[str]:
    """Why a feed is not whole, in words; empty when it is."""
    if not arrival.accepted:
        return []
    why = []
    arrived = arrival.accepted + (arrival.rejected or 0)
    lost = count_rows(r for r in rejects if r.reason not in HARMLESS)
    if lost > REJECTED_SHARE * arrived:
        why.append(f"{arrived} 行中 {lost} 行被隔离 / {lost} of {arrived} rows are in quarantine")
    if line is not None and line.rows is not None:
        if line.usual_rows is not None and line.rows < USUAL_SHARE * line.usual_rows:
            why.append(
                f"本次 {line.rows} 行，通常 {line.usual_rows} 行 / "
                f"{line.rows} rows, usually {line.usual_rows}"
            )
        if arrived < line.rows:
            why.append(f"登记 {line.rows} 行，收到 {arrived} 行 / {line.rows} rows logged, {arrived} arrived")
    return why
