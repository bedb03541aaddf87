"""Journals: missing, doubled, in another period, on another account."""

from collections import defaultdict
from datetime import date, timedelta
from decimal import ROUND_HALF_UP, Decimal

from tests.unit.sandbox.books import Books, Clusters, instant
from tests.unit.sandbox.disagreements.common import HOURS_SYNC, Row, is_posted, local_day


def journals(books: Books, clusters: Clusters):
    for transaction_id in books.transactions:
        posted = [
            Decimal(p["amount"])
            for p in books.postings[transaction_id]
            if p["accountingbook"] == "1" and p["posting"] == "T"
        ]
        if sum(posted) != 0:
            yield Row("JE-BAL-01", "", transaction_id, None)


def unposted(books: Books, clusters: Clusters):
    for transaction_id, transaction in books.transactions.items():
        is_event = transaction["type"] != "Journal" or transaction["custbody_stripe_dispute_id"]
        if not is_event or transaction["voided"] == "T" or not float(transaction["foreigntotal"]):
            continue
        lines = [p for p in books.postings[transaction_id] if p["posting"] == "T"]
        is_posted = transaction["posting"] == "T" and lines
        if not is_posted and books.age(transaction["createddate"]) > HOURS_SYNC:
            yield Row("JE-MISS-01", "", transaction_id, None)


def unrecognised(books: Books, clusters: Clusters):
    """A month is run on the first day after it, or after the month in which it was booked."""
    for line in books.plan_lines:
        plan = books.plans[line["revenueplan"]]
        source = books.transactions.get(plan["sourcetransaction"])
        if line["isrecognized"] == "T" or source is None or source["voided"] == "T":
            continue
        month = date.fromisoformat(max(line["periodname"], source["createddate"][:7]) + "-01")
        run = (month + timedelta(days=31)).replace(day=1)
        if float(line["amount"]) and books.age(run) > timedelta(days=1) + HOURS_SYNC:
            yield Row("JE-MISS-01", "", line["id"], None)


def journals_twice(books: Books, clusters: Clusters):
    seen = set()
    journals = [t for t in books.transactions.values() if t["type"] == "Journal"]
    for journal in sorted(journals, key=lambda each: int(each["id"])):
        lines = books.postings[journal["id"]]
        booked = [(p["account"], p["amount"]) for p in lines if is_posted(p)]
        stage = (journal["custbody_stripe_dispute_id"], journal["custbody_stripe_dispute_stage"])
        place = (books.lines[journal["id"]][0]["subsidiary"], journal["trandate"], journal["memo"])
        same = stage if stage[0] else (*place, *sorted(booked))
        if same in seen:
            yield Row("JE-DUP-01", "", journal["id"], None)
        seen.add(same)


def periods(books: Books, clusters: Clusters):
    """The month of the event; of an invoice or a deposit its own date will do as well."""
    paid = {p["payment"].get("payment_intent"): p for p in books.invoice_payments}
    for transaction_id, transaction in books.transactions.items():
        is_run = transaction["tranid"].startswith("JE-REV-")
        is_event = transaction["type"] != "Journal" or transaction["custbody_stripe_dispute_id"]
        if transaction["posting"] == "F" or not (is_event or is_run):
            continue
        day = transaction["trandate"]
        charge = books.charges.get(transaction["custbody_stripe_charge_id"])
        if transaction["type"] == "CustPymt" and charge is not None:
            payment = paid[charge["payment_intent"]]
            invoice = books.invoices[payment["invoice"]]
            day = local_day(payment["status_transitions"]["paid_at"], invoice)
        if books.periods[transaction["postingperiod"]] != day[:7]:
            yield Row("JE-PER-01", "period", transaction_id, None)


def accounts(books: Books, clusters: Clusters):
    """What is sold over days is deferred, tax is tax payable, and what customers owe receivable."""
    for transaction_id, transaction in books.transactions.items():
        if transaction["type"] != "CustInvc":
            continue
        on = {p["transactionline"]: p for p in books.postings[transaction_id] if is_posted(p)}
        for line in books.lines[transaction_id]:
            kind = "tax" if line["taxline"] == "T" else "main" if line["mainline"] == "T" else ""
            kind = "sold" if line.get("custcol_rev_start") else kind
            wanted = {"tax": "220", "main": "110", "sold": "210"}.get(kind)
            posting = on.get(line["id"])
            if wanted and posting and float(posting["amount"]) and posting["account"] != wanted:
                yield Row("JE-ACC-01", "account", f"{transaction_id}-{line['id']}", None)


