"""The impact preview: what another policy would change, told from a snapshot before it is published."""

from __future__ import annotations

from dashboard.policy.diff import diff_policies
from dashboard.policy.document import digest_policy
from dashboard.policy.model import GROUPS, Policy
from queries.areas import get_members
from queries.preview_codes import CodePreview, preview_codes, preview_tests
from queries.preview_levels import preview_levels, preview_places
from queries.preview_model import AlarmTurn, ImpactPreview
from queries.preview_venues import preview_crowds, preview_red_scans, preview_silent
from queries.preview_work import preview_feeds, preview_work
from queries.run import View, remember

# Thresholds whose effect is told, by the begin of their path, and the tables it is told from.
MEASURED: dict[str, tuple[str, ...]] = {
    "risk_area.": ("case_daily", "risk_place"),
    "health_code.rows.": ("code_cohort",),
    "nucleic_test.": ("test_validity",),
    "scan_alarm.max_scans_per_hour.": ("scan_hourly",),
    "scan_alarm.red_scan_alarm": ("scan_hourly",),
    "scan_alarm.silent_after_hours": ("venue_daily",),
    "appeals.resolve_hours": ("ticket_backlog",),
    "appeals.backlog_days_warn": ("ticket_backlog", "ticket_daily"),
    "feeds.late_after_minutes.": (),
}


def get_preview(view: View, *, area: str, before: Policy, after: Policy) -> ImpactPreview:
    """The preview of ``after`` against ``before`` for ``area``, kept by snapshot, scope and both digests.

    Counts of people pass disclosure control with the ``min_cell`` of ``before``. Raises ``OutOfScope``.
    """
    get_members(view, area=area)
    base, draft = digest_policy(before), digest_policy(after)
    (preview,) = remember(
        view,
        "preview",
        lambda: (_build(view, area, before, after, base, draft),),
        area=area,
        before=base,
        after=draft,
    )
    return preview


def _build(view: View, area: str, before: Policy, after: Policy, base: str, draft: str) -> ImpactPreview:
    manifest = view.store.manifest(view.snapshot_id)
    paths = changed_thresholds(before, after)
    asked = [begin for begin in MEASURED if any(path.startswith(begin) for path in paths)]
    tables = dict.fromkeys(table for begin in asked for table in MEASURED[begin])
    codes = preview_codes(view, area=area, before=before, after=after)
    return ImpactPreview(
        snapshot_id=manifest.id,
        data_time=manifest.data_time,
        area=area,
        base_version=before.version,
        base_digest=base,
        draft_digest=draft,
        levels=preview_levels(view, area=area, before=before, after=after),
        places=preview_places(view, area=area, before=before, after=after),
        codes=codes.turns,
        code_totals=codes.totals,
        codes_unsure=codes.unsure,
        tests=preview_tests(view, area=area, before=before, after=after),
        alarms=_alarms(view, area, before, after),
        workload=preview_work(view, area=area, before=before, after=after),
        feeds=preview_feeds(view, area=area, before=before, after=after),
        not_measured=tuple(p for p in paths if not any(p.startswith(begin) for begin in MEASURED)),
        not_reported=tuple(table for table in tables if not manifest.table(table).reported),
    )


def changed_thresholds(before: Policy, after: Policy) -> tuple[str, ...]:
    """Paths of the thresholds, reason rows and city overrides that differ; texts and sources are none.

    An override is named by the path of its threshold.
    """
    paths = []
    for change in diff_policies(before, after):
        group, _, rest = change.path.partition(".")
        if group == "overrides":
            # overrides.<city>.<group>.<name>.<field>
            paths.append(rest.partition(".")[2].rpartition(".")[0])
        elif group in GROUPS or (group == "health_code" and rest.rpartition(".")[2] not in _WORDS):
            paths.append(change.path)
    return tuple(dict.fromkeys(paths))


_WORDS = ("zh", "en", "source", "clause")


def _alarms(view: View, area: str, before: Policy, after: Policy) -> tuple[AlarmTurn, ...]:
    return (
        *preview_crowds(view, area=area, before=before, after=after),
        *preview_silent(view, area=area, before=before, after=after),
        *preview_red_scans(view, area=area, before=before, after=after),
    )


__all__ = ["MEASURED", "CodePreview", "ImpactPreview", "changed_thresholds", "get_preview"]
