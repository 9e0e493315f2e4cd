"""The impact of a draft against what is in force, for the whole province, as an approval is bound to it."""

from __future__ import annotations

from sqlalchemy import Connection

from dashboard.auth.rights import Identity, can, scope_of
from dashboard.policy.model import Policy
from dashboard.publishing.changes import edited_document, get_change
from dashboard.publishing.errors import StaleChange
from dashboard.publishing.in_force import in_force
from dashboard.shell.board import Board
from dashboard.shell.policy_ask import Ask
from geo.areas import PROVINCE
from queries.preview import ImpactPreview, get_preview
from queries.run import View


def province_impact(
    board: Board, identity: Identity, snapshot_id: str, *, before: Policy, after: Policy
) -> ImpactPreview | None:
    """What ``after`` changes in the province on that snapshot; None for who may not see the province."""
    scope = scope_of(identity)
    if not scope.allows(PROVINCE):
        return None
    view = View(store=board.store, snapshot_id=snapshot_id, scope=scope)
    return get_preview(view, area=PROVINCE, before=before, after=after)


def check_impact(connection: Connection, board: Board, ask: Ask) -> None:
    """Raise ``StaleChange`` unless the impact that was sent is the one this draft has on that snapshot.

    Who may not approve, and what is no policy, is left to the workflow to refuse.
    """
    change = get_change(connection, ask.change)
    after = edited_document(change).policy
    if not can(ask.identity, "approve") or after is None or not ask.text("impact_digest"):
        return
    before = in_force(connection, ask.at).policy
    snapshot = board.store.manifest(ask.text("impact_snapshot"))
    shown = province_impact(board, ask.identity, snapshot.id, before=before, after=after)
    if shown is None or shown.digest != ask.text("impact_digest"):
        raise StaleChange(
            "The impact is not the one this draft has now.",
            todo="Look at the impact again, then decide.",
            key="screen.error.other_impact",
        )