_FINANCIAL = ("MAMOUNT", "MAMOUNTMAIN", "KACCOUNT", "KPOSTINGPERIOD")
_KEYS = ("invoice", "charge", "credit_note", "refund", "dispute", "payout")


def _changed(books: Books, notes, *, people: bool) -> bool:
    """Whether a financial field says something else than before these notes."""
    fields = defaultdict(list)
    for note in sorted(notes, key=lambda each: int(each["id"])):
        is_financial = note["field"].partition(".")[2] in _FINANCIAL
        if is_financial and (not people or note["name"] != "1201"):
            fields[note["field"], note["lineid"]].append(note)
    return any(each[0]["oldvalue"] != each[-1]["newvalue"] for each in fields.values())


def by_hand(books: Books, clusters: Clusters):
    """Documents that name something of billing, and runs of recognition, as people left them."""
    for document_id, notes in books.notes.items():
        document = books.transactions.get(document_id)
        if document is None:
            continue
        is_owned = any(document[f"custbody_stripe_{key}_id"] for key in _KEYS)
        is_run = document["tranid"].startswith("JE-REV-")
        if (is_owned or is_run) and _changed(books, notes, people=True):
            yield Row("JE-EDIT-01", "edited", document_id, None)


def after_close(books: Books, clusters: Clusters):
    for document_id, document in books.transactions.items():
        closed_at = books.closed_at.get(document["postingperiod"])
        if closed_at is None:
            continue
        late = [n for n in books.notes.get(document_id, ()) if instant(n["date"]) > closed_at]
        is_late = instant(document["createddate"]) > closed_at
        if is_late or _changed(books, late, people=False):
            yield Row("JE-CLS-01", "closed", document_id, None)


def flapping(books: Books, clusters: Clusters):
    """Fields that two users set back and forth within a week."""
    for document_id, notes in books.notes.items():
        swings = defaultdict(list)
        for note in notes:
            is_financial = note["field"].partition(".")[2] in (*_FINANCIAL, "DTRANDATE")
            if is_financial and books.age(note["date"]) < timedelta(days=7):
                values = frozenset((note["oldvalue"], note["newvalue"]))
                swings[note["field"], note["lineid"], values].append(note["name"])
        for (field, line, _), users in swings.items():
            if len(users) > 2 and len(set(users)) > 1:
                name = f"{field}/{line}" if line else field
                yield Row("CTL-CORR-01", f"flaps:{name}", document_id, None)


def exchange(books: Books, clusters: Clusters):
    """What payments gained by their rate and those of their invoices, where all settled those."""
    paid = {(p["payment"].get("payment_intent"), p["invoice"]) for p in books.invoice_payments}
    links = defaultdict(list)
    for link in books.links:
        if link["linktype"] == "Payment":
            links[link["nextdoc"]].append(link)
    for payment_id, payment in books.transactions.items():
        lines = books.postings[payment_id]
        base = books.lines[payment_id][0]["subsidiary"]
        if payment["type"] != "CustPymt" or payment["voided"] == "T" or payment["currency"] == base:
            continue
        total = Decimal(payment["foreigntotal"])
        settled = links[payment_id]
        if not lines or sum(Decimal(link["foreignamount"]) for link in settled) != total:
            continue
        unit = Decimal(10) ** -int(books.currencies[base]["currencyprecision"])
        due = (total * Decimal(payment["exchangerate"])).quantize(unit, ROUND_HALF_UP)
        charge = books.charges.get(payment["custbody_stripe_charge_id"])
        is_as_billed = True
        for link in settled:
            invoice = books.transactions[link["previousdoc"]]
            is_as_billed &= books.lines[invoice["id"]][0]["subsidiary"] == base
            worth = Decimal(link["foreignamount"]) * Decimal(invoice["exchangerate"])
            due -= worth.quantize(unit, ROUND_HALF_UP)
            key = (charge or {}).get("payment_intent"), invoice["custbody_stripe_invoice_id"]
            is_as_billed &= charge is None or key in paid
        posted = -sum(Decimal(p["amount"]) for p in lines if p["account"] == "790")
        if is_as_billed and abs(due - posted) > len(settled) * unit:
            yield Row("REV-FX-01", "exchange_difference", payment_id, None)
