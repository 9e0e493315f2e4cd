"""Tables: AG Grid in the board's look, with states, units in the header and the row as a link.

Renderers and comparators are named functions of ``assets/command.js``; nothing here needs
``dangerously_allow_code``. The grid reads its colours from CSS variables, so it follows the theme.
"""

# ruff: noqa: A002 - id is the word Dash uses for the same thing
from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, TypeAlias

import dash_ag_grid as dag
from dash import html
from dash.development.base_component import Component

from dashboard.cells import Cell
from dashboard.components.badges import LEVEL_LETTERS, status_name
from dashboard.components.grid_texts import grid_texts
from dashboard.i18n.catalogue import Lang
from dashboard.i18n.numbers import format_cell, format_exact, format_rate

Kind = Literal["text", "number", "rate", "change", "bar", "status"]
Value: TypeAlias = str | float | Cell | None
_NUMERIC = ("number", "rate", "change", "bar")

_THEME = (
    "themeQuartz.withParams({"
    "accentColor: 'var(--tf-accent)', backgroundColor: 'var(--tf-surface)', "
    "foregroundColor: 'var(--tf-text)', textColor: 'var(--tf-text)', "
    "headerTextColor: 'var(--tf-text-dim)', headerBackgroundColor: 'var(--tf-surface)', "
    "borderColor: 'var(--tf-border)', rowBorder: {color: 'var(--tf-border)', width: 1}, "
    "columnBorder: false, wrapperBorder: false, wrapperBorderRadius: 0, "
    "oddRowBackgroundColor: 'var(--tf-surface)', rowHoverColor: 'var(--tf-surface-2)', "
    "selectedRowBackgroundColor: 'var(--tf-surface-2)', menuBackgroundColor: 'var(--tf-surface)', "
    "inputBackgroundColor: 'var(--tf-surface)', fontFamily: 'inherit', "
    "fontSize: 13, headerFontSize: 12, headerFontWeight: 500, rowHeight: 32, headerHeight: %d, "
    "cellHorizontalPadding: 10, spacing: 6, iconSize: 14})"
)


@dataclass(frozen=True)
class ColumnSpec:
    """One column: field of the rows, header and unit in the reader's language, and how it is drawn.

    ``number`` and ``bar`` hold amounts, ``rate`` is per 100,000, ``change`` has a sign, ``status`` a
    colour or level id. ``link`` marks the column whose text is the row's link;
    ``wrap`` lets a long text take several lines;
    ``hide_on_phone`` leaves the column out where the table is narrow.
    """

    field: str
    header: str
    kind: Kind = "text"
    unit: str = ""
    width: int | None = None
    min_width: int = 84
    pinned: bool = False
    link: bool = False
    hide_on_phone: bool = False
    wrap: bool = False


def data_table(
    *,
    id: str,
    columns: tuple[ColumnSpec, ...],
    rows: Sequence[Mapping[str, Value]],
    lang: Lang,
    label: str,
    pinned_total: Mapping[str, Value] | None = None,
    link_template: str | None = None,
    height: int | None = None,
) -> Component:
    """A sortable, filterable table; rows hold text, numbers or cells by column field.

    ``link_template`` is a URL with ``{field}`` of the row, for instance ``/risk?area={code}``: the row
    opens it by click or Enter. ``pinned_total`` is a row that stays at the foot. Without ``height`` the
    table is as high as its rows. The export of the grid itself is not used: it knows no suppression note.
    """
    options: dict[str, object] = {
        "theme": {"function": _THEME % (44 if any(spec.unit for spec in columns) else 34)},
        "localeText": grid_texts(lang),
        "suppressCellFocus": False,
        "suppressMovableColumns": True,
        "animateRows": False,
        "enableCellTextSelection": True,
        "ensureDomOrder": True,
        "suppressColumnVirtualisation": True,
        "tooltipShowDelay": 400,
    }
    if pinned_total is not None:
        options["pinnedBottomRowData"] = [_row(pinned_total, columns, lang, None)]
    if height is None:
        options["domLayout"] = "autoHeight"
    listeners: dict[str, list[str]] = {}
    if any(spec.hide_on_phone for spec in columns):
        listeners["gridSizeChanged"] = ["tfFitColumns(params)"]
    if link_template is not None:
        listeners |= {"rowClicked": ["tfOpenRow(params)"], "cellKeyDown": ["tfRowKey(params)"]}
    grid = dag.AgGrid(
        id=id,
        columnDefs=[_column(spec, rows) for spec in columns],
        rowData=[_row(row, columns, lang, link_template) for row in rows],
        defaultColDef={
            "sortable": True,
            "resizable": True,
            "suppressHeaderMenuButton": True,
            "wrapHeaderText": True,
            # Guessed from the first row, a column of days would hide every other text, such as "due".
            "cellDataType": False,
        },
        columnSize="responsiveSizeToFit",
        dashGridOptions=options,
        eventListeners=listeners,
        className="tf-table-grid",
        style={"height": height, "width": "100%"},
    )
    kind = "tf-table tf-table-links" if link_template is not None else "tf-table"
    return html.Div(grid, className=kind, role="group", **{"aria-label": label})


