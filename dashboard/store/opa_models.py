"""The tables of policy engines that pull bundles: who may pull, what each reported, what each decided.

Times are China Standard Time without a zone.
"""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import ForeignKey, Index, String, Text
from sqlalchemy.orm import Mapped, mapped_column

from dashboard.store.models import Base


class OpaInstanceRow(Base):
    """One engine with its token; ``served_seq`` is the highest envelope it was ever handed.

    ``reported_revision`` is what the engine itself said is active, ``problem`` what it said is wrong.
    """

    __tablename__ = "opa_instance"

    name: Mapped[str] = mapped_column(String(64), primary_key=True)
    token_sha256: Mapped[str] = mapped_column(String(64), unique=True)
    created_at: Mapped[datetime]
    revoked_at: Mapped[datetime | None]
    served_seq: Mapped[int]
    served_at: Mapped[datetime | None]
    reported_at: Mapped[datetime | None]
    reported_revision: Mapped[str | None] = mapped_column(String(120))
    problem: Mapped[str] = mapped_column(Text)


class OpaDecisionRow(Base):
    """One decision an engine logged, without its input: the board keeps no facts about a person.

    ``decision_id`` is the engine's own; a log that is sent twice is kept once.
    """

    __tablename__ = "opa_decision"
    __table_args__ = (Index("ix_opa_decision_received_at", "received_at"),)

    decision_id: Mapped[str] = mapped_column(String(64), primary_key=True)
    instance: Mapped[str] = mapped_column(ForeignKey("opa_instance.name"))
    received_at: Mapped[datetime]
    revision: Mapped[str] = mapped_column(String(120))
    ask: Mapped[str] = mapped_column(String(32))
    reason: Mapped[str] = mapped_column(String(64))
