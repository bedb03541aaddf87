"""The world's Stripe balance: every charge is in it, and every payout takes up what is there."""

from collections import defaultdict
from datetime import UTC, datetime

import pytest

from extractors.sandbox.stripe_balance import BANK, DAILY, DAY, fee_of, is_payday
from extractors.sandbox.stripe_money import balance, refund
from extractors.sandbox.world import advance_world

SEEDS = (1, 2)


def entries_of(store):
    return {e["id"]: e for e in store.rows("stripe", "balance_transaction")}


@pytest.mark.parametrize("seed", SEEDS)
def test_every_charge_that_succeeded_is_in_the_balance_less_its_fee(world, seed):
    store = world(seed)
    entries = entries_of(store)
    charged = store.rows("stripe", "charge", status="succeeded")
    assert charged
    for charge in charged:
        entry = entries[charge["balance_transaction"]]
        assert (entry["type"], entry["source"]) == ("charge", charge["id"])
        assert entry["amount"] == charge["amount"]
        assert (
            entry["fee"]
            == fee_of(charge["amount"])
            == sum(d["amount"] for d in entry["fee_details"])
        )
        assert entry["net"] == entry["amount"] - entry["fee"]
        assert entry["currency"] == charge["currency"]
    unpaid = [c for c in store.rows("stripe", "charge") if c["status"] != "succeeded"]
    assert unpaid
    assert {c["balance_transaction"] for c in unpaid} == {None}
    sources = [e["source"] for e in entries.values() if e["type"] == "charge"]
    assert sorted(sources) == sorted(c["id"] for c in charged)


def test_the_fee_is_rounded_half_up():
    assert [fee_of(amount) for amount in (100, 50, 1000, 1050)] == [33, 31, 59, 60]


@pytest.mark.parametrize("seed", SEEDS)
def test_a_payout_takes_up_what_was_available_in_its_currency(world, seed):
    store = world(seed)
    swept = defaultdict(list)
    for entry in entries_of(store).values():
        swept[entry["payout"]].append(entry)
    payouts = store.rows("stripe", "payout")
    assert {p["currency"] for p in payouts} == {"usd", "gbp", "eur", "jpy"}
    for payout in payouts:
        own = [e for e in swept[payout["id"]] if e["type"] == "payout"]
        rest = [e for e in swept[payout["id"]] if e["type"] != "payout"]
        assert [e["id"] for e in own] == [payout["balance_transaction"]]
        assert own[0]["net"] == -payout["amount"] == -sum(e["net"] for e in rest)
        assert {e["currency"] for e in rest} == {payout["currency"]}
        assert max(e["available_on"] for e in rest) <= payout["created"]
        assert is_payday(payout["currency"], payout["created"])
        assert payout["destination"] == BANK
        weekday = datetime.fromtimestamp(payout["arrival_date"], UTC).weekday()
        assert weekday < 5
        assert payout["arrival_date"] % DAY == 0
        landed = payout["arrival_date"] < store.now().timestamp()
        assert payout["status"] == ("paid" if landed else "in_transit")


@pytest.mark.parametrize("seed", SEEDS)
def test_the_balance_is_the_sum_of_all_entries(world, seed):
    store = world(seed)
    expected = defaultdict(lambda: {"available": 0, "pending": 0})
    for entry in entries_of(store).values():
        expected[entry["currency"]][entry["status"]] += entry["net"]
    told = balance(store)
    for status in ("available", "pending"):
        assert {a["currency"]: a["amount"] for a in told[status]} == {
            currency: known[status] for currency, known in expected.items()
        }
    assert all(a["amount"] >= 0 for a in told["available"])
    # what is paid out every working day leaves nothing from before the last of them
    old = store.now().timestamp() - 8 * DAY
    left = [e for e in entries_of(store).values() if e["payout"] is None and e["created"] < old]
    assert not [e for e in left if e["currency"] in DAILY]


def test_what_is_available_is_said_so(world):
    store = world(1)
    now = store.now().timestamp()
    for entry in entries_of(store).values():
        assert (entry["status"] == "available") == (entry["available_on"] <= now), entry


@pytest.mark.parametrize(
    ("at", "payday"),
    [("2026-06-01", {"usd", "gbp"}), ("2026-06-05", {"usd", "eur"}), ("2026-06-06", set())],
)
def test_some_currencies_are_paid_out_daily_and_some_on_fridays(at, payday):
    second = int(datetime.fromisoformat(at).replace(tzinfo=UTC).timestamp()) + 300
    assert {c for c in ("usd", "gbp", "eur", "jpy") if is_payday(c, second)} >= payday
    assert is_payday("eur", second) == (at == "2026-06-05")


def test_a_payment_intent_knows_its_last_charge(world):
    store = world(1)
    charges = defaultdict(list)
    for charge in store.rows("stripe", "charge"):
        charges[charge["payment_intent"]].append(charge)
    intents = store.rows("stripe", "payment_intent")
    assert {i["id"] for i in intents} == set(charges)
    reached = {
        "succeeded": "succeeded",
        "failed": "requires_payment_method",
        "pending": "processing",
    }
    for intent in intents:
        last = charges[intent["id"]][-1]
        assert (intent["latest_charge"], intent["status"]) == (last["id"], reached[last["status"]])
        assert intent["amount_received"] == (last["amount"] if last["paid"] else 0)
        assert bool(intent["last_payment_error"]) == (last["status"] == "failed")


def test_what_the_api_gave_back_is_taken_from_the_next_payout(world):
    store = world(1)
    charge = max(
        (c for c in store.rows("stripe", "charge", status="succeeded") if c["currency"] == "usd"),
        key=lambda c: c["created"],
    )
    given_back = refund(store, charge, 100)
    advance_world(store, 5)
    entry = store.get("stripe", "balance_transaction", given_back["balance_transaction"])
    payout = store.get("stripe", "payout", entry["payout"])
    assert payout["currency"] == "usd"
    swept = store.rows("stripe", "balance_transaction", parent=payout["id"])
    assert sum(e["net"] for e in swept) == 0
