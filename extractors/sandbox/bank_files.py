"""Writes the bank's statements: a file per account and month, a statement per banking day."""

import csv
import io
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path

from extractors.sandbox.bank import ACCOUNTS, Entry, banking_day, entries
from extractors.sandbox.reference import CURRENCIES
from extractors.sandbox.store import Store

FOLDER = "bank"
CLOCK = "bank.clock"
_OPENS_WITH = 250_000_000
"""Minor units of each account before its first line."""
_COLUMNS = (
    "record", "account", "statement", "currency", "from_date", "to_date", "opening_balance",
    "closing_balance", "line", "booking_date", "value_date", "amount", "reference",
    "counterparty", "text",
)  # fmt: skip

_Row = Mapping[str, str]


def write_statements(store: Store, home: Path) -> None:
    """Everything that was booked before today; files that say the same are left as they are."""
    now = store.now()
    files: dict[str, list[_Row]] = defaultdict(list)
    by_account: dict[str, list[Entry]] = defaultdict(list)
    for entry in entries(store):
        if entry.booked < now.date():
            by_account[entry.currency].append(entry)
    for currency, booked in by_account.items():
        for day, rows in _statements(currency, booked, now.date()):
            files[f"{ACCOUNTS[currency]}-{day:%Y-%m}.csv"].extend(rows)
    folder = home / FOLDER
    folder.mkdir(parents=True, exist_ok=True)
    for name, rows in files.items():
        _write(folder / name, _text(rows))
    _write(home / CLOCK, now.isoformat())


def _statements(
    currency: str, booked: Iterable[Entry], today: date
) -> Iterator[tuple[date, list[_Row]]]:
    """A statement for each banking day, also for one on which nothing was booked."""
    by_day: dict[date, list[Entry]] = defaultdict(list)
    for entry in booked:
        by_day[entry.booked].append(entry)
    day, balance = min(by_day), _OPENS_WITH
    while day < today:
        lines = by_day.get(day, ())
        closing = balance + sum(entry.minor for entry in lines)
        of = {"account": ACCOUNTS[currency], "statement": day.isoformat(), "currency": currency}
        header = {
            "from_date": day.isoformat(),
            "to_date": day.isoformat(),
            "opening_balance": _amount(balance, currency),
            "closing_balance": _amount(closing, currency),
        }
        yield day, [{"record": "statement", **of, **header}, *(_line(of, e) for e in lines)]
        day, balance = banking_day(day + timedelta(days=1)), closing


def _line(of: _Row, entry: Entry) -> _Row:
    return {
        "record": "line",
        **of,
        "line": entry.key,
        "booking_date": entry.booked.isoformat(),
        "value_date": entry.valued.isoformat(),
        "amount": _amount(entry.minor, entry.currency),
        "reference": entry.reference,
        "counterparty": entry.counterparty,
        "text": entry.text,
    }


def _amount(minor: int, currency: str) -> str:
    return format(Decimal(minor).scaleb(-CURRENCIES[currency].precision), "f")


def _text(rows: Iterable[_Row]) -> str:
    written = io.StringIO()
    writer = csv.DictWriter(written, _COLUMNS, restval="", lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return written.getvalue()


def _write(path: Path, text: str) -> None:
    if not path.exists() or path.read_text("utf-8") != text:
        draft = path.with_name(f".{path.name}")
        draft.write_text(text, encoding="utf-8")
        draft.replace(path)
