"""Tables for people's spreadsheets: nothing in them is ever run as a formula."""

import csv
import io
from collections.abc import Iterable, Sequence
from datetime import date
from typing import Any

from reconcilers.canonical import canonical_json

RISKY = ("=", "+", "-", "@", "\t", "\r")


def table(columns: Sequence[str], lines: Iterable[Any]) -> str:
    """Lines as CSV with a header, RFC 4180 quoting."""
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow(columns)
    for line in lines:
        writer.writerow([cell(getattr(line, name)) for name in columns])
    return text.getvalue()


def cell(value: Any) -> str:
    """One value as a cell that no spreadsheet runs."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int):
        return str(value)
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, dict | list):
        return canonical_json(value)
    text = " | ".join(value) if isinstance(value, tuple) else str(value)
    return f"'{text}" if text.startswith(RISKY) and not _is_number(text) else text


def _is_number(text: str) -> bool:
    body = text[1:] if text[0] in "+-" else text
    whole, _, fraction = body.partition(".")
    return whole.isdigit() and (fraction.isdigit() or fraction == "")
