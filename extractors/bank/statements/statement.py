"""A statement as a file told it, whatever the format, and whether it is sound in itself."""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal
from typing import Any

from extractors.bank.statements.objects import BALANCES, EXPONENTS

_AMOUNT = re.compile(r"[+-]?\d{1,15}(\.\d{1,8})?")

Record = Mapping[str, Any]


@dataclass(frozen=True)
class Statement:
    """Wire records: of the statement, and of its lines. Values are text, None where not told."""

    record: Record
    lines: Sequence[Record] = ()

    @property
    def id(self) -> str:
        return str(self.record["id"])

    @property
    def begins(self) -> str | None:
        """The first day that it covers."""
        return self.record.get("from_date")

    def held(self, why: str) -> "Statement":
        """The same statement, which nothing may use."""
        return replace(self, record={**self.record, "proof": why})

    @property
    def is_proven(self) -> bool:
        return self.record.get("proof") == BALANCES

    @property
    def moved_minor(self) -> int:
        """Closing less opening balance of a proven statement, minor units of its currency."""
        told = [_minor(self.record[f"{end}_balance"], self.currency) for end in _ENDS]
        return told[1] - told[0]

    @property
    def currency(self) -> str:
        return str(self.record["currency"])


_ENDS = ("opening", "closing")


def unreadable(file: str, why: str) -> Statement:
    """What stands for a file that is no statement: it breaks its contract, and says why."""
    return Statement({"id": f"file {file}", "proof": why, "file": file})


def amount_text(text: str | None) -> str | None:
    """An amount as it was written; what is none is marked, so that it breaks its contract."""
    if not text:
        return None
    return text if _AMOUNT.fullmatch(text) else f"{text} (no amount)"


def date_text(text: str | None) -> str | None:
    """A day as it was written (YYYY-MM-DD); what is none is marked."""
    if not text:
        return None
    try:
        date.fromisoformat(text)
    except ValueError:
        return f"{text} (no day)"
    return text if len(text) == len("2026-01-31") else f"{text} (no day)"


def proven(statement: Statement) -> Statement:
    """The statement with its `proof`: opening balance + lines = closing balance, or what is off."""
    proof = statement.record.get("proof") or next(iter(_faults(statement)), BALANCES)
    return statement.held(proof)


def _faults(statement: Statement) -> Iterable[str]:
    record, lines = statement.record, statement.lines
    if record.get("currency") not in EXPONENTS:
        yield "its currency is not known"
        return
    try:
        opening, closing = (_minor(record[f"{end}_balance"], statement.currency) for end in _ENDS)
        moved = sum(_line_minor(line, statement.currency) for line in lines)
    except ValueError as error:
        yield str(error)
        return
    if len({line["id"] for line in lines}) < len(lines):
        yield "a line stands in it twice"
    if opening + moved != closing:
        yield f"opening {opening} + lines {moved} is not closing {closing} (minor units)"


def _line_minor(line: Record, currency: str) -> int:
    if line["currency"] != currency:
        raise ValueError(f"the line in row {line['row']} is in {line['currency']}")
    for name in ("booking_date", "value_date"):
        if line[name] != date_text(line[name]) or line[name] is None:
            raise ValueError(f"the line in row {line['row']} has no {name}")
    try:
        return _minor(line["amount"], currency)
    except ValueError as error:
        raise ValueError(f"the line in row {line['row']}: {error}") from error


def _minor(text: str | None, currency: str) -> int:
    """Minor units of an exact amount."""
    if text is None or not _AMOUNT.fullmatch(text):
        raise ValueError(f"{text!r} is no amount")
    minor = Decimal(text).scaleb(EXPONENTS[currency])
    if minor != int(minor):
        raise ValueError(f"{text!r} has more decimals than {currency}")
    return int(minor)
