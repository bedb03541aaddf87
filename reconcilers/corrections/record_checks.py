"""What is asked again before a record is made or put out of use, or named as only one may be."""

from collections.abc import Mapping
from typing import Any

from extractors.protocol import Target
from reconcilers.corrections.correction import CREATIONS, UNDO_CREATION, Refusal
from reconcilers.corrections.delivery import Order
from reconcilers.corrections.document import WHILE, Condition
from reconcilers.corrections.field_copies import value_taken
from reconcilers.corrections.images import shows
from reconcilers.corrections.send_checks import ERP, no_billing_to_ask
from reconcilers.corrections.wire_fields import PLACES

_KEYS = ("externalid", "Q2C_Customer_Key__c", "Q2C_Key__c")
_TABLES = {"invoice": "transaction", "deposit": "transaction"}
# How a tax id is written into a record that is made, and what it is looked for by.
_TAX_IDS = {"customer": ("vatRegNumber", "vatregnumber"), "Account": ("Tax_Id__c", "Tax_Id__c")}
_UNIQUE = [place for (of, *_), place in PLACES.items() if of == ERP and place.is_unique]


async def against_record(
    target: Target, billing: Target | None, order: Order
) -> tuple[Refusal, ...]:
    """Why a record is not made, put out of use, or named so, although it stands as planned."""
    if order.action == UNDO_CREATION and order.object == "customer":
        used = await target.lookup("transaction", entity=order.record_id)
        return (_used(order.record_id, used[0]),) if used else ()
    noes = await _taken(target, order)
    if order.action in CREATIONS:
        noes += await _has_its_tax_id(target, order)
    for condition in order.after.get(WHILE, []) if order.action in CREATIONS else []:
        noes += await _broken(target, billing, condition, order.record_id)
    return tuple(noes)


async def _taken(target: Target, order: Order) -> list[Refusal]:
    """Why a value that one record alone may have is not written: another has it by now."""
    if target.system != ERP or order.operation != "update":
        return []
    refusals = []
    for place in _UNIQUE:
        value = order.payload.get(place.name) if place.object == order.object else None
        table = _TABLES.get(order.object, order.object)
        rows = await target.lookup(table, **{place.name: value}) if value else []
        refusals += [
            value_taken(place, str(row.get("id")), value)
            for row in rows
            if str(row.get("id")) != order.record_id and row.get("voided") != "T"
        ]
    return refusals


async def _has_its_tax_id(target: Target, order: Order) -> list[Refusal]:
    """Why a customer is not made: another that came meanwhile has its tax id, spelled alike."""
    written, read = _TAX_IDS.get(order.object, ("", ""))
    value = order.payload.get(written)
    rows = await target.lookup(order.object, **{read: value}) if value else []
    others = [row for row in rows if not _is_ours(row, order.record_id)]
    return [_changed(order.object, "another record has its tax id by now")] if others else []


async def _broken(
    target: Target, billing: Target | None, condition: Condition, key: str
) -> list[Refusal]:
    system, name, equals = condition["system"], condition["object"], condition["equals"]
    if system != target.system and billing is None:
        return [no_billing_to_ask()]
    if system == target.system or billing is None:
        rows = await target.lookup(name, **equals)
    else:
        found = await billing.read(name, equals["id"])
        rows = [found] if found else []
    rows = [row for row in rows if not _is_ours(row, key)]
    where = " ".join((name, *equals.values()))
    if condition["shows"] is None:
        return [_changed(name, f"{where} is there already")] if rows else []
    if not rows or not shows(rows[0], condition["shows"]):
        return [_changed(name, f"{where} is gone, or is not as it was")]
    return []


def _is_ours(row: Mapping[str, Any], key: str) -> bool:
    return key in {row.get(name) for name in _KEYS}


def _changed(name: str, problem: str) -> Refusal:
    return Refusal("still wanted", name, problem, "let the next night plan it again")


def _used(customer: str, transaction: Mapping[str, Any]) -> Refusal:
    return Refusal(
        "unused",
        "isInactive",
        f"customer {customer} has transactions, such as {transaction.get('id')}",
        "take them back first, or leave the customer in use",
    )
