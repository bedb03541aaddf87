"""The legitimate cases that look like drift, and how many of each a store holds."""

from collections import Counter, defaultdict
from decimal import Decimal
from itertools import pairwise

from tests.unit.sandbox.books import Books, Clusters, country_of, instant
from tests.unit.sandbox.disagreements import (
    HOURS_BILLING,
    HOURS_SYNC,
    billing_state,
    erp_state,
    invoice_state,
)


def near_misses(store) -> Counter:
    books = Books(store)
    found: Counter = Counter()
    for count in (
        _customers, _invoices, _in_flight, _contracts, _paper, _items, _subscriptions, _payments,
        _ledger,
    ):  # fmt: skip
        found.update(count(books, store))
    return found


def _customers(books: Books, _store):
    clusters = Clusters(books)
    for customer_id, customer in books.customers.items():
        accounts = clusters.of("billing", customer_id, "crm")
        if customer["metadata"]["channel"] == "self_serve":
            assert not accounts
            yield "self-serve customer without CRM account"
        for account in accounts:
            if books.accounts[account]["Name"] != customer["name"]:
                yield "name written otherwise in billing"
        for erp in clusters.of("billing", customer_id, "erp"):
            name = books.erp_customers[erp]["companyname"]
            if name != customer["name"]:
                yield "name written otherwise in the ERP"
            if any(ord(char) > 0xFF00 for char in name):
                yield "name of other width"
    for root in {clusters.root("crm", account) for account in books.accounts}:
        members = clusters.members[root]
        assert len(members["crm"]) == 1
        assert len(members["erp"]) <= 1
        currencies = {books.customers[c]["currency"] for c in members["billing"]}
        if len(currencies) > 1:
            yield "two billing customers of one company"
    parents = {a["ParentId"] for a in books.accounts.values()} - {None}
    yield from ("parent account" for _ in parents)
    kinds = Counter(account["Type"] for account in books.accounts.values())
    yield from ("prospect" for _ in range(kinds["Prospect"]))
    assert {country_of("crm", a) for a in books.accounts.values()} == {"US", "GB", "DE", "JP"}


def _copies(books: Books):
    copies = defaultdict(list)
    for transaction in books.transactions.values():
        if transaction["type"] == "CustInvc":
            copies[transaction["custbody_stripe_invoice_id"]].append(transaction)
    return copies


def _invoices(books: Books, _store):
    copies = _copies(books)
    for invoice_id, invoice in books.invoices.items():
        posted = copies[invoice_id]
        if invoice["total"] == 0:
            yield "zero-total invoice"
        if invoice["status"] == "draft":
            yield "draft invoice"
        if invoice["status"] == "void":
            yield "void in both" if posted else "void before it was posted"
        yield from _posted(books, invoice, posted)
        if invoice["currency"] == "jpy":
            yield "invoice in yen"
        if len(invoice["lines"]["data"]) > 10:
            yield "more than ten lines"
        if invoice_state(invoice) == "partially_paid":
            yield "paid in part"
    yield from ("manual ERP invoice" for t in copies[None] if t["customform"] == "manual services")
    yield from _equal_amounts(books, copies)


def _posted(books: Books, invoice, posted):
    """What is special about the ERP's copies of one billing invoice."""
    live = [copy for copy in posted if copy["voided"] == "F"]
    if len(posted) > 1:
        assert len(live) == 1
        yield "voided and posted again"
    totals = {books.minor(copy["foreigntotal"], copy["currency"]) for copy in live}
    if totals - {invoice["total"]}:
        yield "ERP tax rounded by line"


def _equal_amounts(books: Books, copies):
    """ERP invoices of one customer with equal amounts in one week for different billing ids."""
    days = defaultdict(list)
    for source, posted in copies.items():
        for copy in posted if source else []:
            key = copy["entity"], copy["foreigntotal"]
            days[key].append(instant(copy["trandate"]))
    for dates in days.values():
        ordered = sorted(dates)
        for earlier, later in pairwise(ordered):
            if 0 < (later - earlier).days < 7:
                yield "equal amounts in one week"


