"""Payments: missing, doubled, differing, misapplied, returned."""

from collections import Counter, defaultdict
from datetime import date, timedelta

from tests.unit.sandbox.books import Books, Clusters, group
from tests.unit.sandbox.disagreements.common import HOURS_SYNC, Row, finalized


def recorded_payments(books: Books, clusters: Clusters):
    known = defaultdict(list)
    for payment in sorted(books.transactions.values(), key=lambda t: int(t["id"])):
        if payment["type"] == "CustPymt" and payment["voided"] == "F":
            known[payment["custbody_stripe_charge_id"]].append(payment)
    for charge_id, charge in books.charges.items():
        is_old = books.age(charge["created"]) > HOURS_SYNC
        for extra in known[charge_id][1:]:
            yield Row("PAY-DUP-01", "", extra["id"], None)
        if not known[charge_id]:
            if charge["status"] == "succeeded" and is_old:
                yield Row("PAY-MISS-01", "", charge_id, None)
            continue
        first = known[charge_id][0]
        if charge["status"] == "failed":
            yield Row("PAY-RET-01", "", charge_id, first["id"])
        elif is_old and books.minor(first["foreigntotal"], first["currency"]) != charge["amount"]:
            yield Row("PAY-AMT-01", "amount", charge_id, first["id"])
    yield from _entered_again(books, known)
    yield from _charged_again(books)


def _entered_again(books: Books, known):
    """Payments without charge and invoice that say what a payment of a charge says."""
    applied = {link["nextdoc"] for link in books.links}
    collected = [p for charge in books.charges for p in known[charge]]
    for payment in known[None]:
        if payment["id"] not in applied and any(
            _is_payment_again(payment, other) for other in collected
        ):
            yield Row("PAY-DUP-01", "", payment["id"], None)


def _is_payment_again(payment, other) -> bool:
    says = ("entity", "currency", "foreigntotal")
    days = [date.fromisoformat(p["trandate"]) for p in (payment, other)]
    return all(payment[n] == other[n] for n in says) and abs((days[0] - days[1]).days) <= 2


def _charged_again(books: Books):
    """Charges of one invoice, in order, beyond its total."""
    intents = group(
        (c for c in books.charges.values() if c["status"] == "succeeded"), "payment_intent"
    )
    paid = defaultdict(list)
    for settled in books.invoice_payments:
        for charge in intents[settled["payment"].get("payment_intent")]:
            paid[settled["invoice"]].append((settled["status_transitions"]["paid_at"], charge))
    for invoice, charges in paid.items():
        left = books.invoices[invoice]["total"]
        for number, (_, charge) in enumerate(sorted(charges, key=lambda each: each[0])):
            left -= charge["amount"] - charge["amount_refunded"]
            if number and left < 0:
                yield Row("PAY-DUP-01", "", charge["id"], None)


def payments_applied(books: Books, clusters: Clusters):
    """What charges and wires pay in the ERP, against what they could."""
    applied = defaultdict(dict)
    for link in books.links:
        payment, invoice = (books.transactions.get(link[end]) for end in ("nextdoc", "previousdoc"))
        if payment and payment["type"] == "CustPymt" and invoice and invoice["type"] == "CustInvc":
            amount = books.minor(link["foreignamount"], invoice["currency"])
            applied[payment["id"]][invoice["id"]] = amount
    payments = [t for t in books.transactions.values() if t["type"] == "CustPymt"]
    payments.sort(key=lambda payment: int(payment["id"]))
    yield from _charges_applied(books, payments, applied)
    yield from _untold(books, payments, applied)
    again = {row.owner_id for row in recorded_payments(books, clusters) if row.code == "PAY-DUP-01"}
    known = {t["custbody_stripe_invoice_id"] for t in books.transactions.values()}
    missing = [i for i in books.invoices.values() if finalized(i) and i["id"] not in known]
    for payment in payments:
        left = _unapplied(books, payment, applied)
        is_ours = payment["custbody_stripe_charge_id"] is None and payment["id"] not in again
        if is_ours and any(
            _fits(books, payment, left, invoice) for invoice in books.transactions.values()
        ):
            waits = [i for i in missing if i["total"] == left]
            of = clusters.of("erp", payment["entity"], "billing")
            if not any(i["customer"] in of for i in waits):
                yield Row("PAY-APPL-01", "application", payment["id"], None)


def _untold(books: Books, payments, applied):
    """What wires pay in the ERP of invoices that billing asks for, beyond what it noted of wires."""
    told: Counter = Counter()
    for settled in books.invoice_payments:
        if settled["payment"]["type"] == "payment_record" and settled["status"] == "paid":
            told[settled["invoice"]] += settled["amount_paid"]
    for payment in payments:
        if payment["custbody_stripe_charge_id"] is not None or payment["voided"] == "T":
            continue
        for document, amount in applied[payment["id"]].items():
            invoice = books.invoices.get(books.transactions[document]["custbody_stripe_invoice_id"])
            if invoice is None or invoice["status"] != "open":
                continue
            told[invoice["id"]] -= amount
            if told[invoice["id"]] < 0 and books.age(payment["trandate"]) > timedelta(days=4):
                yield Row("PAY-OOB-01", "", payment["id"], invoice["id"])


def _unapplied(books: Books, payment, applied) -> int:
    total = books.minor(payment["foreigntotal"], payment["currency"])
    return total - sum(applied[payment["id"]].values())


def _fits(books: Books, payment, left: int, invoice) -> bool:
    """Whether an open invoice, up to 90 days old then, asks for what is left of a payment."""
    is_it = all(payment[name] == invoice[name] for name in ("entity", "currency"))
    if invoice["type"] != "CustInvc" or not is_it or invoice["voided"] == "T" or not left:
        return False
    days = [date.fromisoformat(each["trandate"]) for each in (invoice, payment)]
    asks = books.minor(invoice["foreignamountunpaid"], invoice["currency"])
    is_known = invoice["custbody_stripe_invoice_id"] in books.invoices
    return asks == left and is_known and 0 <= (days[1] - days[0]).days <= 90


def _charges_applied(books: Books, payments, applied):
    first, standing = {}, {}
    for payment in payments:
        first.setdefault(payment["custbody_stripe_charge_id"], payment)
    for invoice in sorted(books.transactions.values(), key=lambda t: int(t["id"])):
        if invoice["type"] == "CustInvc" and invoice["voided"] == "F":
            standing.setdefault(invoice["custbody_stripe_invoice_id"], invoice)
    charges = {c["payment_intent"]: c for c in books.charges.values() if c["status"] == "succeeded"}
    for settled in books.invoice_payments:
        charge = charges.get(settled["payment"].get("payment_intent"))
        payment = first.get(charge["id"]) if charge else None
        invoice = standing.get(settled["invoice"])
        if payment is None or invoice is None:
            continue
        found = applied[payment["id"]]
        lacks = settled["amount_paid"] - found.get(invoice["id"], 0)
        due = books.minor(invoice["foreignamountunpaid"], invoice["currency"])
        is_elsewhere = bool(found) and invoice["id"] not in found
        is_late = books.age(settled["status_transitions"]["paid_at"]) > timedelta(days=3)
        if is_late and (is_elsewhere or min(lacks, _unapplied(books, payment, applied), due) > 0):
            yield Row("PAY-APPL-01", "application", charge["id"], payment["id"])
