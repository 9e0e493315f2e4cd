"""The steps of drafting and review: thin calls of the workflow, which asks rights and row version itself."""

from __future__ import annotations

from sqlalchemy import Connection

from dashboard.auth.rights import can
from dashboard.errors import InputError
from dashboard.publishing import changes, review
from dashboard.publishing.fields import Typed
from dashboard.publishing.model import Change, read_kind
from dashboard.publishing.typed import read_typed
from dashboard.shell.policy_ask import Ask, Done, step
from dashboard.shell.policy_body import mapping_of


@step("open")
def open_draft(connection: Connection, ask: Ask) -> Done:
    kind = ask.text("kind") or "normal"
    if kind not in ("normal", "emergency"):
        raise InputError(f"{kind[:20]!r} cannot be drafted.", key="error.bad_body", name="kind")
    change = changes.open_draft(connection, ask.actor, ask.at, kind=read_kind(kind))
    return Done(change, go={"change": change.id, "view": "edit"})


@step("edit")
def edit(connection: Connection, ask: Ask) -> Done:
    """Keep what was typed.

    What is stored already is acknowledged, also to a tab that saw an older row version: a page that was left
    in the middle of saving sends the same once more.
    """
    change = changes.get_change(connection, ask.change)
    given = mapping_of(ask.body, "edits")
    typed = {path: _typed(path, value, change) for path, value in given.items()}
    may = can(ask.identity, "draft") or change.author_id == ask.identity.account_id
    if may and change.row_version != ask.row_version and _holds(change, typed):
        return Done(change)
    return Done(changes.save_edits(connection, change.id, typed, ask.row_version, ask.actor, ask.at))


def _typed(path: str, value: object, change: Change) -> Typed | None:
    if value is not None and not isinstance(value, str | int | float):
        raise InputError(f"{path[:80]} cannot hold this.", key="error.bad_body", name=path[:80])
    return read_typed(path, value, change.base)


def _holds(change: Change, typed: dict[str, Typed | None]) -> bool:
    return all(
        (type(change.edits.get(path)), change.edits.get(path)) == (type(value), value)
        for path, value in typed.items()
    )


@step("add_reason")
def add_reason(connection: Connection, ask: Ask) -> Done:
    """A new row of the table of reasons, yellow and by test until it is said otherwise."""
    path = f"health_code.rows.{ask.text('reason_code').strip()}"
    first: dict[str, Typed | None] = {
        path: "add",
        f"{path}.zh": ask.text("zh").strip(),
        f"{path}.en": ask.text("en").strip(),
        f"{path}.colour": "yellow",
        f"{path}.hold_days": 14,
        f"{path}.release": "tests",
        f"{path}.tests_required": 1,
    }
    return _save(connection, ask, first)


@step("add_bounds")
def add_bounds(connection: Connection, ask: Ask) -> Done:
    path, change = f"override_bounds.{ask.text('path')}", changes.get_change(connection, ask.change)
    ends = ("override_min", "override_max")
    return _save(
        connection,
        ask,
        {f"{path}.{end}": read_typed(f"{path}.{end}", ask.text(end), change.base) for end in ends},
    )


@step("add_override")
def add_override(connection: Connection, ask: Ask) -> Done:
    change = changes.get_change(connection, ask.change)
    path = f"overrides.{ask.text('area')}.{ask.text('path')}"
    return _save(connection, ask, {path: read_typed(path, ask.text("value"), change.base)})


def _save(connection: Connection, ask: Ask, edits: dict[str, Typed | None]) -> Done:
    change = changes.save_edits(connection, ask.change, edits, ask.row_version, ask.actor, ask.at)
    return Done(change, say="screen.saved")


@step("rebase")
def rebase(connection: Connection, ask: Ask) -> Done:
    done = changes.rebase(connection, ask.change, ask.row_version, ask.actor, ask.at)
    return Done(done.change, say="screen.rebased.conflicts" if done.conflicts else "screen.rebased")


@step("discard")
def discard(connection: Connection, ask: Ask) -> Done:
    change = changes.discard(
        connection, ask.change, ask.row_version, ask.actor, ask.at, reason=ask.text("reason")
    )
    return Done(change, say="screen.discarded", go={"change": ""}, dropped=True)


@step("ask_review")
def ask_review(connection: Connection, ask: Ask) -> Done:
    change = review.ask_review(
        connection, ask.change, ask.row_version, ask.actor, ask.at, reason=ask.text("reason")
    )
    return Done(change, say="screen.asked", go={"change": change.id})


@step("withdraw")
def withdraw(connection: Connection, ask: Ask) -> Done:
    return Done(
        review.withdraw(
            connection, ask.change, ask.row_version, ask.actor, ask.at, reason=ask.text("reason")
        ),
        say="screen.withdrawn",
    )


@step("reopen")
def reopen(connection: Connection, ask: Ask) -> Done:
    return Done(review.reopen(connection, ask.change, ask.row_version, ask.actor, ask.at))


@step("comment")
def comment(connection: Connection, ask: Ask) -> Done:
    return Done(review.comment(connection, ask.change, ask.text("text"), ask.actor, ask.at))


@step("approve")
def approve(connection: Connection, ask: Ask) -> Done:
    """Approve what was on screen: this draft, with the impact shown for it."""
    change = review.approve(
        connection,
        ask.change,
        ask.row_version,
        ask.actor,
        ask.at,
        draft_digest=ask.text("draft_digest"),
        impact_snapshot=ask.text("impact_snapshot"),
        impact_digest=ask.text("impact_digest"),
        reason=ask.text("reason"),
    )
    return Done(change, say="screen.approved", go={"change": change.id})


@step("decline")
def decline(connection: Connection, ask: Ask) -> Done:
    change = review.decline(
        connection, ask.change, ask.row_version, ask.actor, ask.at, reason=ask.text("reason")
    )
    return Done(change, say="screen.declined", go={"change": ""})
