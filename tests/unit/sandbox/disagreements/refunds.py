"""Refunds and disputes."""

from collections import Counter, defaultdict

from tests.unit.sandbox.books import Books, Clusters
from tests.unit.sandbox.disagreements.common import HOURS_SYNC, Row


def refunds(books: Books, clusters: Clusters):
    entered = defaultdict(list)
    for payout in sorted(books.transactions.values(), key=lambda t: int(t["id"])):
        if payout["type"] == "CustRfnd" and payout["voided"] == "F":
            entered[payout["custbody_stripe_refund_id"]].append(payout)
    noted = Counter()
    for note in books.credit_notes:
        for part in note["refunds"] or ():
            noted[part["refund"]] += part["amount_refunded"]
    for refund_id, refund in books.refunds.items():
        is_old = books.age(refund["created"]) > HOURS_SYNC
        if is_old and not entered[refund_id]:
            yield Row("RFD-MISS-01", "", refund_id, None)
        if is_old and noted[refund_id] < refund["amount"]:
            yield Row("RFD-MISS-01", "credit_note", refund_id, None)
    for refund_id in entered.keys() - books.refunds.keys() - {None}:
        yield from (Row("RFD-MISS-01", "", lone["id"], None) for lone in entered[refund_id])
    yield from _paid_back_twice(books, entered)


def _paid_back_twice(books: Books, entered):
    back = _taken_by_disputes(books)
    for refund_id, refund in sorted(books.refunds.items(), key=lambda each: each[1]["created"]):
        back[refund["charge"]] += refund["amount"]
        if back[refund["charge"]] > books.charges[refund["charge"]]["amount"]:
            yield Row("RFD-DUP-01", "", refund_id, None)
        yield from (Row("RFD-DUP-01", "", more["id"], None) for more in entered[refund_id][1:])
    refunded = {note["id"] for note in books.credit_notes if note["refunds"]}
    for payout in entered[None]:
        if not refunded.isdisjoint(_notes_paid_by(books, payout)):
            yield Row("RFD-DUP-01", "", payout["id"], None)


def _taken_by_disputes(books: Books) -> Counter:
    lost = Counter()
    for dispute in books.disputes.values():
        if dispute["status"] == "lost":
            lost[dispute["charge"]] += dispute["amount"]
    return lost


def _notes_paid_by(books: Books, payout):
    for link in books.links:
        if link["nextdoc"] == payout["id"]:
            yield books.transactions[link["previousdoc"]]["custbody_stripe_credit_note_id"]


def disputes(books: Books, clusters: Clusters):
    followed = defaultdict(dict)
    for entry in books.transactions.values():
        if entry["type"] == "Journal" and entry["custbody_stripe_dispute_id"]:
            stage = entry["custbody_stripe_dispute_stage"]
            phase = "withdrawn" if stage == "opened" else "closed"
            if phase in followed[entry["custbody_stripe_dispute_id"]]:
                yield Row("DSP-LIFE-01", f"stage:{phase}", entry["id"], None)
            followed[entry["custbody_stripe_dispute_id"]].setdefault(phase, entry)
    for dispute_id, dispute in books.disputes.items():
        wanted = {"withdrawn": ("opened", dispute["created"])}
        if dispute["status"] in {"won", "lost"}:
            wanted["closed"] = (dispute["status"], books.last_event.get(dispute_id))
        for phase, (stage, since) in wanted.items():
            entry = followed[dispute_id].get(phase)
            is_old = since is None or books.age(since) > HOURS_SYNC
            if is_old and not _follows(books, dispute, stage, entry):
                found = entry["id"] if entry else None
                yield Row("DSP-LIFE-01", f"stage:{phase}", dispute_id, found)


def _follows(books: Books, dispute, stage: str, entry) -> bool:
    return (
        entry is not None
        and entry["custbody_stripe_dispute_stage"] == stage
        and books.minor(entry["foreigntotal"], entry["currency"]) == dispute["amount"]
    )
