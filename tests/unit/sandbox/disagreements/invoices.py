"""Invoices: missing, doubled, differing in money, tax, lines, dates and state."""

from collections import defaultdict
from datetime import date, timedelta
from decimal import Decimal

from tests.unit.sandbox.books import Books, Clusters, instant
from tests.unit.sandbox.disagreements.common import (
    HOURS_BILLING,
    HOURS_SYNC,
    Row,
    billing_state,
    erp_invoices,
    finalized,
    local_day,
    whole,
)


def erp_state(books: Books, transaction) -> str:
    if transaction["voided"] == "T":
        return "void"
    unpaid = books.minor(transaction["foreignamountunpaid"], transaction["currency"])
    total = books.minor(transaction["foreigntotal"], transaction["currency"])
    assert (transaction["status"] == "B") == (unpaid == 0), transaction
    credited = books.credited[transaction["id"]]
    return "paid" if not unpaid else "open" if unpaid + credited == total else "partially_paid"


def invoice_state(invoice) -> str:
    if invoice["status"] == "open" and invoice["amount_paid"]:
        return "partially_paid"
    return {"uncollectible": "written_off"}.get(invoice["status"], invoice["status"])


def _signature(books: Books, transaction):
    sold = [line for line in books.lines[transaction["id"]] if line["item"]]
    names = ("item", "foreignamount", "custcol_rev_start", "custcol_rev_end")
    lines = tuple(sorted(tuple(line[name] for name in names) for line in sold))
    return transaction["entity"], transaction["currency"], transaction["foreigntotal"], lines


def invoices(books: Books, clusters: Clusters):
    copies, orphans = erp_invoices(books)
    live = defaultdict(list)
    missing = {}
    for invoice_id, invoice in books.invoices.items():
        found = sorted(copies[invoice_id], key=lambda t: (t["voided"] == "T", int(t["id"])))
        for extra in found[1:]:
            if extra["voided"] == "F":
                yield Row("INV-DUP-01", "", extra["id"], None)
        if found:
            live[_signature(books, found[0])].append(found[0])
            yield from _pair(books, invoice, found[0])
        elif finalized(invoice) and _is_overdue_for_posting(books, invoice):
            missing[invoice_id] = invoice
    copied = [o for o in orphans if _is_copy_of(o, live[_signature(books, o)])]
    for orphan in copied:
        yield Row("INV-DUP-01", "", orphan["id"], None)
    strange = [o for o in orphans if o not in copied and books.age(o["createddate"]) > HOURS_SYNC]
    yield from _lone_invoices(books, clusters, missing, strange)


def schedule(books: Books, clusters: Clusters):
    """Drafts that finalize themselves, numbers without a document, periods without an invoice."""
    for invoice in books.invoices.values():
        is_late = books.age(invoice["created"]) > timedelta(hours=3)
        if invoice["status"] == "draft" and invoice["auto_advance"] and is_late:
            yield Row("INV-SCHD-01", "", invoice["id"], None)
    numbers = {int(i["number"][4:]): i for i in books.invoices.values() if i["number"]}
    for number, invoice in numbers.items():
        is_old = books.age(invoice["status_transitions"]["finalized_at"]) > HOURS_BILLING
        if number > min(numbers) and number - 1 not in numbers and is_old:
            yield Row("INV-SCHD-01", "", invoice["id"], None)
    made: dict[str, int] = defaultdict(int)
    for invoice in books.invoices.values():
        subscription = invoice["parent"]["subscription_details"]["subscription"]
        made[subscription] = max(made[subscription], invoice["created"])
    for subscription_id, subscription in books.subscriptions.items():
        begun = min(
            (item["current_period_end"], item["current_period_start"])
            for item in subscription["items"]["data"]
        )[1]
        is_running = billing_state(subscription) in {"active", "past_due"}
        is_later = begun > subscription["start_date"] and books.age(begun) > HOURS_BILLING
        if is_running and is_later and 0 < made[subscription_id] < begun:
            yield Row("INV-SCHD-01", "", subscription_id, None)


def _lone_invoices(books: Books, clusters: Clusters, missing, strange):
    """An invoice of either side without the other is missing there, unless the two are one."""
    for orphan in strange:
        lost = [i for i in missing.values() if _is_same_invoice(books, clusters, i, orphan)]
        if len(lost) == 1:
            del missing[lost[0]["id"]]
            yield Row("CTL-XREF-01", "invoice_id", lost[0]["id"], orphan["id"])
        else:
            yield Row("INV-MISS-02", "", orphan["id"], None)
    for invoice_id in missing:
        yield Row("INV-MISS-01", "", invoice_id, None)


def _is_same_invoice(books: Books, clusters: Clusters, invoice, transaction) -> bool:
    """Customer and total (but for rounded tax) agree, and a number, a line or all service days."""
    if transaction["entity"] not in clusters.of("billing", invoice["customer"], "erp"):
        return False
    total = books.minor(transaction["foreigntotal"], transaction["currency"])
    sold = [line for line in books.lines[transaction["id"]] if line["item"]]
    lines = invoice["lines"]["data"]
    return abs(total - invoice["total"]) <= 5 and (
        transaction["tranid"] == invoice["number"]
        or not {line["custcol_stripe_line_id"] for line in sold}.isdisjoint(
            line["id"] for line in lines
        )
        or _service_begins_alike(sold, lines)
    )


def _service_begins_alike(sold, lines) -> bool:
    """On the same days but for the time zone of the selling company."""
    begins = [instant(line["period"]["start"]).date() for line in lines]
    return all(
        any(abs((date.fromisoformat(line["custcol_rev_start"]) - day).days) <= 1 for day in begins)
        for line in sold
        if line["custcol_rev_start"]
    )


