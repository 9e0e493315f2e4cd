"""The tables of policy publishing: changes, comments, signed envelopes, the outbox, the sender's lease.

Times are China Standard Time without a zone; a column that ends in ``_s`` is whole seconds since 1970 in UTC,
as the signed text says it.
"""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import JSON, BigInteger, ForeignKey, Index, LargeBinary, String, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from dashboard.store.models import Base


class PolicyChangeRow(Base):
    """One change of a policy from its first edit to its end; ``row_version`` grows with every write.

    ``edits`` holds what was typed, by path of the field, also where it is not valid yet; ``digest`` is the
    digest of the document they make with the base, None while they make none. An approval is worth something
    only while ``approved_digest`` equals ``digest`` and ``approved_base`` equals ``base_digest``, the digest
    of the envelope that published last when the change was begun or rebased. ``version`` is the number the
    change will have when it is published, ``editors`` the ids of all accounts that edited it, ``rollback_of``
    the version a rollback goes back to.
    """

    __tablename__ = "policy_change"
    __table_args__ = (
        Index("ix_policy_change_state", "policy_id", "state"),
        Index("ix_policy_change_author_id", "author_id"),
    )

    id: Mapped[str] = mapped_column(String(36), primary_key=True)
    policy_id: Mapped[str] = mapped_column(String(32))
    kind: Mapped[str] = mapped_column(String(16))
    state: Mapped[str] = mapped_column(String(20))
    row_version: Mapped[int]
    author_id: Mapped[int] = mapped_column(ForeignKey("account.id"))
    author: Mapped[str] = mapped_column(String(64))
    editors: Mapped[list[int]] = mapped_column(JSON)
    version: Mapped[int]
    base_version: Mapped[int]
    base_digest: Mapped[str] = mapped_column(String(80))
    edits: Mapped[dict[str, object]] = mapped_column(JSON)
    digest: Mapped[str | None] = mapped_column(String(80))
    reason: Mapped[str] = mapped_column(Text)
    rollback_of: Mapped[int | None]
    effective_at: Mapped[datetime | None]
    expires_at: Mapped[datetime | None]
    approver_id: Mapped[int | None] = mapped_column(ForeignKey("account.id"))
    approved_by: Mapped[str | None] = mapped_column(String(64))
    approved_at: Mapped[datetime | None]
    approved_digest: Mapped[str | None] = mapped_column(String(80))
    approved_base: Mapped[str | None] = mapped_column(String(80))
    impact_snapshot: Mapped[str | None] = mapped_column(String(64))
    impact_digest: Mapped[str | None] = mapped_column(String(80))
    review_due_at: Mapped[datetime | None]
    reviewed_by: Mapped[str | None] = mapped_column(String(64))
    reviewed_at: Mapped[datetime | None]
    created_at: Mapped[datetime]
    updated_at: Mapped[datetime]
    updated_by: Mapped[str] = mapped_column(String(64))


class PolicyNoteRow(Base):
    """What was said or done about a change: a comment, or a step with its reason. Only grows.

    ``row_version`` is that of the change after the step, so that whoever saw an older one can be told what
    was done since.
    """

    __tablename__ = "policy_note"
    __table_args__ = (Index("ix_policy_note_change_id", "change_id"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    change_id: Mapped[str] = mapped_column(ForeignKey("policy_change.id"))
    row_version: Mapped[int]
    at: Mapped[datetime]
    actor: Mapped[str] = mapped_column(String(64))
    act: Mapped[str] = mapped_column(String(32))
    text: Mapped[str] = mapped_column(Text)


class PolicyEnvelopeRow(Base):
    """One signed envelope, kept byte for byte.

    ``version`` is the version it brings (a refresh brings that of the envelope before it), ``document`` the
    canonical text of that version, ``effective_at_s`` and ``expires_at_s`` its times. ``entries`` lists all
    versions in the envelope as ``[version, effective_at_s, expires_at_s]``.
    """

    __tablename__ = "policy_envelope"
    __table_args__ = (UniqueConstraint("policy_id", "seq", name="uq_policy_envelope_seq"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    policy_id: Mapped[str] = mapped_column(String(32))
    seq: Mapped[int]
    kind: Mapped[str] = mapped_column(String(16))
    version: Mapped[int]
    change_id: Mapped[str | None] = mapped_column(ForeignKey("policy_change.id"))
    digest: Mapped[str] = mapped_column(String(80), unique=True)
    prev: Mapped[str | None] = mapped_column(String(80))
    body: Mapped[bytes] = mapped_column(LargeBinary)
    document: Mapped[str] = mapped_column(Text)
    entries: Mapped[list[list[int | None]]] = mapped_column(JSON)
    issued_at: Mapped[datetime]
    effective_at_s: Mapped[int] = mapped_column(BigInteger)
    expires_at_s: Mapped[int | None] = mapped_column(BigInteger)


class PolicyOutboxRow(Base):
    """One envelope on its way; the row is made in the transaction that publishes and never deleted.

    ``state``: waiting, accepted, blocked (refused for good), foreign (another head than ours).
    """

    __tablename__ = "policy_outbox"
    __table_args__ = (UniqueConstraint("policy_id", "seq", name="uq_policy_outbox_seq"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    policy_id: Mapped[str] = mapped_column(String(32))
    seq: Mapped[int]
    state: Mapped[str] = mapped_column(String(16))
    attempts: Mapped[int]
    created_at: Mapped[datetime]
    first_try_at: Mapped[datetime | None]
    next_try_at: Mapped[datetime]
    last_error: Mapped[str] = mapped_column(Text)
    accepted_at: Mapped[datetime | None]
    active_at: Mapped[datetime | None]
    verified_at: Mapped[datetime | None]


class SenderLeaseRow(Base):
    """Who may send: one holder at a time; ``fence`` grows with every new holder."""

    __tablename__ = "sender_lease"

    name: Mapped[str] = mapped_column(String(32), primary_key=True)
    holder: Mapped[str] = mapped_column(String(80))
    fence: Mapped[int]
    until: Mapped[datetime]


class PolicyStatusRow(Base):
    """What the rules service said last, and what the reconciler made of it.

    ``reply`` is the last status that was read, ``read_at`` its time; ``missed`` counts polls since then that
    brought none. ``drift`` names a difference between the thresholds it decides by and those we signed;
    ``golden_ok`` is None while the golden cases were not asked of the version in force.
    """

    __tablename__ = "policy_status"

    policy_id: Mapped[str] = mapped_column(String(32), primary_key=True)
    polled_at: Mapped[datetime]
    read_at: Mapped[datetime | None]
    missed: Mapped[int]
    reply: Mapped[dict[str, object] | None] = mapped_column(JSON)
    error: Mapped[str] = mapped_column(Text)
    drift: Mapped[str] = mapped_column(Text)
    golden_ok: Mapped[bool | None]
    golden_detail: Mapped[str] = mapped_column(Text)
    confirm_resend: Mapped[str | None] = mapped_column(String(64))


class PolicyAlertRow(Base):
    """One thing about publishing that people must know; ``key`` is unique, so each is raised once.

    ``account_id`` names the person it is for, None is everybody who publishes.
    """

    __tablename__ = "policy_alert"

    id: Mapped[int] = mapped_column(primary_key=True)
    key: Mapped[str] = mapped_column(String(120), unique=True)
    at: Mapped[datetime]
    kind: Mapped[str] = mapped_column(String(32))
    detail: Mapped[str] = mapped_column(Text)
    account_id: Mapped[int | None] = mapped_column(ForeignKey("account.id"))
    ended_at: Mapped[datetime | None]
