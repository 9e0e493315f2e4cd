"""Texts far longer than an id or a code: told from the footer of a Parquet file before a page of it is read.

What one value may take is bounded because 50 kB of zstd can stand for gigabytes of text.
"""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

LONGEST_TEXT = 1000  # bytes of one id, code, name or place
_BYTES_PER_ROW = 256
_BYTES_ALWAYS = 4 * 1024 * 1024
_BYTES_SPELLED = 2 * 1024**3


def find_bulky_column(metadata: pq.FileMetaData, names: Collection[str]) -> str:
    """A sentence about a column of texts that unpacks to far more than ids need, "" when there is none."""
    for number in range(metadata.num_row_groups):
        group = metadata.row_group(number)
        most = _BYTES_ALWAYS + _BYTES_PER_ROW * group.num_rows
        for index in range(group.num_columns):
            chunk = group.column(index)
            if chunk.path_in_schema in names and chunk.total_uncompressed_size > most:
                return (
                    f"The column {chunk.path_in_schema} unpacks to {chunk.total_uncompressed_size} bytes in "
                    f"{group.num_rows} rows; {most} is the limit for ids and codes."
                )
    return ""


def find_bulky_text(path: Path, names: Collection[str]) -> str:
    """As ``find_bulky_column`` of a file; columns that are no text are passed over, "" for a torn footer."""
    try:
        with pq.ParquetFile(path) as footer:
            texts = [f.name for f in footer.schema_arrow if f.name in names and is_text(f.type)]
            return find_bulky_column(footer.metadata, texts)
    except (OSError, ValueError, TypeError, KeyError, NotImplementedError, MemoryError):
        return ""  # whoever reads the file says why it cannot be read


def find_long_text(arrow: pa.Table, names: Collection[str]) -> str:
    """A sentence about a text longer than any id, "" when there is none; looks at each distinct text once.

    Columns that are no text are passed over.
    """
    for name in names:
        for chunk in arrow[name].chunks:
            texts = chunk.dictionary if pa.types.is_dictionary(chunk.type) else chunk
            if not is_text(texts.type):
                continue
            longest = pc.max(pc.binary_length(texts)).as_py() or 0
            if longest > LONGEST_TEXT:
                return f"The column {name} holds a text of {longest} bytes; {LONGEST_TEXT} is the limit."
            if longest * len(chunk) > _BYTES_SPELLED:
                return f"The column {name} may spell out to {longest * len(chunk)} bytes, too many."
    return ""


def is_text(given: pa.DataType) -> bool:
    """Whether a column holds words, plain or by a dictionary."""
    words = given.value_type if pa.types.is_dictionary(given) else given
    return bool(
        pa.types.is_string(words) or pa.types.is_large_string(words) or pa.types.is_string_view(words)
    )