def _in_flight(books: Books, _store):
    copies = _copies(books)
    charges = {t["custbody_stripe_charge_id"] for t in books.transactions.values()}
    for invoice_id, invoice in books.invoices.items():
        at = invoice["status_transitions"]["finalized_at"]
        is_due = invoice["status"] in {"open", "paid"} and invoice["total"]
        if is_due and not copies[invoice_id]:
            assert books.age(at) < HOURS_SYNC
            yield "invoice in flight"
        live = [copy for copy in copies[invoice_id] if copy["voided"] == "F"]
        if live and invoice_state(invoice) == "paid" and erp_state(books, live[0]) == "open":
            yield "payment of a posted invoice in flight"
    for charge_id, charge in books.charges.items():
        if charge["status"] == "succeeded" and charge_id not in charges:
            assert books.age(charge["created"]) < HOURS_SYNC
            yield "payment in flight"
    for copy in books.crm_subscriptions:
        subscription = books.subscriptions[copy["Stripe_Subscription_Id__c"]]
        if copy["Status__c"].lower().replace(" ", "_") != billing_state(subscription):
            yield "CRM status copy in flight"


def _contracts(books: Books, _store):
    linked = {s["metadata"].get("crm_contract_id") for s in books.subscriptions.values()}
    prices = defaultdict(list)
    for line in books.contract_lines:
        prices[line["Contract__c"]].append(Decimal(line["Unit_Price__c"]))
    for contract_id, contract in books.contracts.items():
        if contract["Renews_Contract__c"]:
            yield "renewed by a new contract"
        if contract_id in linked or contract["Status"] in {"Expired", "Cancelled"}:
            continue
        if (contract["Renews_Contract__c"] or "-") in linked:
            yield "new contract that has not begun"
            continue
        assert books.opportunities[contract["Opportunity__c"]]["IsWon"]
        days_ahead = (instant(contract["StartDate"]) - books.now).days
        if contract["Status"] == "Draft":
            yield "won but draft contract"
        elif not any(prices[contract_id]):
            yield "zero-price contract"
        elif days_ahead > 7:
            yield "contract that starts later"
        elif books.age(contract["ActivatedDate"]) < HOURS_BILLING:
            yield "contract in flight to billing"
    statuses = Counter(contract["Status"] for contract in books.contracts.values())
    yield from ("contract at its end" for _ in range(statuses["Expired"] + statuses["Cancelled"]))


def _paper(books: Books, store):
    """What is special about lines, their history, and what billing plans for them."""
    for line in books.contract_lines:
        if line["Pricing_Model__c"] == "Graduated":
            yield "sold by tiers"
        if line["Co_Termed__c"]:
            yield "co-termed add-on"
        whole = books.contracts[line["Contract__c"]]
        if line["Start_Date__c"] > whole["StartDate"] and not line["Co_Termed__c"]:
            yield "step of a ramp"
    saves = defaultdict(set)
    for change in store.rows("salesforce", "Contract_Line__History"):
        saves[change["ParentId"], change["CreatedDate"]].add(change["Field"])
    yield from (
        "edit that nobody signed" for fields in saves.values() if fields == {"Unit_Price__c"}
    )
    for schedule in store.rows("stripe", "subscription_schedule"):
        items = books.subscriptions.get(schedule["subscription"], {"items": {"data": []}})
        billed = sorted((i["price"]["id"], i["quantity"]) for i in items["items"]["data"])
        for phase in schedule["phases"]:
            is_now = schedule["current_phase"] == {
                name: phase[name] for name in ("start_date", "end_date")
            }
            if is_now:
                planned = sorted((i["price"], i["quantity"]) for i in phase["items"])
                assert planned == billed
                yield "phase that runs"
    yield from ("parent in the ERP" for c in books.erp_customers.values() if c["parent"])


def _items(books: Books, _store):
    lines = {line["Id"]: line for line in books.contract_lines}
    for subscription in books.subscriptions.values():
        items = defaultdict(list)
        if subscription["status"] != "canceled" and "crm_contract_id" in subscription["metadata"]:
            for item in subscription["items"]["data"]:
                items[item["metadata"]["crm_contract_line_id"]].append(item)
        for line_id, parts in items.items():
            yield from _line(lines[line_id], parts)


