"""What a source would give to a full extraction, read off the books: for tests of equality."""

import itertools
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from extractors.sandbox import documents, stripe_meters
from extractors.sandbox.schema import Kind, System, decoder, double_text
from extractors.sandbox.store import Store, table_of
from extractors.sandbox.stripe_fields import FIELDS
from extractors.sandbox.tables import Record

_DAY = 86_400
_PART_OF = {"tax_id": ("customer", "tax_ids")}
"""Stripe objects that are kept inside of others: (owner, its list)."""


def truth_rows(store: Store, system: System, kind: str) -> Iterator[Record]:
    """Every live record of an object in the vendor's form, in the order of its keys or creation.

    Numbers of Salesforce and all values of NetSuite are text as REST sends them (its dates as
    the ISO texts that TO_CHAR makes), nulls are None. Stripe documents are whole: embedded lists to
    their end, discounts and coupons as objects, tax ids with their customers and on their own. What
    was used is summed by UTC days that are over, and by their parts where a period ended in them.

    Faults are not seen: of what was created within `faults.LONGEST_LAG` a stale replica shows less.
    """
    if system != "stripe":
        yield from _table_rows(store, system, kind)
        return
    if kind == stripe_meters.SUMMARY:
        yield from _usage(store)
        return
    owner, name = _PART_OF.get(kind, (kind, None))
    sql = (
        "SELECT document FROM stripe WHERE account = ? AND object = ? AND deleted = 0 "
        "ORDER BY created, seq"
    )
    for (text,) in store.query(sql, (store.account, owner)):
        document = _without_secrets(owner, documents.load(text))
        if name is None:
            yield document
        elif document.get(name):
            yield from document[name]["data"]


def _without_secrets(kind: str, document: Mapping[str, Any]) -> Record:
    fields = FIELDS.get(kind, {})
    return {
        name: value
        for name, value in document.items()
        if name not in fields or fields[name].how != "secret"
    }


def _usage(store: Store) -> Iterator[Record]:
    """What customers with a metered item used; periods are those that invoices and items show."""
    now = int(store.now().timestamp())
    meters = {meter["event_name"]: meter["id"] for meter in store.rows("stripe", "billing.meter")}
    ends = _period_ends(store)
    used: Counter[tuple[str, str, int, int]] = Counter()
    for event in store.rows("stripe", stripe_meters.EVENT):
        customer, at = event["customer"], event["timestamp"]
        day = at - at % _DAY
        inside = {end for end in ends.get(customer, ()) if day < end < day + _DAY and end <= now}
        bounds = sorted({day, *inside, *({day + _DAY} if day + _DAY <= now else ())})
        for start, end in itertools.pairwise(bounds):
            if start <= at < end and customer in ends:
                pair = (meters[event["event_name"]], customer)
                used[*pair, start, end] += int(event["payload"]["value"])
    for (meter, customer, start, end), value in sorted(used.items()):
        yield {
            "id": f"{meter}:{customer}:{start}",
            "meter": meter,
            "customer": customer,
            "aggregated_value": value,
            "start_time": start,
            "end_time": end,
        }


def _period_ends(store: Store) -> dict[str, set[int]]:
    """Instants at which periods began or ended, by customers that have a metered item."""
    ends: dict[str, set[int]] = {}
    for subscription in store.rows("stripe", "subscription"):
        for item in subscription["items"]["data"]:
            if (item["price"]["recurring"] or {}).get("usage_type") == "metered":
                known = ends.setdefault(subscription["customer"], {subscription["start_date"]})
                known |= {item["current_period_start"], item["current_period_end"]}
                known |= {subscription["ended_at"]} - {None}
    for invoice in store.rows("stripe", "invoice"):
        if invoice["customer"] in ends:
            periods = [line["period"] for line in invoice["lines"]["data"]]
            ends[invoice["customer"]] |= {p[end] for p in periods for end in ("start", "end")}
    return ends


def _table_rows(store: Store, system: System, kind: str) -> Iterator[Record]:
    table = table_of(system, kind)
    live = 'WHERE "IsDeleted" IS NOT 1' if "IsDeleted" in table.columns else ""
    order = ", ".join(f'"{column}"' for column in table.key)
    makers: list[tuple[str, Callable[[Any], Any]]] = [
        (name, _sent(column_kind) if system == "salesforce" else _text(decoder(table, name)))
        for name, column_kind in table.columns.items()
    ]
    for row in store.query(f"SELECT * FROM {table.sql_name} {live} ORDER BY {order}"):
        yield {name: make(value) for (name, make), value in zip(makers, row, strict=True)}


def _sent(kind: Kind) -> Callable[[Any], Any]:
    """How Salesforce sends a stored value."""
    if kind == "boolean":
        return bool
    return double_text if kind == "decimal" else _text(str)


def _text(convert: Callable[[Any], Any]) -> Callable[[Any], str | None]:
    return lambda value: None if value is None else str(convert(value))
