"""``GET /export/<page>/<table>.csv|xlsx``: the same rows as on screen, under the same scope and hiding.

The file says inside what it is: title, area, day, snapshot, data time, who exported it, and how hidden
and missing figures are written. Text that a spreadsheet would run as a formula is made harmless.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import xlsxwriter
from flask import Flask, Response, abort, jsonify, request

from dashboard.auth.rights import check
from dashboard.cells import Cell
from dashboard.components.tables import ColumnSpec, Value
from dashboard.errors import TianfuError
from dashboard.i18n.catalogue import t
from dashboard.i18n.numbers import format_cell
from dashboard.shell.board import as_text
from dashboard.shell.context import Context, build_context
from dashboard.shell.identity import current_identity
from dashboard.shell.pages import PAGES
from geo.areas import name_of

FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r")


@dataclass(frozen=True)
class TableData:
    """A table as screen and export both show it."""

    title: str
    columns: tuple[ColumnSpec, ...]
    rows: Sequence[Mapping[str, Value]]


Build = Callable[[Context], TableData]
EXPORTS: dict[tuple[str, str], Build] = {}


def register_export(page_key: str, name: str, build: Build) -> None:
    """Offer the table that ``build`` makes as ``/export/<page_key>/<name>``."""
    EXPORTS[page_key, name] = build


def export_link(context: Context, page_key: str, name: str, form: str = "csv") -> str:
    """The address of an export with the filters on screen, pinned to the snapshot on screen."""
    return f"/export/{page_key}/{name}.{form}{context.filters.query(snapshot=context.filters.snapshot)}"


def install(server: Flask) -> None:
    """Add the route."""

    @server.get("/export/<page_key>/<name>.<form>")
    def export(page_key: str, name: str, form: str) -> Response | tuple[Response, int]:
        build = EXPORTS.get((page_key, name))
        if build is None or form not in ("csv", "xlsx"):
            abort(404)
        page = PAGES[page_key]
        try:
            check(current_identity(), "export")
            context = build_context(as_text(request.args), needs=page.needs, options=page.options)
            table = build(context)
        except TianfuError as error:
            return jsonify({"error": error.what, "todo": error.todo}), error.http_status
        notes = head_notes(context, table)
        body = as_csv(notes, table, context) if form == "csv" else as_xlsx(notes, table, context)
        kind = "text/csv; charset=utf-8" if form == "csv" else XLSX
        response = Response(body, content_type=kind)
        filename = f"tianfu-{page_key}-{name}-{context.filters.area}-{context.filters.day.isoformat()}.{form}"
        response.headers["Content-Disposition"] = f'attachment; filename="{filename}"'
        response.headers["Cache-Control"] = "no-store"
        return response


XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"


def head_notes(context: Context, table: TableData) -> list[str]:
    """The lines above the table."""
    lines = [
        table.title,
        context.t(
            "export.what",
            area=name_of(context.filters.area, context.lang),
            day=context.filters.day,
            data_time=context.manifest.data_time.strftime("%Y-%m-%d %H:%M"),
            snapshot=context.manifest.id,
        ),
        context.t("export.who", login=context.identity.login),
        context.t("export.states", minimum=context.policy.disclosure.min_cell),
    ]
    if context.manifest.synthetic:
        lines.append(context.t("shell.synthetic"))
    return lines


def as_csv(notes: Sequence[str], table: TableData, context: Context) -> bytes:
    """UTF-8 with a byte-order mark, because the spreadsheets of the desks expect one."""
    out = io.StringIO()
    writer = csv.writer(out)
    writer.writerows([[harmless(note)] for note in notes])
    writer.writerow([harmless(header(column)) for column in table.columns])
    for row in table.rows:
        writer.writerow([_csv_value(row.get(column.field), context) for column in table.columns])
    return out.getvalue().encode("utf-8-sig")


def as_xlsx(notes: Sequence[str], table: TableData, context: Context) -> bytes:
    """A workbook whose numbers are numbers and whose texts are never formulas."""
    out = io.BytesIO()
    book = xlsxwriter.Workbook(
        out,
        {
            "in_memory": True,
            "strings_to_formulas": False,
            "strings_to_urls": False,
            "strings_to_numbers": False,
        },
    )
    sheet = book.add_worksheet()
    strong = book.add_format({"bold": True})
    for line, note in enumerate(notes):
        sheet.write_string(line, 0, note)
    top = len(notes)
    for place, column in enumerate(table.columns):
        sheet.write_string(top, place, header(column), strong)
    for line, row in enumerate(table.rows, start=top + 1):
        for place, column in enumerate(table.columns):
            value = plain(row.get(column.field), context)
            if isinstance(value, str):
                sheet.write_string(line, place, value)
            else:
                sheet.write_number(line, place, value)
    sheet.freeze_panes(top + 1, 1)
    book.close()
    return out.getvalue()


def header(column: ColumnSpec) -> str:
    return f"{column.header} ({column.unit})" if column.unit else column.header


def plain(value: Value, context: Context) -> str | float:
    """A number, or a text: the word of its state for a cell without a number."""
    if isinstance(value, Cell):
        return format_cell(context.lang, value) if value.value is None else value.value
    if value is None:
        return t(context.lang, "cell.not_reported")
    return value


def harmless(text: str) -> str:
    """A text that no spreadsheet takes for a formula."""
    return f"'{text}" if text.startswith(FORMULA_STARTS) else text


def _csv_value(value: Value, context: Context) -> str | float:
    shown = plain(value, context)
    return harmless(shown) if isinstance(shown, str) else shown
