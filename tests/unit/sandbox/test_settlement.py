"""The world's credits, refunds, disputes and payouts: whole in Stripe, and the same in the ERP."""

from collections import Counter, defaultdict
from datetime import timedelta

import pytest

from extractors.sandbox.reference import CLEARING
from extractors.sandbox.world import advance_world
from tests.unit.sandbox.books import Books, group

SEEDS = (1, 2)
HOURS = timedelta(hours=6)


def mirrored(books: Books, kind: str, column: str) -> dict:
    """ERP documents of a type by the billing id that they name, each named once."""
    found = [t for t in books.transactions.values() if t["type"] == kind and t[column]]
    assert len({t[column] for t in found}) == len(found)
    return {t[column]: t for t in found}


@pytest.mark.parametrize("seed", SEEDS)
def test_a_credit_note_is_the_same_in_the_erp(world, seed):
    store = world(seed)
    books = Books(store)
    memos = mirrored(books, "CustCred", "custbody_stripe_credit_note_id")
    notes = store.rows("stripe", "credit_note")
    assert len(notes) > 10
    for note in notes:
        memo = memos.pop(note["id"], None)
        if memo is None:
            assert books.age(note["created"]) < HOURS
            continue
        assert -books.minor(memo["foreigntotal"], memo["currency"]) == note["total"]
        tax = [line for line in books.lines[memo["id"]] if line["taxline"] == "T"]
        taxed = sum(books.minor(line["foreignamount"], memo["currency"]) for line in tax)
        assert taxed == sum(entry["amount"] for entry in note["total_taxes"])
    assert memos == {}


@pytest.mark.parametrize("seed", SEEDS)
def test_a_credit_note_says_where_its_money_went_and_the_invoice_agrees(world, seed):
    store = world(seed)
    invoices = {i["id"]: i for i in store.rows("stripe", "invoice")}
    ways = Counter()
    for note in store.rows("stripe", "credit_note"):
        invoice = invoices[note["invoice"]]
        lines = note["lines"]["data"]
        assert note["total"] == note["subtotal"] + sum(t["amount"] for t in note["total_taxes"])
        assert note["subtotal"] == sum(line["amount"] for line in lines)
        assert 0 < note["total"] <= invoice["total"]
        name = f"{note['type']}_credit_notes_amount"
        assert invoice[name] == note["total"] == note[f"{note['type']}_amount"]
        refunded = sum(link["amount_refunded"] for link in note["refunds"])
        assert refunded in {0, note["total"]}
        ways[note["type"], bool(refunded), bool(note["out_of_band_amount"])] += 1
    assert ways["pre_payment", False, False]
    assert ways["post_payment", True, False]
    assert ways["post_payment", False, False]


@pytest.mark.parametrize("seed", SEEDS)
def test_a_customers_balance_is_what_notes_left_on_it_less_what_invoices_took(world, seed):
    store = world(seed)
    expected = Counter()
    for note in store.rows("stripe", "credit_note", type="post_payment"):
        if not note["refunds"] and not note["out_of_band_amount"]:
            expected[note["customer"]] -= note["total"]
    for invoice in store.rows("stripe", "invoice"):
        taken = (invoice["ending_balance"] or 0) - (invoice["starting_balance"] or 0)
        expected[invoice["customer"]] += taken
    assert expected
    for customer in store.rows("stripe", "customer"):
        assert customer["balance"] == expected[customer["id"]]


@pytest.mark.parametrize("seed", SEEDS)
def test_a_refund_is_the_same_in_the_erp_and_pays_out_a_memo(world, seed):
    store = world(seed)
    books = Books(store)
    copies = mirrored(books, "CustRfnd", "custbody_stripe_refund_id")
    paid_out = {link["nextdoc"]: link for link in books.links}
    refunds = {r["id"]: r for r in store.rows("stripe", "refund")}
    assert refunds
    refunded = Counter()
    for refund_id, refund in refunds.items():
        refunded[refund["charge"]] += refund["amount"]
        copy = copies.pop(refund_id, None)
        if copy is None:
            assert books.age(refund["created"]) < HOURS
            continue
        assert -books.minor(copy["foreigntotal"], copy["currency"]) == refund["amount"]
        assert books.transactions[paid_out[copy["id"]]["previousdoc"]]["type"] == "CustCred"
    assert copies == {}
    assert all(c["amount_refunded"] == refunded[key] for key, c in books.charges.items())