def _line(line, items):
    """What is special about one contract line and the items that bill it."""
    first = items[0]
    is_monthly = first["price"]["recurring"]["interval"] == "month"
    if line["Price_Period__c"] == "Year" and is_monthly:
        yield "priced per year, billed monthly"
        if first["price"]["unit_amount"] is None:
            yield "fraction of a minor unit"
    if first["created"] < instant(line["Effective_At__c"]).timestamp() - 86400:
        yield "amended mid-term"
    if len(items) > 1:
        yield "line split over two items"
    if int(Decimal(line["Quantity__c"])) != sum(item["quantity"] for item in items):
        yield "amendment in flight"


def _subscriptions(books: Books, _store):
    for subscription in books.subscriptions.values():
        if subscription["status"] == "active" and subscription["cancel_at_period_end"]:
            yield "cancelled at period end, still active"
        yield f"subscription {billing_state(subscription)}"


def _payments(books: Books, store):
    yield from (f"charge {charge['status']}" for charge in books.charges.values())
    failed = {c["payment_intent"] for c in books.charges.values() if c["status"] == "failed"}
    for payment in books.invoice_payments:
        if payment["payment"]["type"] == "payment_record":
            yield "wire"
        elif payment["payment"]["payment_intent"] in failed:
            yield "paid after a failure"
    for payment in store.rows("netsuite", "transaction", type="CustPymt"):
        if payment["custbody_stripe_charge_id"] is None:
            yield "ERP payment without charge"
    yield from ("paid back" for _ in books.refunds)
    yield from (f"payout {payout['status']}" for payout in books.payouts.values())


def _ledger(books: Books, store):
    rounding = store.rows("netsuite", "account", acctnumber="7990")[0]["id"]
    base = {"1": "1", "2": "2", "3": "3", "4": "4"}
    for transaction_id, transaction in books.transactions.items():
        kind = "journal" if transaction["type"] == "Journal" else "document"
        for posting in books.postings[transaction_id]:
            if posting["accountingbook"] != "1":
                yield "second accounting book"
            if posting["posting"] == "F" and kind == "journal":
                yield "line that does not post"
            if posting["account"] == rounding:
                yield f"rounding line of a {kind}"
        subsidiary = books.lines[transaction_id][0]["subsidiary"]
        if transaction["currency"] != base[subsidiary]:
            yield "other currency than the books"
        closed_at = books.closed_at.get(transaction["postingperiod"], books.now)
        for note in books.notes.get(transaction_id, ()):
            what = note["field"].partition(".")[2]
            when = "after" if instant(note["date"]) > closed_at else "before"
            who = "the integration" if note["name"] == "1201" else "people"
            run = "a run" if transaction["tranid"].startswith("JE-REV-") else "their own"
            yield f"{what} of {run} changed by {who} {when} the close"


EXPECTED = {
    "self-serve customer without CRM account", "name written otherwise in billing",
    "name written otherwise in the ERP", "name of other width", "prospect", "parent account",
    "two billing customers of one company", "zero-total invoice", "draft invoice", "void in both",
    "void before it was posted", "voided and posted again", "ERP tax rounded by line",
    "invoice in yen", "more than ten lines", "paid in part", "manual ERP invoice",
    "equal amounts in one week", "invoice in flight", "payment in flight",
    "payment of a posted invoice in flight", "CRM status copy in flight", "won but draft contract",
    "zero-price contract", "contract that starts later", "contract in flight to billing",
    "contract at its end", "priced per year, billed monthly", "fraction of a minor unit",
    "amended mid-term", "line split over two items", "amendment in flight",
    "cancelled at period end, still active", "subscription active", "subscription trial",
    "subscription past_due", "subscription paused", "subscription cancelled", "charge succeeded",
    "charge pending", "charge failed", "wire", "paid after a failure",
    "ERP payment without charge", "paid back", "payout in_transit", "second accounting book", "line that does not post",
    "rounding line of a journal", "rounding line of a document", "other currency than the books",
    "renewed by a new contract", "co-termed add-on", "step of a ramp", "phase that runs",
    "edit that nobody signed", "parent in the ERP", "sold by tiers",
    "MAMOUNT of a run changed by the integration before the close",
    "MAMOUNT of a run changed by people before the close",
    "MAMOUNT of their own changed by people before the close",
    "SMEMO of a run changed by people before the close",
    "SMEMO of their own changed by people after the close",
}  # fmt: skip
