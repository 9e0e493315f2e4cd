"""What a page or a card works with: who asks, in which words, through which scope, on which snapshot."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from dashboard.auth.rights import Identity, Right, check, scope_of
from dashboard.auth.scope import Scope
from dashboard.i18n.catalogue import Lang, t
from dashboard.policy.model import Policy
from dashboard.publishing.in_force import InForce
from dashboard.shell.board import Board, get_board
from dashboard.shell.filters import Filters, Options, parse_filters
from dashboard.shell.identity import current_identity, current_lang, current_theme
from dashboard.snapshot.manifest import Manifest
from queries.run import View

Theme = Literal["light", "dark"]


@dataclass(frozen=True)
class Context:
    """Everything a card needs; made from the request, never from what the browser claims to be."""

    board: Board
    identity: Identity
    scope: Scope
    lang: Lang
    theme: Theme
    filters: Filters
    manifest: Manifest
    view: View
    in_force: InForce

    @property
    def policy(self) -> Policy:
        """The policy in force when the request began: one answer never mixes two versions."""
        return self.in_force.policy

    def t(self, key: str, **values: object) -> str:
        """A text in the reader's language."""
        return t(self.lang, key, **values)


def build_context(raw: Mapping[str, str], *, needs: Right, options: Options) -> Context:
    """Check the right, then the scope, then read the filters; raises the error of the first that fails."""
    identity = current_identity()
    check(identity, needs)
    board = get_board()
    scope = scope_of(identity)
    snapshot_id = raw.get("snapshot") or board.store.current_id()
    manifest = board.store.manifest(snapshot_id)
    first_days = [table.first_day for table in manifest.tables if table.first_day]
    filters = parse_filters(
        raw, scope=scope, manifest=manifest, options=options, first_day=min(first_days, default=None)
    )
    return Context(
        board=board,
        identity=identity,
        scope=scope,
        lang=current_lang(),
        theme=current_theme(),
        filters=filters,
        manifest=manifest,
        view=View(store=board.store, snapshot_id=manifest.id, scope=scope),
        in_force=board.in_force,
    )
