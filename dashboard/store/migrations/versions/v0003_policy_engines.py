"""Policy engines that pull bundles, and the decisions they logged."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "opa_instance",
        sa.Column("name", sa.String(64), nullable=False),
        sa.Column("token_sha256", sa.String(64), nullable=False),
        sa.Column("created_at", sa.DateTime, nullable=False),
        sa.Column("revoked_at", sa.DateTime),
        sa.Column("served_seq", sa.Integer, nullable=False),
        sa.Column("served_at", sa.DateTime),
        sa.Column("reported_at", sa.DateTime),
        sa.Column("reported_revision", sa.String(120)),
        sa.Column("problem", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("name", name="pk_opa_instance"),
        sa.UniqueConstraint("token_sha256", name="uq_opa_instance_token_sha256"),
    )
    op.create_table(
        "opa_decision",
        sa.Column("decision_id", sa.String(64), nullable=False),
        sa.Column("instance", sa.String(64), nullable=False),
        sa.Column("received_at", sa.DateTime, nullable=False),
        sa.Column("revision", sa.String(120), nullable=False),
        sa.Column("ask", sa.String(32), nullable=False),
        sa.Column("reason", sa.String(64), nullable=False),
        sa.PrimaryKeyConstraint("decision_id", name="pk_opa_decision"),
        sa.ForeignKeyConstraint(["instance"], ["opa_instance.name"], name="fk_opa_decision_instance"),
    )
    op.create_index("ix_opa_decision_received_at", "opa_decision", ["received_at"])


def downgrade() -> None:
    raise NotImplementedError("A store is restored from its backup, never migrated backwards.")