def _is_overdue_for_posting(books: Books, invoice) -> bool:
    return books.age(invoice["status_transitions"]["finalized_at"]) > HOURS_SYNC


def _is_copy_of(orphan, twins) -> bool:
    day = date.fromisoformat(orphan["trandate"])
    days = (abs((date.fromisoformat(twin["trandate"]) - day).days) for twin in twins)
    return orphan["custbody_stripe_invoice_id"] is None and any(apart <= 3 for apart in days)


def _pair(books: Books, invoice, transaction):
    reached = invoice["status_transitions"]
    states = invoice_state(invoice), erp_state(books, transaction)
    erp_total = books.minor(transaction["foreigntotal"], transaction["currency"])
    items = [line for line in books.lines[transaction["id"]] if line["item"]]
    allowed = min(max(len(invoice["lines"]["data"]), len(items)), 5)
    is_old = books.age(reached["finalized_at"]) > HOURS_SYNC
    if is_old and states != ("void", "void") and abs(invoice["total"] - erp_total) > allowed:
        yield Row("INV-AMT-01", "total", invoice["id"], transaction["id"])
    if is_old and "void" not in states:
        yield from _taxes(books, invoice, transaction)
        yield from _dates(invoice, transaction)
        if abs(invoice["total"] - erp_total) <= allowed:
            yield from _lines(books, invoice, transaction, items)
    moved = transaction["custbody_status_changed_at"]
    if books.age(*reached.values(), moved) > HOURS_SYNC and states[0] != states[1]:
        yield Row("INV-STAT-01", "status", invoice["id"], transaction["id"])


COUNTRIES = {"US": "US", "UK": "GB", "DE": "DE", "JP": "JP"}


def _taxes(books: Books, invoice, transaction):
    """By country, where both charge tax on the same net: rounded line by line at most."""
    own = COUNTRIES[invoice["metadata"]["legal_entity"]]
    charged = sum(tax["amount"] for tax in invoice["total_taxes"])
    lines = books.lines[transaction["id"]]
    net = -sum(
        books.minor(line["foreignamount"], transaction["currency"])
        for line in lines
        if line["item"]
    )
    if net != invoice["total"] - charged:
        return
    allowed = max(len(invoice["lines"]["data"]), sum(1 for line in lines if line["item"]))
    taxes = [line for line in lines if line["taxline"] == "T"]
    entered = -sum(books.minor(line["foreignamount"], transaction["currency"]) for line in taxes)
    if abs(charged - entered) > allowed:
        yield Row("TAX-AMT-01", f"tax:{own}", invoice["id"], transaction["id"])
    for code in {line["taxcode"] for line in taxes}:
        rated = net * Decimal(books.tax_codes[code]["rate"]) / 100
        is_abroad = books.tax_codes[code]["country"] != own
        if charged and (is_abroad or abs(charged - whole(rated)) > allowed):
            yield Row("TAX-CODE-01", f"tax_code:{own}", invoice["id"], transaction["id"])


def _dates(invoice, transaction):
    said = {
        "number": (invoice["number"], transaction["tranid"]),
        "invoice_date": (
            local_day(invoice["status_transitions"]["finalized_at"], invoice),
            transaction["trandate"],
        ),
    }
    if invoice["due_date"]:
        said["due_date"] = (local_day(invoice["due_date"], invoice), transaction["duedate"])
    for name, (billing, erp) in said.items():
        if billing != erp:
            yield Row("INV-DATE-01", name, invoice["id"], transaction["id"])


def _billed(books: Books, invoice):
    """Each line by its id: what it sells, how much of it, for how much, first and last day."""
    for line in invoice["lines"]["data"]:
        product = books.products[line["pricing"]["price_details"]["product"]]
        first, after = (local_day(line["period"][end], invoice) for end in ("start", "end"))
        last = (date.fromisoformat(after) - timedelta(days=1)).isoformat()
        net = line["amount"] - sum(each["amount"] for each in line["discount_amounts"])
        said = product["metadata"]["sku"], line["quantity"], net, first, max(first, last)
        yield line["id"], said


def _posted(books: Books, transaction, items):
    for line in items:
        sku = books.items[line["item"]]["itemid"]
        amount = -books.minor(line["foreignamount"], transaction["currency"])
        days = line["custcol_rev_start"], line["custcol_rev_end"]
        name = f"{transaction['id']}-{line['id']}"
        yield name, line["custcol_stripe_line_id"], (sku, int(line["quantity"]), amount, *days)


LINE_ATTRIBUTES = ("product_code", "quantity", "amount", "service_start_date", "service_end_date")


def _lines(books: Books, invoice, transaction, items):
    left = dict(_billed(books, invoice))
    unnamed = []
    for name, source, said in sorted(_posted(books, transaction, items)):
        if source not in left:
            unnamed.append((name, said))
            continue
        for attribute, billed, posted in zip(LINE_ATTRIBUTES, left.pop(source), said, strict=True):
            tolerance = 1 if attribute == "amount" else 0
            is_equal = billed == posted or (tolerance and abs(billed - posted) <= tolerance)
            if not is_equal:
                yield Row("INV-LINE-01", attribute, source, name)
    for name, said in unnamed:
        same = [source for source, billed in left.items() if _same_line(billed, said)]
        if same:
            del left[same[0]]
        elif said[2]:
            yield Row("INV-LINE-01", "", name, None)
    yield from (Row("INV-LINE-01", "", source, None) for source, said in left.items() if said[2])


def _same_line(billed, posted) -> bool:
    """All but the quantity."""
    return (billed[0], *billed[2:]) == (posted[0], *posted[2:])
