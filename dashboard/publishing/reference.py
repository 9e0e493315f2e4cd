"""The generated page ``docs/policy-states.md``: the life of a change, drawn from the dictionary."""

from __future__ import annotations

from dashboard.auth.rights import ROLE_RIGHTS
from dashboard.publishing.changes import AUTHOR_RIGHTS
from dashboard.publishing.states import ACTS, STATES, TRANSITIONS, draw_states

_STATES = {
    "draft": "Being edited; only its author and other editors work on it.",
    "in_review": "Complete, with a reason; waits for a commander.",
    "approved": "A second person approved exactly this draft on this base.",
    "publishing": "Signed and on its way, or scheduled.",
    "active": "In force, as the rules service says.",
    "superseded": "Was in force, or was overtaken on its way.",
    "rejected": "Declined with a reason; its author may open it again.",
    "cancelled": "Given up.",
    "suspended": "Its base moved, or its schedule was taken back; rebase it or discard it.",
    "publish_blocked": "The rules service refused it for good.",
}


def states_page() -> str:
    """Diagram, states, and every act with its right and the roles that hold it."""
    lines = [
        "# States of a policy change",
        "",
        "What each step means: [policy-publishing.md](policy-publishing.md). Comments, and reviews of an",
        "emergency, change no state.",
        "",
        "```mermaid",
        draw_states().rstrip(),
        "```",
        "",
        "| state | what it means |",
        "|---|---|",
        *(f"| `{state}` | {_STATES[state]} |" for state in STATES),
        "",
        "What an author does (edit, rebase, ask for review, withdraw, reopen, discard) takes a right by the",
        "kind of change:",
        "",
        "| kind of change | any one of the rights |",
        "|---|---|",
        *(f"| {kind} | {', '.join(sorted(rights))} |" for kind, rights in AUTHOR_RIGHTS.items()),
        "",
        "| act | from | to | takes one of the rights | held by |",
        "|---|---|---|---|---|",
    ]
    for act in ACTS:
        for (start, name), step in TRANSITIONS.items():
            if name == act:
                rights = ", ".join(sorted(step.rights)) or "none: by itself"
                roles = ", ".join(role for role, held in ROLE_RIGHTS.items() if held & step.rights)
                lines.append(f"| `{act}` | `{start}` | `{step.to}` | {rights} | {roles} |")
    return "\n".join([*lines, ""])
