"""Statements as CSV: a row per statement with its balances, and a row per line of it."""

import csv
import io
from collections.abc import Iterator

from extractors.bank.statements.statement import (
    Record,
    Statement,
    amount_text,
    date_text,
    unreadable,
)

_OF_STATEMENT = ("from_date", "to_date", "opening_balance", "closing_balance")
_OF_LINE = ("line", "booking_date", "value_date", "amount", "reference", "counterparty", "text")
COLUMNS = ("record", "account", "statement", "currency", *_OF_STATEMENT, *_OF_LINE)
_REQUIRED = frozenset(COLUMNS) - {"reference", "counterparty", "text", "value_date"}

_Row = dict[str, str | None]


def statements_of(text: str, file: str) -> Iterator[Statement]:
    """Every statement of a file; a line that belongs to none comes with one that breaks."""
    reader = csv.DictReader(io.StringIO(text, newline=""))
    missing = sorted(_REQUIRED - set(reader.fieldnames or ()))
    if missing:
        yield unreadable(file, f"the file has no column {', '.join(missing)}")
        return
    headers: dict[str, Record] = {}
    lines: dict[str, list[Record]] = {}
    astray = []
    for row in reader:
        read = {name: (row.get(name) or "").strip() or None for name in COLUMNS}
        key = f"{read['account']}|{read['statement']}"
        if read["record"] == "statement":
            twice = {"proof": "the file has it twice"} if key in headers else {}
            headers[key] = _statement(read, key, file) | twice
        elif read["record"] == "line":
            lines.setdefault(key, []).append(_line(read, key, file, reader.line_num))
        else:
            astray.append(f"row {reader.line_num} is neither statement nor line")
    yield from (Statement(record, lines.pop(key, ())) for key, record in headers.items())
    for key, left in lines.items():
        astray.append(f"{len(left)} lines are of {key}, which is not in the file")
    if astray:
        yield unreadable(file, "; ".join(astray))


def _statement(read: _Row, key: str, file: str) -> dict[str, str | None]:
    return {
        "id": key,
        "account": read["account"],
        "number": read["statement"],
        "currency": read["currency"],
        "from_date": date_text(read["from_date"]),
        "to_date": date_text(read["to_date"]),
        "opening_balance": amount_text(read["opening_balance"]),
        "closing_balance": amount_text(read["closing_balance"]),
        "file": file,
    }


def _line(read: _Row, key: str, file: str, row: int) -> Record:
    return {
        "id": f"{key}|{read['line'] or f'row {row}'}",
        "statement_id": key,
        "account": read["account"],
        "currency": read["currency"],
        "booking_date": date_text(read["booking_date"]),
        "value_date": date_text(read["value_date"] or read["booking_date"]),
        "amount": amount_text(read["amount"]),
        "reference": read["reference"],
        "counterparty": read["counterparty"],
        "text": read["text"],
        "file": file,
        "row": row,
    }
