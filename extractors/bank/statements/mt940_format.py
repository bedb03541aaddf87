"""Statements as MT940 (SWIFT), read by the library mt-940."""

from collections.abc import Iterator, Mapping
from datetime import date
from typing import Any

import mt940

from extractors.bank.statements.statement import Record, Statement, unreadable

# Whatever the library makes of what is no MT940.
_BROKEN = (ValueError, RuntimeError, ArithmeticError, LookupError, AttributeError, TypeError)
_NO_REFERENCE = "NONREF"
# a credit that is taken back (RC) is a debit, and the other way round
_OPTIONS = mt940.Options(reversal_sign=True, case_insensitive_marks=True)


def statements_of(text: str, file: str) -> Iterator[Statement]:
    """Every page of every statement of a file; one that cannot be read breaks the whole file."""
    try:
        read = [
            _statement(page.data, [one.data for one in page.transactions], file)
            for page in mt940.parse_statements(text, options=_OPTIONS)
        ]
    except _BROKEN as error:
        # its words repeat what stands in the file, names of people too
        yield unreadable(file, f"the file is no MT940 ({type(error).__name__})")
        return
    if not read:
        yield unreadable(file, "the file has no statement")
    yield from read


def _statement(told: Mapping[str, Any], lines: list[Mapping[str, Any]], file: str) -> Statement:
    opening, closing = (
        told.get(f"final_{end}_balance") or told[f"intermediate_{end}_balance"]
        for end in ("opening", "closing")
    )
    account = str(told["account_identification"])
    # banks count anew each year or each day, and the pages of a statement
    numbers = (told["statement_number"], told.get("sequence_number") or "")
    number = "/".join(filter(None, (_day(closing.date), *numbers)))
    key = f"{account}|{number}"
    record = {
        "id": key,
        "account": account,
        "number": number,
        "currency": closing.amount.currency,
        "from_date": _day(opening.date),
        "to_date": _day(closing.date),
        "opening_balance": format(opening.amount.amount, "f"),
        "closing_balance": format(closing.amount.amount, "f"),
        "file": file,
    }
    return Statement(record, [_line(one, record, place) for place, one in enumerate(lines, 1)])


def _line(told: Mapping[str, Any], of: Record, place: int) -> Record:
    reference = told.get("customer_reference")
    texts = (told.get(name) for name in ("purpose", "transaction_details", "extra_details"))
    return {
        "id": f"{of['id']}|{place}",
        "statement_id": of["id"],
        "account": of["account"],
        "currency": told["amount"].currency,
        "booking_date": _day(told.get("entry_date") or told["date"]),
        "value_date": _day(told["date"]),
        "amount": format(told["amount"].amount, "f"),
        "reference": None if reference == _NO_REFERENCE else reference,
        "counterparty": told.get("applicant_name"),
        "text": " ".join(filter(None, texts)) or None,
        "file": of["file"],
        "row": place,
    }


def _day(day: date) -> str:
    return f"{day:%Y-%m-%d}"
