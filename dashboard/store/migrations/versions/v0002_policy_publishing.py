"""Policy changes, their notes, signed envelopes, the outbox, the sender's lease, status and alerts."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "policy_change",
        sa.Column("id", sa.String(36), nullable=False),
        sa.Column("policy_id", sa.String(32), nullable=False),
        sa.Column("kind", sa.String(16), nullable=False),
        sa.Column("state", sa.String(20), nullable=False),
        sa.Column("row_version", sa.Integer, nullable=False),
        sa.Column("author_id", sa.Integer, nullable=False),
        sa.Column("author", sa.String(64), nullable=False),
        sa.Column("editors", sa.JSON, nullable=False),
        sa.Column("version", sa.Integer, nullable=False),
        sa.Column("base_version", sa.Integer, nullable=False),
        sa.Column("base_digest", sa.String(80), nullable=False),
        sa.Column("edits", sa.JSON, nullable=False),
        sa.Column("digest", sa.String(80)),
        sa.Column("reason", sa.Text, nullable=False),
        sa.Column("rollback_of", sa.Integer),
        sa.Column("effective_at", sa.DateTime),
        sa.Column("expires_at", sa.DateTime),
        sa.Column("approver_id", sa.Integer),
        sa.Column("approved_by", sa.String(64)),
        sa.Column("approved_at", sa.DateTime),
        sa.Column("approved_digest", sa.String(80)),
        sa.Column("approved_base", sa.String(80)),
        sa.Column("impact_snapshot", sa.String(64)),
        sa.Column("impact_digest", sa.String(80)),
        sa.Column("review_due_at", sa.DateTime),
        sa.Column("reviewed_by", sa.String(64)),
        sa.Column("reviewed_at", sa.DateTime),
        sa.Column("created_at", sa.DateTime, nullable=False),
        sa.Column("updated_at", sa.DateTime, nullable=False),
        sa.Column("updated_by", sa.String(64), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_policy_change"),
        sa.ForeignKeyConstraint(["author_id"], ["account.id"], name="fk_policy_change_author_id"),
        sa.ForeignKeyConstraint(["approver_id"], ["account.id"], name="fk_policy_change_approver_id"),
    )
    op.create_index("ix_policy_change_state", "policy_change", ["policy_id", "state"])
    op.create_index("ix_policy_change_author_id", "policy_change", ["author_id"])
    op.create_table(
        "policy_note",
        sa.Column("id", sa.Integer, nullable=False),
        sa.Column("change_id", sa.String(36), nullable=False),
        sa.Column("row_version", sa.Integer, nullable=False),
        sa.Column("at", sa.DateTime, nullable=False),
        sa.Column("actor", sa.String(64), nullable=False),
        sa.Column("act", sa.String(32), nullable=False),
        sa.Column("text", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_policy_note"),
        sa.ForeignKeyConstraint(["change_id"], ["policy_change.id"], name="fk_policy_note_change_id"),
    )
    op.create_index("ix_policy_note_change_id", "policy_note", ["change_id"])
    op.create_table(
        "policy_envelope",
        sa.Column("id", sa.Integer, nullable=False),
        sa.Column("policy_id", sa.String(32), nullable=False),
        sa.Column("seq", sa.Integer, nullable=False),
        sa.Column("kind", sa.String(16), nullable=False),
        sa.Column("version", sa.Integer, nullable=False),
        sa.Column("change_id", sa.String(36)),
        sa.Column("digest", sa.String(80), nullable=False),
        sa.Column("prev", sa.String(80)),
        sa.Column("body", sa.LargeBinary, nullable=False),
        sa.Column("document", sa.Text, nullable=False),
        sa.Column("entries", sa.JSON, nullable=False),
        sa.Column("issued_at", sa.DateTime, nullable=False),
        sa.Column("effective_at_s", sa.BigInteger, nullable=False),
        sa.Column("expires_at_s", sa.BigInteger),
        sa.PrimaryKeyConstraint("id", name="pk_policy_envelope"),
        sa.UniqueConstraint("policy_id", "seq", name="uq_policy_envelope_seq"),
        sa.UniqueConstraint("digest", name="uq_policy_envelope_digest"),
        sa.ForeignKeyConstraint(["change_id"], ["policy_change.id"], name="fk_policy_envelope_change_id"),
    )
    op.create_table(
        "policy_outbox",
        sa.Column("id", sa.Integer, nullable=False),
        sa.Column("policy_id", sa.String(32), nullable=False),
        sa.Column("seq", sa.Integer, nullable=False),
        sa.Column("state", sa.String(16), nullable=False),
        sa.Column("attempts", sa.Integer, nullable=False),
        sa.Column("created_at", sa.DateTime, nullable=False),
        sa.Column("first_try_at", sa.DateTime),
        sa.Column("next_try_at", sa.DateTime, nullable=False),
        sa.Column("last_error", sa.Text, nullable=False),
        sa.Column("accepted_at", sa.DateTime),
        sa.Column("active_at", sa.DateTime),
        sa.Column("verified_at", sa.DateTime),
        sa.PrimaryKeyConstraint("id", name="pk_policy_outbox"),
        sa.UniqueConstraint("policy_id", "seq", name="uq_policy_outbox_seq"),
    )
    op.create_table(
        "sender_lease",
        sa.Column("name", sa.String(32), nullable=False),
        sa.Column("holder", sa.String(80), nullable=False),
        sa.Column("fence", sa.Integer, nullable=False),
        sa.Column("until", sa.DateTime, nullable=False),
        sa.PrimaryKeyConstraint("name", name="pk_sender_lease"),
    )
    op.create_table(
        "policy_status",
        sa.Column("policy_id", sa.String(32), nullable=False),
        sa.Column("polled_at", sa.DateTime, nullable=False),
        sa.Column("read_at", sa.DateTime),
        sa.Column("missed", sa.Integer, nullable=False),
        sa.Column("reply", sa.JSON),
        sa.Column("error", sa.Text, nullable=False),
        sa.Column("drift", sa.Text, nullable=False),
        sa.Column("golden_ok", sa.Boolean),
        sa.Column("golden_detail", sa.Text, nullable=False),
        sa.Column("confirm_resend", sa.String(64)),
        sa.PrimaryKeyConstraint("policy_id", name="pk_policy_status"),
    )
    op.create_table(
        "policy_alert",
        sa.Column("id", sa.Integer, nullable=False),
        sa.Column("key", sa.String(120), nullable=False),
        sa.Column("at", sa.DateTime, nullable=False),
        sa.Column("kind", sa.String(32), nullable=False),
        sa.Column("detail", sa.Text, nullable=False),
        sa.Column("account_id", sa.Integer),
        sa.Column("ended_at", sa.DateTime),
        sa.PrimaryKeyConstraint("id", name="pk_policy_alert"),
        sa.ForeignKeyConstraint(["account_id"], ["account.id"], name="fk_policy_alert_account_id"),
        sa.UniqueConstraint("key", name="uq_policy_alert_key"),
    )
    if op.get_bind().dialect.name == "sqlite":
        for table in ("policy_envelope", "policy_note"):
            for act in ("UPDATE", "DELETE"):
                op.execute(
                    f"CREATE TRIGGER {table}_no_{act.lower()} BEFORE {act} ON {table} "
                    f"BEGIN SELECT RAISE(ABORT, '{table} only grows'); END"
                )


def downgrade() -> None:
    raise NotImplementedError("A store is restored from its backup, never migrated backwards.")
