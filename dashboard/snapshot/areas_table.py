"""The ``area`` table of a snapshot, from the table of areas the whole project uses."""

from __future__ import annotations

from datetime import timedelta

import polars as pl

from dashboard.snapshot.contract import TABLE_BY_NAME
from dashboard.snapshot.files import POLARS_TYPES
from geo.areas import PROVINCE, get_area, subtree


def build_area_table() -> pl.DataFrame:
    """Every area code of the province, expired ones included, one row each."""
    rows = [
        {
            "code": area.code,
            "valid_from": area.valid_from,
            # The contract names the last day in force, the area table the first day after it.
            "valid_to": area.valid_to - timedelta(days=1) if area.valid_to else None,
            "name_zh": area.name_zh,
            "name_en": area.name_en,
            "level": area.level,
            "parent": area.parent or None,
            "city": area.city or None,
            "successor": area.successor or None,
            "residents": area.residents,
        }
        for area in map(get_area, sorted(subtree(PROVINCE)))
    ]
    schema = {c.name: POLARS_TYPES[c.type] for c in TABLE_BY_NAME["area"].columns}
    return pl.DataFrame(rows, schema=schema)
