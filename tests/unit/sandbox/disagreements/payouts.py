"""Payouts, deposits and what is left on clearing."""

from collections import defaultdict
from datetime import timedelta
from decimal import Decimal

from extractors.sandbox.bank import banking_day
from tests.unit.sandbox.books import Books, Clusters, instant
from tests.unit.sandbox.disagreements.common import Row
from tests.unit.sandbox.disagreements.payments import recorded_payments


def payouts(books: Books, clusters: Clusters):
    deposits = defaultdict(list)
    for deposit in sorted(books.transactions.values(), key=lambda t: int(t["id"])):
        if deposit["type"] == "Deposit":
            deposits[deposit["custbody_stripe_payout_id"]].append(deposit)
    members = defaultdict(dict)
    for entry in books.balance:
        if entry["payout"] and entry["type"] != "payout":
            members[entry["payout"]][entry["id"]] = entry
    for payout_id, payout in books.payouts.items():
        nameless = [
            d for d in deposits[None] if members[payout_id].keys() & _banked(books, d).keys()
        ]
        yield from _payout(books, payout, members[payout_id], deposits[payout_id], nameless)


def bank(books: Books, _clusters: Clusters):
    """What the bank booked of each payout, by the trace ids in the text, and else by the amount."""
    deposits = {t.get("custbody_stripe_payout_id"): t["id"] for t in books.transactions.values()}
    paid = {key: one for key, one in books.payouts.items() if one["status"] == "paid"}
    traces = {
        one["trace_id"]["value"]: key for key, one in paid.items() if one["trace_id"]["value"]
    }
    told = [e for e in books.bank_lines if e.booked < books.now.date()]
    lines = [e for e in told if "STRIPE" in e.counterparty]
    booked = defaultdict(list)
    for line in lines:
        named = [traces[word] for word in line.text.split() if word in traces]
        if len(named) > 1:
            assert line.minor == sum(paid[key]["amount"] for key in named)
        elif named:
            booked[named[0]].append(line)
        elif _is_due(books, line.booked) and not any(
            _fits(line, one) for one in paid.values() if not one["trace_id"]["value"]
        ):
            yield Row("PYT-BANK-01", "", line.line_id, None)
    together = {word for line in lines for word in line.text.split() if "PAYOUTS" in line.text}
    for trace, key in traces.items():
        if trace in together or not _is_due(books, instant(paid[key]["arrival_date"]).date()):
            continue
        if not booked[key]:
            yield Row("PYT-BANK-01", "", key, deposits.get(key))
        elif not 0 <= paid[key]["amount"] - sum(line.minor for line in booked[key]) <= 500:
            credit = next(line for line in booked[key] if line.minor > 0)
            yield Row("PYT-BANK-01", "", credit.line_id, deposits.get(key))


def _fits(line, payout) -> bool:
    return (line.minor, line.currency) == (payout["amount"], payout["currency"].upper())


def _is_due(books: Books, day) -> bool:
    return banking_day(day, 3) < books.now.date()


def _payout(books: Books, payout, members, deposits, nameless):
    yield from (Row("PYT-DEP-01", "", extra["id"], None) for extra in deposits[1:])
    if payout["status"] != "paid":
        return
    if sum(entry["net"] for entry in members.values()) != payout["amount"]:
        yield Row("PYT-COMP-01", "members", payout["id"], None)
    elif deposits:
        if not _deposits(books, payout, members.values(), deposits[0]):
            yield Row("PYT-DEP-01", "", payout["id"], deposits[0]["id"])
    elif books.age(payout["arrival_date"]) > timedelta(days=4):
        yield Row("PYT-DEP-01", "", payout["id"], nameless[0]["id"] if nameless else None)


def _banked(books: Books, deposit) -> dict[str, int]:
    """What the lines of a deposit take out of clearing, by balance transaction."""
    accounts = {p["transactionline"]: p["account"] for p in books.postings[deposit["id"]]}
    return {
        line["custcol_stripe_balance_id"]: -books.minor(line["foreignamount"], deposit["currency"])
        for line in books.lines[deposit["id"]]
        if accounts[line["id"]] == books.clearing
    }


def _deposits(books: Books, payout, parts, deposit) -> bool:
    """Whether a deposit says what the payout is: its sum, day, members and their amounts."""
    day = instant(payout["arrival_date"]).date().isoformat()
    return (
        books.minor(deposit["foreigntotal"], deposit["currency"]) == payout["amount"]
        and deposit["trandate"] == day
        and _banked(books, deposit) == {entry["id"]: entry["amount"] for entry in parts}
    )


def clearing(books: Books, clusters: Clusters):
    """What stands on clearing for a week and names nothing of the payment provider."""
    names = ("charge", "refund", "dispute", "payout")
    again = {row.owner_id for row in recorded_payments(books, clusters) if row.code == "PAY-DUP-01"}
    for document_id, document in books.transactions.items():
        entries = [p for p in books.postings[document_id] if p["account"] == books.clearing]
        is_named = any(document.get(f"custbody_stripe_{name}_id") for name in names)
        lines = books.lines[document_id]
        is_of_members = any(line.get("custcol_stripe_balance_id") for line in lines)
        is_old = books.age(document["trandate"]) > timedelta(days=7)
        left = sum(Decimal(p["amount"]) for p in entries if p["accountingbook"] == "1")
        if left and is_old and not is_named and not is_of_members and document_id not in again:
            yield Row("PYT-CLR-01", "", document_id, None)
