"""Where publishing stands: the newest envelope that counts, the versions in it, the documents behind them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from typing import Literal

from sqlalchemy import Connection, func, select

from dashboard.clock import epoch_s, from_epoch_s
from dashboard.errors import PolicyError
from dashboard.policy.document import digest_policy, parse_policy
from dashboard.policy.model import Policy
from dashboard.policy.store import load_baseline
from dashboard.store.policy_models import PolicyEnvelopeRow, PolicyOutboxRow

POLICY_ID: Literal["epidemic"] = "epidemic"


@dataclass(frozen=True)
class Entry:
    """One version in an envelope and when it is in force; seconds since 1970, the end is exclusive."""

    version: int
    effective_at_s: int
    expires_at_s: int | None

    def holds(self, now_s: int) -> bool:
        """Whether the version may be in force at that second."""
        return self.effective_at_s <= now_s and (self.expires_at_s is None or now_s < self.expires_at_s)

    @property
    def effective_at(self) -> datetime:
        return from_epoch_s(self.effective_at_s)

    @property
    def expires_at(self) -> datetime | None:
        return None if self.expires_at_s is None else from_epoch_s(self.expires_at_s)


@dataclass(frozen=True)
class Head:
    """The newest envelope that was not refused for good.

    ``digest`` is that of its bytes, ``deciding`` that of the newest one that is no refresh: a refresh moves
    the first and changes nothing that anybody decided on.
    """

    seq: int
    digest: str
    deciding: str
    kind: str
    version: int
    issued_at: datetime
    entries: tuple[Entry, ...]

    def active(self, now_s: int) -> Entry | None:
        """The entry in force: of those that hold, the one of the highest version."""
        return active_of(self.entries, now_s)

    def pending(self, now_s: int) -> tuple[Entry, ...]:
        """The entries that are still to come, the earliest first."""
        return tuple(
            sorted((e for e in self.entries if e.effective_at_s > now_s), key=lambda e: e.effective_at_s)
        )

    @property
    def newest(self) -> Entry:
        """What a new version is made from: the highest version that does not end by itself."""
        lasting = [e for e in self.entries if e.expires_at_s is None]
        return max(lasting or self.entries, key=lambda e: e.version)


@dataclass(frozen=True)
class Base:
    """What a draft starts from: the policy, the digest of the envelope that decided, the number to come."""

    policy: Policy
    digest: str
    next_version: int


def read_head(connection: Connection) -> Head | None:
    """The newest envelope that counts, None where nothing was published. Refused ones do not count."""
    blocked = select(PolicyOutboxRow.seq).where(
        PolicyOutboxRow.policy_id == POLICY_ID, PolicyOutboxRow.state == "blocked"
    )
    counted = (
        select(
            PolicyEnvelopeRow.seq,
            PolicyEnvelopeRow.digest,
            PolicyEnvelopeRow.kind,
            PolicyEnvelopeRow.version,
            PolicyEnvelopeRow.issued_at,
            PolicyEnvelopeRow.entries,
        )
        .where(PolicyEnvelopeRow.policy_id == POLICY_ID, PolicyEnvelopeRow.seq.not_in(blocked))
        .order_by(PolicyEnvelopeRow.seq.desc())
        .limit(1)
    )
    row = connection.execute(counted).one_or_none()
    if row is None:
        return None
    deciding = row
    if row.kind == "refresh":
        deciding = connection.execute(counted.where(PolicyEnvelopeRow.kind != "refresh")).one()
    return Head(
        seq=row.seq,
        digest=row.digest,
        deciding=deciding.digest,
        kind=row.kind,
        version=row.version,
        issued_at=row.issued_at,
        entries=read_entries(row.entries),
    )


def read_entries(rows: Sequence[Sequence[int | None]]) -> tuple[Entry, ...]:
    """The entries of an envelope as its row lists them."""
    return tuple(Entry(int(version or 0), int(begin or 0), end) for version, begin, end in rows)


def active_of(entries: Iterable[Entry], now_s: int) -> Entry | None:
    """The entry in force: of those that hold, the one of the highest version."""
    return max((e for e in entries if e.holds(now_s)), key=lambda e: e.version, default=None)


def last_seq(connection: Connection) -> int:
    """The highest seq that was ever given out, 0 where none was."""
    query = select(func.max(PolicyEnvelopeRow.seq)).where(PolicyEnvelopeRow.policy_id == POLICY_ID)
    return connection.execute(query).scalar() or 0


def highest_version(connection: Connection) -> int:
    """The highest version that was ever published, that of the baseline where none was."""
    query = select(func.max(PolicyEnvelopeRow.version)).where(PolicyEnvelopeRow.policy_id == POLICY_ID)
    return connection.execute(query).scalar() or load_baseline().version


def read_version(connection: Connection, version: int) -> Policy:
    """The document of a published version; raises ``PolicyError`` for one that was never published."""
    query = (
        select(PolicyEnvelopeRow.document)
        .where(
            PolicyEnvelopeRow.policy_id == POLICY_ID,
            PolicyEnvelopeRow.version == version,
            PolicyEnvelopeRow.kind.not_in(("refresh", "rollback")),
        )
        .order_by(PolicyEnvelopeRow.seq.desc())
        .limit(1)
    )
    text = connection.execute(query).scalar()
    if text is None:
        raise PolicyError(
            f"Version {version} of the policy was never published.",
            todo="See the versions there are: tianfu policy status",
            key="publishing.error.no_version",
            version=version,
        )
    return parse_document(text)


def read_version_or_baseline(connection: Connection, version: int) -> Policy:
    """The document of a published version; before anything is published, the baseline."""
    if version == load_baseline().version and read_head(connection) is None:
        return load_baseline()
    return read_version(connection, version)


@lru_cache(maxsize=64)
def parse_document(text: str) -> Policy:
    """The policy of a stored document; the same few are read all day."""
    return parse_policy(text, name="the stored document", kind="json")


def read_base(connection: Connection, *, kind: str, at: datetime) -> Base:
    """What a draft of ``kind`` starts from at this moment.

    A lasting change starts from the newest lasting version, so that it loses nothing that was scheduled; an
    emergency starts from what is in force. Where nothing was published yet both start from the baseline.
    """
    head = read_head(connection)
    if head is None:
        policy = load_baseline()
        return Base(policy, digest_policy(policy), policy.version + 1)
    entry = head.active(epoch_s(at)) if kind == "emergency" else None
    policy = read_version(connection, (entry or head.newest).version)
    return Base(policy, head.deciding, highest_version(connection) + 1)
