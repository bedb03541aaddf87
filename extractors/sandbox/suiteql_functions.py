"""What SuiteQL can compute, in the date and number formats of an account, for SQLite.

Values are as SQLite holds them: times as ISO text in the account's own time zone.
"""

import functools
import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import ROUND_HALF_UP, Decimal
from typing import Any
from zoneinfo import ZoneInfo

from extractors.sandbox.netsuite_account import Account
from extractors.sandbox.schema import NETSUITE_DATETIME, decimal_text

ALLOWED = frozenset(
    re.split(
        r"\s+",
        """abs avg coalesce concat count instr length like lower ltrim max min mod nullif nvl nvl2
        rank replace round row_number rtrim substr sum to_char to_date to_number to_timestamp trim
        upper""",
    )
)

Function = tuple[str, int, Callable[..., Any]]

# The longest first: DD must not be found in what is left of a longer word.
_DATE_PARTS = {
    "YYYY": "%Y",
    "HH24": "%H",
    "MON": "%b",
    "MM": "%m",
    "DD": "%d",
    "MI": "%M",
    "SS": "%S",
}
_DATE_PART = re.compile("|".join(_DATE_PARTS), re.IGNORECASE)
_NUMBER_MASK = re.compile(r"(FM)?([90]+)(?:\.([90]+))?", re.IGNORECASE)
_ISO_DAY = "YYYY-MM-DD"
_ISO_SECONDS = "YYYY-MM-DD HH24:MI:SS"


def functions(account: Account) -> list[Function]:
    """(name, number of arguments, function) of all that SQLite lacks."""
    decimal_sign = account.number_format[-3]

    def to_char(value: Any, form: str | None = None) -> str | None:
        if value is None:
            return None
        if form is None:
            text = decimal_text(value) or ""
            return text if isinstance(value, str) else text.replace(".", decimal_sign)
        if isinstance(value, int | float) or _NUMBER_MASK.fullmatch(form):
            return _masked(str(value), form)
        if form == _ISO_SECONDS and len(value) == len("2026-01-31 00:00:00"):
            return str(value)
        if form == _ISO_DAY:
            return str(value[:10])
        return datetime.fromisoformat(value).strftime(_python_format(form))

    return [
        ("to_char", 1, to_char),
        ("to_char", 2, to_char),
        ("to_date", 2, _to_time),
        ("to_timestamp", 2, _to_time),
        ("to_number", 1, _to_number),
        ("nvl", 2, lambda value, other: other if value is None else value),
        ("nvl2", 3, lambda value, present, absent: absent if value is None else present),
        ("mod", 2, lambda value, by: value % by),
        ("account_date", 1, functools.partial(_account_date, account.date_format)),
        ("account_number", 1, functools.partial(_account_number, account.number_format)),
        ("account_time", 1, account_time(account.time_zone)),
    ]


def account_time(time_zone: str) -> Callable[[str | None], str | None]:
    """What tells a UTC time by the account's clock."""
    zone = ZoneInfo(time_zone)

    @functools.lru_cache(maxsize=4096)
    def told(value: str | None) -> str | None:
        if value is None:
            return None
        at = datetime.fromisoformat(value).replace(tzinfo=UTC).astimezone(zone)
        return at.strftime(NETSUITE_DATETIME)

    return told


@functools.lru_cache(maxsize=4096)
def _account_date(form: str, value: str | None) -> str | None:
    """A date without its time: `M/D/YYYY` has no leading zeros, `DD.MM.YYYY` has."""
    if value is None:
        return None
    day = date.fromisoformat(value[:10])
    parts = {"YYYY": f"{day:%Y}", "MM": f"{day:%m}", "DD": f"{day:%d}"}
    parts |= {"M": str(day.month), "D": str(day.day)}
    return re.sub("YYYY|MM|DD|M|D", lambda found: parts[found.group()], form)


def _account_number(form: str, value: float | str | None) -> str | None:
    """`1.234,56`: with the signs that the example `form` has between thousands and decimals."""
    text = decimal_text(value)
    if text is None:
        return None
    between, sign = form[1] if not form[1].isdigit() else "", form[-3]
    whole, _, fraction = text.partition(".")
    grouped = format(int(whole), ",").replace(",", between)
    if whole.startswith("-") and not grouped.startswith("-"):
        grouped = "-" + grouped
    return grouped + (sign + fraction if fraction else "")


@dataclass(frozen=True)
class _Mask:
    """Digits before the period, and how many come after it at least and at most."""

    whole: int
    least: int
    most: int
    keeps_zero: bool
    has_period: bool


@functools.cache
def _mask_of(form: str) -> _Mask:
    found = _NUMBER_MASK.fullmatch(form)
    if found is None or found.group(1) is None:
        raise ValueError(f"unknown number format {form}")
    whole, fraction = found.group(2), found.group(3) or ""
    least = fraction.rfind("0") + 1
    return _Mask(len(whole), least, len(fraction), "0" in whole, found.group(3) is not None)


def _masked(text: str, form: str) -> str:
    """A number by a mask such as FM9990.099; a period in a mask is a period everywhere."""
    mask = _mask_of(form)
    whole, _, fraction = text.partition(".")
    if "e" in text or len(fraction) > mask.most:
        rounded = Decimal(text).quantize(Decimal(1).scaleb(-mask.most), ROUND_HALF_UP)
        whole, _, fraction = format(rounded, "f").partition(".")
    sign, whole = ("-", whole[1:]) if whole.startswith("-") else ("", whole)
    if len(whole) > mask.whole:
        return "#" * (len(form) - 1)
    fraction = fraction.rstrip("0").ljust(mask.least, "0")
    shown = "" if whole == "0" and not mask.keeps_zero else whole
    return sign + shown + ("." + fraction if mask.has_period else "")


def _to_time(value: str | None, form: str) -> str | None:
    """A time as it is stored; midnight as the bare day, so that days and times compare."""
    if value is None:
        return None
    at = datetime.strptime(value, _python_format(form))  # noqa: DTZ007
    if at.time() == datetime.min.time():
        return date.isoformat(at)[:10]
    return at.strftime(NETSUITE_DATETIME)


def _to_number(value: float | str | None) -> float | None:
    if value is None or not isinstance(value, str):
        return value
    number = Decimal(value)
    return int(number) if number == number.to_integral_value() else float(number)


@functools.cache
def _python_format(form: str) -> str:
    python = _DATE_PART.sub(lambda found: _DATE_PARTS[found.group().upper()], form)
    if re.sub(r"%[A-Za-z]", "", python).strip("-/: .,T"):
        raise ValueError(f"unknown date format {form}")
    return python
