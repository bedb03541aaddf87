"""What changed in a vendor's own schema since it was last seen. Reported, never fatal."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import polars as pl

from extractors.protocol import ObjectSpec, Page

# A field may be left out of a record that has no value for it; of so many records one has it.
ENOUGH_RECORDS = 20
_TYPES: Mapping[type, str] = {bool: "boolean", str: "text", dict: "object", list: "list"}


@dataclass(frozen=True)
class Schema:
    """A vendor's fields and their types; "" stands for a type that is not known yet.

    `is_described`: the vendor listed them itself. Otherwise they were seen on records.
    """

    fields: Mapping[str, str]
    is_described: bool = False


def observed(page: Page) -> Schema:
    """The top-level fields of the records of a page, with the JSON types of their values."""
    found: dict[str, str] = {}
    for record in _records(page):
        for name, value in record.items():
            kind = "" if value is None else _TYPES.get(type(value), "number")
            found[name] = kind or found.get(name, "")
    return Schema(found)


def compared(
    system: str, spec: ObjectSpec, before: Schema | None, now: Schema, records: int
) -> tuple[Schema, list[str]]:
    """What is known from now on, and one message per field that is new, gone or of another type.

    `records` is how many records `now` was observed on.
    """
    where = f"{system} {spec.vendor_name}"
    known = before.fields if before and before.is_described == now.is_described else {}
    gone = _gone(spec, known, now, records)
    new = sorted(now.fields.keys() - known.keys()) if known else []
    retyped = sorted(
        name
        for name, kind in now.fields.items()
        if kind and known.get(name) and known[name] != kind
    )
    messages = [
        *(f"{where}: field {name} is new ({now.fields[name] or 'empty so far'})" for name in new),
        *(f"{where}: field {name} is gone{_consequence(spec, name)}" for name in gone),
        *(f"{where}: field {n} is now {now.fields[n]}, was {known[n]}" for n in retyped),
    ]
    fields = dict(known) | {name: kind or known.get(name, "") for name, kind in now.fields.items()}
    left = {name: kind for name, kind in sorted(fields.items()) if name not in gone}
    return Schema(left, now.is_described), messages


def _records(page: Page) -> Iterable[Mapping[str, Any]]:
    if isinstance(page.records, pl.DataFrame):
        return page.records.iter_rows(named=True)
    return page.records


def _gone(spec: ObjectSpec, known: Mapping[str, str], now: Schema, records: int) -> list[str]:
    if not now.is_described:
        return sorted(known.keys() - now.fields.keys()) if records >= ENOUGH_RECORDS else []
    present = {name.lower() for name in now.fields}
    expected = {item.path[0].lower(): item.path[0] for item in spec.fields}
    expected |= {name.lower(): name for name in known}
    return sorted(name for lower, name in expected.items() if lower not in present)


def _consequence(spec: ObjectSpec, name: str) -> str:
    declared = {item.path[0].lower() for item in spec.fields}
    return " (it is declared, and lands as null)" if name.lower() in declared else ""
