"""What people fill in: filters of an address, choices and words of a form. Checked, then typed."""

import datetime as dt
import re
from collections.abc import Iterable, Mapping
from decimal import Decimal, InvalidOperation
from functools import partial
from hashlib import sha256
from typing import Any, cast

from starlette.datastructures import FormData, QueryParams

from orchestration.review.paging import Paging
from reconcilers.corrections.approval import Word
from reconcilers.queue import (
    ORDERS,
    STATES,
    AuditFilter,
    CorrectionFilter,
    ExceptionFilter,
    Order,
)
from reconcilers.triage import Seen

PAGE_SIZE = 50
LONGEST_WORDS = 2_000
MOST_AT_ONCE = 5_000  # ids of one statement: SQLite takes 32,766 values, PostgreSQL 65,535
_NUMBER = re.compile(r"\d{1,9}")
# A filter is part of an address, a form of a page: what is no part of a filter.
NOT_FILTERS = {"page"}


class FormError(ValueError):
    """What was filled in cannot be taken; the words name the field."""


def exception_filter(params: Mapping[str, str], exponent: int) -> ExceptionFilter:
    """The filter of the queue's address; amounts are written in the reporting currency.

    Raises FormError.
    """
    return ExceptionFilter(
        state=_one_of(params, "state", STATES, "OPEN"),
        code=params.get("code", ""),
        severity=params.get("severity", ""),
        entity=params.get("entity", ""),
        legal_entity=params.get("legal_entity", ""),
        system=params.get("system", ""),
        assignee=params.get("assignee", ""),
        min_age_days=_number(params, "min_age"),
        min_reporting_minor=_minor(params, "min_amount", exponent),
        text=params.get("text", ""),
        asked=params.get("asked") == "1",
        order=cast("Order", _one_of(params, "order", ORDERS, "gravity")),
    )


def correction_filter(params: Mapping[str, str]) -> CorrectionFilter:
    """The filter of the address of the corrections."""
    names = ("state", "code", "system", "severity", "assignee", "text")
    return CorrectionFilter(**{name: params.get(name, "") for name in names})


def audit_filter(params: Mapping[str, str]) -> AuditFilter:
    """The filter of the address of the audit."""
    return AuditFilter(**{name: params.get(name, "") for name in ("actor", "action", "subject")})


def page_number(params: Mapping[str, str]) -> int:
    """Which page, from 1.

    Raises FormError.
    """
    return max(_number(params, "page") or 1, 1)


def paging_of(params: QueryParams) -> Paging:
    """The part of a list that an address asks for."""
    return Paging(page_number(params), PAGE_SIZE, partial(query_of, params))


def query_of(params: QueryParams, **changed: object) -> str:
    """The address's query with some parts changed; empty parts are left out."""
    kept = {name: value for name, value in params.items() if value and name not in NOT_FILTERS}
    return str(QueryParams(kept | {name: str(value) for name, value in changed.items()}))


def ticket(key: str, seen: Seen) -> str:
    """An exception as a form names it, with what its page shows of it."""
    money, asked_at = seen.impact_reporting_minor, seen.asked_at
    return "|".join(
        (key, "" if money is None else str(money), asked_at.isoformat() if asked_at else "")
    )


def fingerprint(seen: Mapping[str, Seen]) -> str:
    """All exceptions of a filter in short, as a form names them."""
    tickets = sorted(ticket(key, each) for key, each in seen.items())
    return sha256("\n".join(tickets).encode()).hexdigest()


def chosen_exceptions(form: FormData) -> dict[str, Seen]:
    """The exceptions that were ticked, with what the page showed of each.

    Raises FormError.
    """
    found: dict[str, Seen] = {}
    for key, rest in _pairs(form):
        money, _, asked_at = rest.partition("|")
        if money and re.fullmatch(r"-?\d{1,18}", money) is None:
            raise FormError(f"chosen: {money!r} is no amount in minor units")
        try:
            asked = dt.datetime.fromisoformat(asked_at) if asked_at else None
        except ValueError as error:
            raise FormError(f"chosen: {error}") from error
        found[key] = Seen(int(money) if money else None, asked)
    return found


def correction_words(form: FormData, decision: str) -> list[Word]:
    """A word on each correction that was ticked, on the plan that stood there.

    Raises FormError.
    """
    comment = text_of(form, "comment")
    try:
        return [
            Word(one, decision, comment, dt.datetime.fromisoformat(planned_at))
            for one, planned_at in _pairs(form)
        ]
    except ValueError as error:
        raise FormError(f"chosen: {error}") from error


def chosen_ids(form: FormData) -> list[str]:
    """The ids that were ticked.

    Raises FormError.
    """
    return [one for one, _ in _pairs(form)]


def text_of(form: FormData, name: str) -> str:
    """A field of text.

    Raises FormError.
    """
    value = form.get(name, "")
    if not isinstance(value, str) or len(value) > LONGEST_WORDS:
        raise FormError(f"{name}: write a text of at most {LONGEST_WORDS} characters")
    return value.strip()


def day_of(form: FormData, name: str) -> dt.date:
    """A field that holds a day.

    Raises FormError.
    """
    text = text_of(form, name)
    try:
        return dt.date.fromisoformat(text)
    except ValueError as error:
        raise FormError(f"{name}: {text!r} is not a day; write it as 2026-06-30") from error


def _pairs(form: FormData) -> list[tuple[str, str]]:
    pairs = [tuple(str(each).partition("|")[::2]) for each in form.getlist("chosen")]
    if not pairs:
        raise FormError("chosen: tick at least one line")
    if len(pairs) > MOST_AT_ONCE:
        raise FormError(f"chosen: {len(pairs)} are too many at once, {MOST_AT_ONCE} are the most")
    return cast("list[tuple[str, str]]", pairs)


def _one_of(params: Mapping[str, str], name: str, known: Iterable[str], default: str) -> str:
    value = params.get(name) or default
    if value not in known:
        raise FormError(f"{name}: {value!r} is not one of {', '.join(known)}")
    return value


def _number(params: Mapping[str, Any], name: str) -> int | None:
    text = params.get(name, "").strip()
    if text and _NUMBER.fullmatch(text) is None:
        raise FormError(f"{name}: {text!r} is not a whole number")
    return int(text) if text else None


def _minor(params: Mapping[str, str], name: str, exponent: int) -> int | None:
    text = params.get(name, "").strip().replace(",", "")
    try:
        value = Decimal(text).scaleb(exponent) if text else None
    except InvalidOperation as error:
        raise FormError(f"{name}: {text!r} is not an amount; write it as 1234.50") from error
    if value is None:
        return None
    if not value.is_finite() or value < 0 or value >= 10**15:
        raise FormError(f"{name}: {text!r} is not an amount; write it as 1234.50")
    return int(value)
