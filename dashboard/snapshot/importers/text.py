"""Bytes to text, and text to words that can be compared."""

from __future__ import annotations

import csv
import re
import unicodedata
from datetime import date

UTF8_BOM = b"\xef\xbb\xbf"
UTF16_BOMS = (b"\xff\xfe", b"\xfe\xff")
# A text of this province holds its name; misread bytes do not (UTF-8 read as GB18030 decodes to rubbish).
_MARKER = "四川"
_DATE = re.compile(r"(\d{4})[-/](\d{1,2})[-/](\d{1,2})")
# Hyphens and dashes that stand for each other in the feed. The Chinese numeral 一, the long vowel ー and
# the tilde are other characters and stay: taking them for a dash would merge different places.
_DASHES = re.compile("[\u2010-\u2015\u2212\ufe58\ufe63]+")
_SPACES = re.compile(r"\s+")
_LOOSE_SPACE = re.compile(r"(?<![0-9A-Za-z]) | (?![0-9A-Za-z])")


def decode(data: bytes) -> str | None:
    """The text of a UTF-8 (with or without BOM) or GB18030 file; None when it is neither.

    GB18030 accepts almost any bytes, so it is believed only when the province's name appears.
    """
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError:
        pass
    try:
        text = data.decode("gb18030")
    except UnicodeDecodeError:
        return None
    return text if _MARKER in text else None


def split_lines(data: bytes) -> list[str | None]:
    """The lines; None for each that no encoding explains, when the file as a whole has none."""
    text = decode(data)
    if text is not None:
        return list(re.split("\r\n|\n|\r", text))
    lines: list[str | None] = []
    for raw in re.split(b"\r\n|\n|\r", data.removeprefix(UTF8_BOM)):
        try:
            lines.append(raw.decode("utf-8"))
        except UnicodeDecodeError:
            lines.append(None)
    return lines


def split_cells(line: str) -> list[str]:
    """The cells of one line. Quotes hold within a line only, so a stray one spoils no other line."""
    if '"' not in line:
        return line.split(",")
    try:
        return next(csv.reader([line]), [])
    except csv.Error:
        return line.split(",")


def normalise(text: str) -> str:
    """A place as it is shown: full-width forms folded (NFKC), dashes unified, spaces collapsed."""
    folded = unicodedata.normalize("NFKC", text)
    visible = "".join(c for c in folded if c.isspace() or unicodedata.category(c) not in ("Cc", "Cf"))
    return _SPACES.sub(" ", _DASHES.sub("-", visible)).strip()


def identity(text: str) -> str:
    """What makes two normalised texts the same place: all but the spaces that matter.

    ``1-18 栋`` and ``1-18栋`` are one place; ``1 2栋`` and ``12栋`` are two, so a space between two
    letters or digits stays.
    """
    return _LOOSE_SPACE.sub("", text)


def read_day(text: str) -> date | None:
    """A day such as ``2022-09-05`` or ``2022/9/5``; None for anything else, or before 2019-12-01."""
    match = _DATE.fullmatch(unicodedata.normalize("NFKC", text).strip())
    if match is None:
        return None
    try:
        day = date(int(match[1]), int(match[2]), int(match[3]))
    except ValueError:
        return None
    return day if day >= date(2019, 12, 1) else None
