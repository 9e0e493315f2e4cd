"""Turn arrays [day, county, ...] into the long rows of a table."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import polars as pl

from dashboard.demo.story import Calendar, Ints


def daily_frame(
    calendar: Calendar,
    counties: Sequence[str],
    labels: Mapping[str, str | Sequence[str]],
    measures: Mapping[str, Ints],
) -> pl.DataFrame:
    """Rows of the delivered days in the order of the arrays.

    A label that is one text holds for all rows; a label that is a sequence names an axis, and its
    labels follow day and county in order. All measures have the shape [day, county, *axes].
    """
    axes = {name: values for name, values in labels.items() if not isinstance(values, str)}
    shape = (calendar.days, len(counties), *(len(values) for values in axes.values()))
    rows = int(np.prod(shape))
    columns: dict[str, pl.Series] = {
        "date": _spread(pl.Series(calendar.dates, dtype=pl.Date), 0, shape),
        "area": _spread(pl.Series(list(counties)), 1, shape),
    }
    axis = 2
    for name, values in labels.items():
        if isinstance(values, str):
            columns[name] = pl.Series(name, [values]).new_from_index(0, rows)
        else:
            columns[name] = _spread(pl.Series(list(values)), axis, shape)
            axis += 1
    for name, array in measures.items():
        columns[name] = pl.Series(np.ascontiguousarray(array, dtype=np.int64).reshape(rows))
    return pl.DataFrame(columns)


def _spread(values: pl.Series, axis: int, shape: tuple[int, ...]) -> pl.Series:
    """Repeat the labels of one axis over all the others."""
    index = np.arange(shape[axis]).reshape([-1 if i == axis else 1 for i in range(len(shape))])
    return values.gather(np.broadcast_to(index, shape).reshape(-1))
