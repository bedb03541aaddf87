"""What happens to Stripe's balance: charges become available, and are paid out to the bank."""

from collections import defaultdict

from extractors.sandbox.stripe_balance import (
    charge_entry,
    is_payday,
    payout_entry,
    payout_of,
    trace_of,
)
from extractors.sandbox.tables import Record
from extractors.sandbox.world.deposits import schedule_deposit
from extractors.sandbox.world.moments import DAY, HOUR, MINUTE
from extractors.sandbox.world.state import World

SETTLES_AT = 22 * HOUR + 5 * MINUTE
"""Seconds after the beginning of a simulated day: 00:05 UTC, when a new banking day has begun."""


def enter_charge(world: World, charge: Record, at: int) -> None:
    """Book a charge that succeeded, under the id that it names."""
    entry = charge_entry(charge["balance_transaction"], charge, at)
    world.records.add("stripe", "balance_transaction", entry, at)
    world.facts.unswept.append(entry["id"])


def settle_balance(world: World, at: int) -> None:
    """Make available what has waited long enough, and pay out what is available on paydays."""
    waiting: dict[str, list[Record]] = defaultdict(list)
    for entry in _unswept(world):
        if entry["status"] == "pending" and entry["available_on"] > at:
            continue
        if entry["status"] == "pending":
            entry = world.records.change(  # noqa: PLW2901
                "stripe", "balance_transaction", entry["id"], at, status="available"
            )
        waiting[entry["currency"]].append(entry)
    for currency, entries in sorted(waiting.items()):
        if is_payday(currency, at) and sum(entry["net"] for entry in entries) > 0:
            _pay_out(world, at, entries)
    world.schedule(at + DAY, "settle_balance")


def _unswept(world: World) -> list[Record]:
    """Entries that no payout has taken up: the simulation's own, and what the API has made."""
    need, facts = world.records.need, world.facts
    known = dict.fromkeys(facts.unswept)
    for stored in world.records.stored("stripe", "balance_transaction", parent=None):
        known[stored["id"]] = None
    entries = [need("stripe", "balance_transaction", key) for key in known]
    left = [entry for entry in entries if entry["payout"] is None and entry["type"] != "payout"]
    facts.unswept = [entry["id"] for entry in left]
    return sorted(left, key=lambda entry: (entry["created"], entry["id"]))


def _pay_out(world: World, at: int, entries: list[Record]) -> None:
    records = world.records
    key = records.new_id("stripe", "balance_transaction")
    payout = payout_of(records.new_id("stripe", "payout"), key, entries, at)
    records.add("stripe", "payout", payout, at)
    records.add("stripe", "balance_transaction", payout_entry(key, payout, at), at)
    for entry in entries:
        records.change("stripe", "balance_transaction", entry["id"], at, payout=payout["id"])
    world.facts.paid_out[payout["id"]] = [entry["id"] for entry in entries]
    world.schedule(payout["arrival_date"] + MINUTE, "land_payout", payout=payout["id"])


def land_payout(world: World, at: int, payout: str) -> None:
    """The money is at the bank."""
    done = {"status": "paid", "reconciliation_status": "completed", "trace_id": trace_of(payout)}
    world.records.change("stripe", "payout", payout, at, **done)
    schedule_deposit(world, at, payout)
