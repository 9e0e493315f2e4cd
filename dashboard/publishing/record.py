"""How a change is read and written: one statement that compares the row version, its note, its audit row."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from sqlalchemy import Connection, Row, insert, select, update

from dashboard.publishing.actors import Person
from dashboard.publishing.errors import StaleChange, UnknownChange
from dashboard.publishing.model import Change, Note, read_kind
from dashboard.publishing.stand import read_version_or_baseline
from dashboard.publishing.states import Act, find_step, read_state
from dashboard.store.audit import Detail, append_audit
from dashboard.store.policy_models import PolicyChangeRow, PolicyNoteRow

TABLE = PolicyChangeRow.__table__
SYSTEM = "system"


def get_change(connection: Connection, change_id: str) -> Change:
    """The change of that id; raises ``UnknownChange``."""
    row = connection.execute(select(TABLE).where(PolicyChangeRow.id == change_id)).one_or_none()
    if row is None:
        raise UnknownChange(
            f"There is no policy change {change_id[:40]!r}.",
            todo="Open it again from the list of changes.",
            key="publishing.error.no_change",
        )
    return read_row(connection, row)


def read_row(connection: Connection, row: Row[tuple[object, ...]]) -> Change:
    """A row of the store as a change, with the documents it refers to."""
    values = dict(row._mapping)
    rollback_of = values["rollback_of"]
    return Change(
        **{
            name: value
            for name, value in values.items()
            if name not in ("policy_id", "base_version", "kind", "state", "editors", "edits")
        },
        kind=read_kind(values["kind"]),
        state=read_state(values["state"]),
        editors=tuple(values["editors"]),
        edits=dict(values["edits"]),
        base=read_version_or_baseline(connection, values["base_version"]),
        target=None if rollback_of is None else read_version_or_baseline(connection, rollback_of),
    )


def check_seen(connection: Connection, change: Change, row_version: int) -> None:
    """Raise ``StaleChange`` unless ``change`` is still as it was when ``row_version`` was read."""
    if change.row_version == row_version:
        return
    since = [
        f"{note.at:%Y-%m-%d %H:%M:%S} {note.actor}: {note.act}" + (f" ({note.text})" if note.text else "")
        for note in read_notes(connection, change.id)
        if row_version < note.row_version
    ]
    raise StaleChange(
        f"The change was changed by {change.updated_by} at {change.updated_at:%Y-%m-%d %H:%M:%S} "
        "after you read it.",
        todo="Read it again, then repeat what you did.",
        key="publishing.error.stale",
        since=since,
        who=change.updated_by,
        at=f"{change.updated_at:%Y-%m-%d %H:%M:%S}",
    )


def move(
    connection: Connection,
    change: Change,
    act: Act,
    *,
    actor: str,
    at: datetime,
    text: str = "",
    detail: Detail | None = None,
    values: Mapping[str, object] | None = None,
) -> Change:
    """Do ``act`` on ``change``: its state and ``values`` change only if nobody else changed it meanwhile.

    Writes the note and the audit row in the same transaction. Raises ``WrongState``, ``StaleChange``.
    """
    step = find_step(change.state, act)
    row_version = change.row_version + 1
    done = connection.execute(
        update(PolicyChangeRow)
        .where(PolicyChangeRow.id == change.id, PolicyChangeRow.row_version == change.row_version)
        .values(**(values or {}), state=step.to, row_version=row_version, updated_at=at, updated_by=actor)
    )
    if done.rowcount != 1:
        check_seen(connection, get_change(connection, change.id), change.row_version)
    write_note(connection, change.id, row_version=row_version, at=at, actor=actor, act=act, text=text)
    append_audit(
        connection,
        at=at,
        actor=actor,
        action=f"policy_{act}",
        target=f"policy_change:{change.id}",
        detail={"from": change.state, "to": step.to, "row_version": row_version, **(detail or {})},
    )
    return get_change(connection, change.id)


def add_comment(connection: Connection, change: Change, text: str, person: Person, at: datetime) -> Change:
    """Keep a comment and its audit row; the change itself stays as it is."""
    write_note(
        connection,
        change.id,
        row_version=change.row_version,
        at=at,
        actor=person.login,
        act="comment",
        text=text,
    )
    append_audit(
        connection,
        at=at,
        actor=person.login,
        action="policy_comment",
        target=f"policy_change:{change.id}",
        detail={"length": len(text)},
    )
    return change


def begin_record(connection: Connection, values: Mapping[str, object], *, actor: str, at: datetime) -> Change:
    """Write a new change in state draft, its note and its audit row."""
    connection.execute(insert(PolicyChangeRow).values(**values))
    change = get_change(connection, str(values["id"]))
    write_note(connection, change.id, row_version=1, at=at, actor=actor, act="open", text=change.reason)
    append_audit(
        connection,
        at=at,
        actor=actor,
        action="policy_open",
        target=f"policy_change:{change.id}",
        detail={"kind": change.kind, "version": change.version, "base_version": change.base.version},
    )
    return change


def write_note(
    connection: Connection, change_id: str, *, row_version: int, at: datetime, actor: str, act: str, text: str
) -> None:
    """Add one note to a change."""
    connection.execute(
        insert(PolicyNoteRow).values(
            change_id=change_id, row_version=row_version, at=at, actor=actor, act=act, text=text
        )
    )


def read_notes(connection: Connection, change_id: str) -> tuple[Note, ...]:
    """What was said and done about a change, the oldest first."""
    query = (
        select(
            PolicyNoteRow.row_version,
            PolicyNoteRow.at,
            PolicyNoteRow.actor,
            PolicyNoteRow.act,
            PolicyNoteRow.text,
        )
        .where(PolicyNoteRow.change_id == change_id)
        .order_by(PolicyNoteRow.id)
    )
    return tuple(Note(*row) for row in connection.execute(query))