def _column(spec: ColumnSpec, rows: Sequence[Mapping[str, Value]]) -> dict[str, object]:
    numeric = spec.kind in _NUMERIC
    # The unit stands on a line of its own: beside the name it would widen every column of figures.
    header = f"{spec.header}\n{spec.unit}" if spec.unit else spec.header
    column: dict[str, object] = {
        "field": spec.field,
        "headerName": header,
        "headerTooltip": " ".join(header.split()),
        "minWidth": spec.min_width,
        "filter": "agNumberColumnFilter" if numeric else "agTextColumnFilter",
        "filterParams": {"buttons": ["reset"], "maxNumConditions": 2},
        "cellClass": "tf-grid-number" if numeric else "tf-grid-text",
        "headerClass": "tf-grid-head-number" if numeric else "",
        "suppressHeaderFilterButton": False,
    }
    if spec.width is not None:
        column |= {"width": spec.width, "maxWidth": spec.width}
    if spec.wrap:
        column |= {"wrapText": True, "autoHeight": True, "cellClass": "tf-grid-text tf-grid-wrap"}
    if spec.pinned:
        column["pinned"] = "left"
    if spec.hide_on_phone:
        column["context"] = {"wideOnly": True}
    if numeric:
        # Missing values stand last whichever way the column is sorted.
        column |= {"comparator": {"function": "tfMissingLast"}, "cellRenderer": "TfNumber"}
        if spec.kind == "bar":
            column["cellRendererParams"] = {"bar": True, "most": _most(spec.field, rows)}
    elif spec.kind == "status":
        column |= {
            "cellRenderer": "TfStatus",
            "filterValueGetter": {"function": f"params.data[{json.dumps(spec.field + '__t')}]"},
        }
    elif spec.link:
        column["cellRenderer"] = "TfLink"
    return column


def _row(
    row: Mapping[str, Value], columns: tuple[ColumnSpec, ...], lang: Lang, link_template: str | None
) -> dict[str, object]:
    out: dict[str, object] = {}
    for spec in columns:
        value = row.get(spec.field)
        if spec.field not in row:
            # A total says nothing about this column: neither a figure nor a missing one.
            out |= {spec.field: None, f"{spec.field}__t": "—"}
        elif spec.kind in _NUMERIC:
            figure = (
                value
                if isinstance(value, Cell)
                else Cell("not_reported")
                if value is None
                else _number(value)
            )
            out[spec.field] = figure.value
            out[f"{spec.field}__t"] = _text(figure, spec.kind, lang)
            if figure.value is None:
                out[f"{spec.field}__s"] = figure.state.replace("_", "-")
        elif spec.kind == "status":
            status = value if isinstance(value, str) else "unknown"
            out[spec.field] = status
            out[f"{spec.field}__t"] = (
                status_name(status, lang) if value is not None or status in LEVEL_LETTERS else "—"
            )
        else:
            out[spec.field] = "—" if value is None else str(value)
    if link_template is not None:
        out["__href"] = link_template.format_map({key: str(value) for key, value in row.items()})
    return out


def _number(value: str | float) -> Cell:
    return Cell("value", float(value))


def _text(figure: Cell, kind: Kind, lang: Lang) -> str:
    if figure.value is None:
        return format_cell(lang, figure)
    if kind == "rate":
        return format_rate(figure.value)
    if kind == "change":
        return (
            "±0"
            if figure.value == 0
            else f"{'+' if figure.value > 0 else '−'}{format_exact(abs(figure.value))}"
        )
    return format_exact(figure.value)


def _most(field: str, rows: Sequence[Mapping[str, Value]]) -> float:
    values = [v.value if isinstance(v, Cell) else v for v in (row.get(field) for row in rows)]
    return max((v for v in values if isinstance(v, int | float)), default=1.0) or 1.0