@pytest.mark.parametrize("seed", SEEDS)
def test_the_erp_follows_every_stage_of_a_dispute(world, seed):
    store = world(seed)
    books = Books(store)
    stages = defaultdict(set)
    for transaction in books.transactions.values():
        if transaction["custbody_stripe_dispute_id"]:
            key = transaction["custbody_stripe_dispute_id"]
            stages[key].add(transaction["custbody_stripe_dispute_stage"])
    disputes = store.rows("stripe", "dispute")
    assert disputes
    for dispute in disputes:
        moved = dispute["balance_transactions"]
        last = books.last_event.get(dispute["id"], dispute["created"])
        ended = {"needs_response": set()}.get(dispute["status"], {dispute["status"]})
        if books.age(dispute["created"], last) > HOURS:
            assert stages[dispute["id"]] == {"opened"} | ended
        assert sum(entry["amount"] for entry in moved) == (
            0 if dispute["status"] == "won" else -dispute["amount"]
        )
        assert books.charges[dispute["charge"]]["disputed"]


@pytest.mark.parametrize("seed", SEEDS)
def test_a_payout_is_deposited_with_its_members_and_fees(world, seed):
    store = world(seed)
    books = Books(store)
    entries = group(store.rows("stripe", "balance_transaction"), "payout")
    deposits = mirrored(books, "Deposit", "custbody_stripe_payout_id")
    payouts = store.rows("stripe", "payout", status="paid")
    assert payouts
    for payout in payouts:
        deposit = deposits.pop(payout["id"], None)
        if deposit is None:
            assert books.age(payout["arrival_date"]) < HOURS
            continue
        assert books.minor(deposit["foreigntotal"], deposit["currency"]) == payout["amount"]
        members = {e["id"]: e["amount"] for e in entries[payout["id"]] if e["type"] != "payout"}
        lines = {
            line["custcol_stripe_balance_id"]: -books.minor(
                line["foreignamount"], deposit["currency"]
            )
            for line in books.lines[deposit["id"]]
            if line["custcol_stripe_balance_id"]
        }
        assert lines == members
    assert deposits == {}


def test_clearing_holds_what_stripe_still_has_and_what_is_under_way(world):
    """Per currency: gross of what is not deposited yet, by the ERP's own entries."""
    store = world(1)
    advance_world(store, 1)
    books = Books(store)
    clearing = Counter()
    for key, transaction in books.transactions.items():
        accounts = {p["transactionline"]: p["account"] for p in books.postings[key]}
        for line in books.lines[key]:
            if accounts[line["id"]] == CLEARING.id:
                amount = books.minor(line["foreignamount"], transaction["currency"])
                clearing[transaction["currency"]] += amount
    booked = {t["custbody_stripe_payout_id"] for t in books.transactions.values()}
    posted = {
        t[name]
        for t in books.transactions.values()
        for name in ("custbody_stripe_charge_id", "custbody_stripe_refund_id")
        if t["type"] in {"CustPymt", "CustRfnd"}
    } | {
        (t["custbody_stripe_dispute_id"], t["custbody_stripe_dispute_stage"] == "won")
        for t in books.transactions.values()
    }
    waiting = Counter()
    ids = {c["symbol"]: key for key, c in books.currencies.items()}
    for entry in store.rows("stripe", "balance_transaction"):
        if entry["type"] == "payout":
            continue
        source = entry["source"]
        if entry["type"] == "adjustment":
            source = (source, entry["amount"] > 0)
        is_posted, is_deposited = source in posted, entry["payout"] in booked - {None}
        waiting[ids[entry["currency"].upper()]] += entry["amount"] * (is_posted - is_deposited)
    assert {c: a for c, a in clearing.items() if a} == {c: a for c, a in waiting.items() if a}
