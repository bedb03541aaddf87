"""Credit notes and what they are applied to."""

from collections import defaultdict

from tests.unit.sandbox.books import Books, Clusters
from tests.unit.sandbox.disagreements.common import HOURS_SYNC, Row, erp_invoices


def credit_notes(books: Books, clusters: Clusters):
    memos = defaultdict(list)
    notes = {note["id"]: note for note in books.credit_notes}
    for memo in books.transactions.values():
        if memo["type"] != "CustCred" or memo["voided"] == "T":
            continue
        source = memo["custbody_stripe_credit_note_id"]
        if source in notes:
            memos[source].append(memo)
        elif not _is_on_services(books, memo) and books.age(memo["createddate"]) > HOURS_SYNC:
            yield Row("CRN-MISS-01", "", memo["id"], None)
    for note in notes.values():
        found = sorted(memos[note["id"]], key=lambda memo: int(memo["id"]))
        yield from (Row("CRN-AMT-01", "", extra["id"], None) for extra in found[1:])
        if not found:
            is_due = note["status"] != "void" and note["total"]
            if is_due and books.age(note["effective_at"]) > HOURS_SYNC:
                yield Row("CRN-MISS-01", "", note["id"], None)
        elif note["status"] == "void":
            yield Row("CRN-MISS-01", "status", note["id"], found[0]["id"])
        else:
            yield from _credit_amounts(books, note, found[0])


def _is_on_services(books: Books, memo) -> bool:
    """Whether the memo names no note and settles an invoice that was made by hand."""
    settled = [link["previousdoc"] for link in books.links if link["nextdoc"] == memo["id"]]
    forms = {books.transactions[document]["customform"] for document in settled}
    return memo["custbody_stripe_credit_note_id"] is None and forms == {"manual services"}


def _credit_amounts(books: Books, note, memo):
    allowed = len(note["lines"]["data"])
    total = -books.minor(memo["foreigntotal"], memo["currency"])
    taxes = [line for line in books.lines[memo["id"]] if line["taxline"] == "T"]
    tax = sum(books.minor(line["foreignamount"], memo["currency"]) for line in taxes)
    if abs(total - note["total"]) > allowed:
        yield Row("CRN-AMT-01", "total", note["id"], memo["id"])
    elif abs(tax - sum(entry["amount"] for entry in note["total_taxes"])) > allowed:
        yield Row("CRN-AMT-01", "tax", note["id"], memo["id"])


def applications(books: Books, clusters: Clusters):
    """Notes on open invoices, where note and memo are equal: both settle the same of the same."""
    copies, _ = erp_invoices(books)
    standing = {
        transaction["id"]: invoice_id
        for invoice_id, found in copies.items()
        for transaction in found
        if transaction["voided"] == "F"
    }
    settled = defaultdict(dict)
    for link in books.links:
        if link["linktype"] == "Payment":
            document = books.transactions[link["nextdoc"]]
            amount = books.minor(link["foreignamount"], document["currency"])
            settled[link["nextdoc"]][link["previousdoc"]] = amount
    for note in books.credit_notes:
        memos = [
            memo
            for memo in books.transactions.values()
            if memo.get("custbody_stripe_credit_note_id") == note["id"] and memo["voided"] == "F"
        ]
        if note["status"] == "void" or note["type"] != "pre_payment" or not memos:
            continue
        memo = min(memos, key=lambda each: int(each["id"]))
        if -books.minor(memo["foreigntotal"], memo["currency"]) != note["total"]:
            continue
        applied = dict(settled[memo["id"]])
        name = f"{note['id']}/{note['invoice']}/invoice"
        (own,) = [each for each, invoice_id in standing.items() if invoice_id == note["invoice"]]
        if own not in applied:
            yield Row("CRN-APPL-01", "", name, None)
            continue
        if applied.pop(own) != note["total"]:
            yield Row("CRN-APPL-01", "applied", name, f"{memo['id']}/{own}")
        for other in applied:
            if other in standing:
                yield Row("CRN-APPL-01", "", f"{memo['id']}/{other}", None)
