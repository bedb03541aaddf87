"""A second opinion: all disagreements of the three systems, by plain comparison over the store.

Written from the definitions of the drift codes, sharing nothing with the product or the planters.
"""

import json
import re
import unicodedata
from collections import Counter, defaultdict
from datetime import date, timedelta
from decimal import ROUND_HALF_UP, Decimal
from typing import NamedTuple
from zoneinfo import ZoneInfo

from tests.unit.sandbox.books import (
    Books,
    Clusters,
    country_of,
    group,
    instant,
    tax_id_of,
)

HOURS_SYNC = timedelta(hours=6)
HOURS_BILLING = timedelta(hours=48)
STATUS = {
    "trialing": "trial",
    "active": "active",
    "past_due": "past_due",
    "unpaid": "past_due",
    "canceled": "cancelled",
}


class Row(NamedTuple):
    code: str
    attribute: str
    owner_id: str
    replica_id: str | None


def disagreements(store) -> set[Row]:
    books = Books(store)
    clusters = Clusters(books)
    found: set[Row] = set()
    for check in (
        _customers, _links, _duplicates, _attributes, _contracts, _contract_lines, _papers, _billed_twice, _terms, _list_prices, _products, _item_accounts, _subscriptions, _invoices, _schedule, _credits, _applications,
        _payments, _payments_applied, _refunds, _disputes, _payouts, _clearing, _journals, _controls,
        _unposted, _unrecognised, _journals_twice, _periods, _accounts, _plans, _lone_plans,
    ):  # fmt: skip
        found |= set(check(books, clusters))
    return found


def plain_name(name) -> str:
    wide = unicodedata.normalize("NFKC", name).casefold()
    return re.sub(r"[^\w]|_", "", wide)


def _finalized(invoice) -> bool:
    return invoice["status"] in {"open", "paid", "uncollectible"} and invoice["total"] != 0


def _customers(books: Books, clusters: Clusters):
    documents = defaultdict(list)
    for invoice in books.invoices.values():
        if _finalized(invoice):
            documents[invoice["customer"]].append(invoice["status_transitions"]["finalized_at"])
    for charge in books.charges.values():
        if charge["status"] == "succeeded":
            documents[charge["customer"]].append(charge["created"])
    for customer_id, customer in books.customers.items():
        accounts = clusters.of("billing", customer_id, "crm")
        is_old = books.age(customer["created"]) > HOURS_SYNC
        pairs = [(("billing", customer_id), ("crm", a)) for a in accounts]
        is_linked = any(p in clusters.linked or p[::-1] in clusters.linked for p in pairs)
        if customer["metadata"]["channel"] != "self_serve" and is_old and not is_linked:
            yield Row("CUS-MISS-01", "", customer_id, accounts[0] if accounts else None)
        first = min(documents[customer_id], default=None)
        has_erp = clusters.of("billing", customer_id, "erp")
        if first and not has_erp and books.age(first) > HOURS_SYNC:
            yield Row("CUS-MISS-02", "", customer_id, None)


COPIES = {
    ("crm", "billing"): lambda account: account["Stripe_Customer_Id__c"],
    ("crm", "erp"): lambda account: account["NetSuite_Customer_Id__c"],
    ("billing", "crm"): lambda customer: customer["metadata"].get("crm_account_id"),
    ("billing", "erp"): lambda customer: customer["metadata"].get("netsuite_customer_id"),
    ("erp", "crm"): lambda erp: erp["custentity_sfdc_id"],
    ("erp", "billing"): lambda erp: erp["custentity_stripe_id"],
}
REFERENCE = {"crm": "crm_account_ref", "billing": "billing_customer_ref", "erp": "erp_customer_ref"}


def _links(books: Books, clusters: Clusters):
    rows = {"crm": books.accounts, "billing": books.customers, "erp": books.erp_customers}
    for (kind, other), copy_of in COPIES.items():
        back = COPIES[other, kind]
        for row_id, row in rows[kind].items():
            named = copy_of(row)
            naming = [o for o in clusters.of(kind, row_id, other) if back(rows[other][o]) == row_id]
            all_of = clusters.of(kind, row_id, other)
            right = naming or (all_of if len(all_of) == 1 else [])
            is_wrong = any(w == (kind, row_id, other, named) for w in clusters.wrong)
            if len(right) != 1:
                continue
            age = books.age(_made(row), _made(rows[other][right[0]]))
            if is_wrong or (named is None and naming and age > HOURS_SYNC):
                yield Row("CUS-LINK-01", REFERENCE[other], right[0], row_id)


def _made(row):
    return row.get("created") or row.get("CreatedDate") or row["datecreated"]


def _duplicates(books: Books, clusters: Clusters):
    """In the CRM, per legal entity in the ERP, and per currency and legal entity in billing."""
    places = {
        "crm": lambda _: "",
        "billing": lambda c: (c["currency"], c["metadata"].get("legal_entity")),
        "erp": lambda e: e["subsidiary"],
    }
    rows = {"crm": books.accounts, "billing": books.customers, "erp": books.erp_customers}
    for members in clusters.members.values():
        for kind, place_of in places.items():
            for same in group(
                [{"id": i, "at": place_of(rows[kind][i])} for i in members[kind]], "at"
            ).values():
                ordered = sorted(same, key=lambda each: (_made(rows[kind][each["id"]]), each["id"]))
                for extra in ordered[1:]:
                    yield Row("CUS-DUP-01", "", ordered[0]["id"], extra["id"])


def _attributes(books: Books, clusters: Clusters):
    for customer_id, customer in books.customers.items():
        crm = [books.accounts[a] for a in clusters.of("billing", customer_id, "crm")]
        erp = [books.erp_customers[e] for e in clusters.of("billing", customer_id, "erp")]
        seen = max(customer["created"], books.last_event.get(customer_id, 0))
        for kind, others in (("crm", crm), ("erp", erp)):
            for other in others:
                other_id = other["Id"] if kind == "crm" else other["id"]
                if books.age(seen) > HOURS_SYNC:
                    for name in _differing_from_billing(customer, kind, other):
                        yield Row("CUS-ATTR-01", name, customer_id, other_id)
        for account in crm:
            is_same = plain_name(account["Name"]) == plain_name(customer["name"])
            if books.age(account["LastModifiedDate"]) > HOURS_SYNC and not is_same:
                yield Row("CUS-ATTR-01", "legal_name", account["Id"], customer_id)
            for other in erp:
                yield from _crm_and_erp(books, account, other)


def _differing_from_billing(customer, kind, other):
    if tax_id_of("billing", customer) not in {None, tax_id_of(kind, other)}:
        yield "tax_id"
    mail = other["Invoice_Email__c" if kind == "crm" else "email"]
    if customer["email"].lower() != (mail or "").lower():
        yield "invoice_email"
    if customer["address"]["country"] != country_of(kind, other):
        yield "country_code"


def _crm_and_erp(books: Books, account, erp):
    is_same = plain_name(account["Name"]) == plain_name(erp["companyname"])
    if books.age(account["LastModifiedDate"]) > HOURS_SYNC and not is_same:
        yield Row("CUS-ATTR-01", "legal_name", account["Id"], erp["id"])
    days = int(books.terms[erp["terms"]]["daysuntilnetdue"])
    told = int(re.search(r"\d+", account["Payment_Terms__c"]).group())
    if books.age(erp["lastmodifieddate"]) > HOURS_SYNC and days != told:
        yield Row("CUS-ATTR-01", "payment_terms_days", erp["id"], account["Id"])


def _unit_mrr(price: Decimal, months: int, percents) -> Decimal:
    for percent in percents:
        price = price * (100 - Decimal(percent)) / 100
    return price / months


def _contracts(books: Books, clusters: Clusters):
    linked = {s["metadata"].get("crm_contract_id") for s in books.subscriptions.values()}
    worth = defaultdict(Decimal)
    for line in books.contract_lines:
        worth[line["Contract__c"]] += Decimal(line["Quantity__c"]) * Decimal(line["Unit_Price__c"])
    for contract_id, contract in books.contracts.items():
        won = books.opportunities[contract["Opportunity__c"]]
        if (contract["Renews_Contract__c"] or "-") in linked:
            continue
        if contract_id in linked or contract["Status"] != "Activated" or not won["IsWon"]:
            continue
        starts = instant(contract["StartDate"]) - timedelta(days=7)
        age = min(books.age(contract["ActivatedDate"], won["CloseDate"]), books.now - starts)
        if worth[contract_id] and age > HOURS_BILLING:
            yield Row("CON-MISS-01", "", contract_id, None)


def _contract_lines(books: Books, clusters: Clusters):
    lines = group(books.contract_lines, "Contract__c")
    for subscription_id, subscription in books.subscriptions.items():
        contract_id = subscription["metadata"].get("crm_contract_id")
        if contract_id is None or subscription["status"] == "canceled":
            continue
        items = defaultdict(list)
        for item in subscription["items"]["data"]:
            product = books.products[item["price"]["product"]]
            items[product["metadata"]["sku"]].append(item)
        for line in lines[contract_id]:
            sku = books.crm_products[line["Product__c"]]["ProductCode"]
            # of a contract with several subscriptions one may bill it, another not
            if sku not in items or not _is_in_force(books, line):
                continue
            quantity = int(Decimal(line["Quantity__c"]))
            digits = 0 if line["CurrencyIsoCode"] == "JPY" else 2
            months = 12 if line["Price_Period__c"] == "Year" else 1
            price = Decimal(line["Unit_Price__c"]).scaleb(digits)
            if line["Pricing_Model__c"]:
                yield from _tiered(books, line, quantity, items[sku], subscription_id)
                continue
            signed = _unit_mrr(price, months, [line["Discount_Percent__c"]])
            billed_quantity = sum(item["quantity"] for item in items[sku])
            if billed_quantity != quantity:
                yield Row("SUB-QTY-01", f"quantity:{sku}", contract_id, subscription_id)
            billed = sum(_item_mrr(item) * item["quantity"] for item in items[sku])
            difference = _whole(signed * quantity) - _whole(billed / billed_quantity * quantity)
            if _is_other_basis(signed, billed / billed_quantity, quantity):
                yield Row("PRD-BAS-01", f"unit_mrr:{sku}", contract_id, subscription_id)
            if abs(difference) > max(len(items[sku]), 1):
                name = f"mrr_at_contract_quantity:{sku}"
                yield Row("CON-AMT-01", name, contract_id, subscription_id)


def _is_in_force(books: Books, line) -> bool:
    """Whether a line is served today, and billing has had the time to follow it."""
    today = books.now.date().isoformat()
    is_served = line["Start_Date__c"] <= today <= line["End_Date__c"]
    return is_served and books.age(line["Effective_At__c"], line["Start_Date__c"]) > HOURS_BILLING


def _papers(books: Books, clusters: Clusters):
    """Live paid subscriptions that were not bought on the web, and the signed contract of each."""
    for subscription_id, subscription in books.subscriptions.items():
        contract = books.contracts.get(subscription["metadata"].get("crm_contract_id"))
        is_signed = (
            contract is not None
            and contract["Status"] != "Draft"
            and books.opportunities[contract["Opportunity__c"]]["IsWon"]
        )
        is_sold = subscription["metadata"]["channel"] != "self_serve"
        is_old = books.age(subscription["created"]) > HOURS_SYNC
        if is_sold and _bills(subscription) and is_old and not is_signed:
            yield Row("CON-MISS-02", "", subscription_id, None)


def _bills(subscription) -> bool:
    return billing_state(subscription) in {"active", "past_due"} and any(
        Decimal(item["price"]["unit_amount_decimal"] or 1) for item in subscription["items"]["data"]
    )


def _billed_twice(books: Books, clusters: Clusters):
    units = {line["Id"]: int(Decimal(line["Quantity__c"])) for line in books.contract_lines}
    billing = defaultdict(list)
    for subscription in books.subscriptions.values():
        if _bills(subscription) and not subscription["cancel_at_period_end"]:
            for item in subscription["items"]["data"]:
                billing[item["metadata"].get("crm_contract_line_id")].append(item)
    for line_id in billing.keys() & units.keys():
        first, *others = sorted(billing[line_id], key=lambda i: (i["created"], i["id"]))
        seen = [first["quantity"]]
        for item in others:
            repeats = item["quantity"] in {*seen, units[line_id]}
            if repeats and sum(seen) >= units[line_id]:
                yield Row("SUB-DUP-01", "", first["id"], item["id"])
            seen.append(item["quantity"])


ZONE = {"US": "America/New_York", "UK": "Europe/London", "DE": "Europe/Berlin", "JP": "Asia/Tokyo"}


def _terms(books: Books, clusters: Clusters):
    """What contracts and the subscriptions that run for them both say."""
    begun = {}
    for subscription in sorted(books.subscriptions.values(), key=lambda s: s["start_date"]):
        begun.setdefault(subscription["metadata"].get("crm_contract_id"), subscription)
    for subscription_id, subscription in books.subscriptions.items():
        contract = books.contracts.get(subscription["metadata"].get("crm_contract_id"))
        if (
            contract is None
            or contract["Status"] != "Activated"
            or not _is_first(books, subscription)
        ):
            continue
        is_won = books.opportunities[contract["Opportunity__c"]]["IsWon"]
        age = books.age(contract["ActivatedDate"])
        if subscription["status"] == "canceled" or not is_won or age <= HOURS_BILLING:
            continue
        plan = books.schedules.get(subscription.get("schedule") or "")
        for name in _differing_terms(contract, subscription, begun[contract["Id"]], plan):
            yield Row("CON-TERM-01", name, contract["Id"], subscription_id)


def _is_first(books: Books, subscription) -> bool:
    """Of several live subscriptions of one contract the first executes it."""
    contract_id = subscription["metadata"]["crm_contract_id"]
    same = [
        s
        for s in books.subscriptions.values()
        if s["metadata"].get("crm_contract_id") == contract_id
    ]
    return subscription == min(same, key=lambda s: (s["status"] == "canceled", s["start_date"]))


def _differing_terms(contract, subscription, first, plan):
    metadata = subscription["metadata"]
    if contract["CurrencyIsoCode"].lower() != subscription["currency"]:
        yield "currency"
    if contract["Legal_Entity__c"] != metadata["legal_entity"]:
        yield "legal_entity"
    spans = {item["price"]["recurring"]["interval"] for item in subscription["items"]["data"]}
    if spans != {{"Annual": "year", "Monthly": "month"}[contract["Billing_Frequency__c"]]}:
        yield "billing_frequency"
    zone = ZoneInfo(ZONE[metadata["legal_entity"]])
    charged = instant(max(first["start_date"], first["trial_end"] or 0)).astimezone(zone)
    is_renewal = contract.get("Renews_Contract__c")
    if not is_renewal and contract["StartDate"] != charged.date().isoformat():
        yield "start_date"
    if subscription["cancel_at_period_end"]:
        return
    if plan and plan["status"] == "active":
        last = instant(plan["phases"][-1]["end_date"]).astimezone(zone).date() - timedelta(days=1)
        if contract["EndDate"] != last.isoformat():
            yield "end_date"
    goes_on = plan is None or plan["end_behavior"] == "release"
    if contract["Auto_Renew__c"] != goes_on:
        yield "is_auto_renewed"


def _is_other_basis(one: Decimal, other: Decimal, quantity: int = 1) -> bool:
    """Whether two prices are apart as a year and a month are, or units and hundredths, ..."""
    bases = [Decimal(basis) for basis in (3, 12, 24, 36, 100)] + [Decimal(365) / 12]
    return any(
        abs(high - low * basis) * 1000 <= low * basis
        for high, low in ((one, other), (other, one))
        for basis in (*bases, *([Decimal(quantity)] if quantity > 1 else []))
    )


def _list_prices(books: Books, clusters: Clusters):
    """Each price of the book, and what billing sells the product at by the month."""
    for entry in books.entries:
        if not entry["IsActive"]:
            continue
        sku = books.crm_products[entry["Product2Id"]]["ProductCode"]
        currency = entry["CurrencyIsoCode"].lower()
        offers = [
            price
            for price in sorted(books.prices, key=lambda p: (p["created"], p["id"]))
            if books.products[price["product"]]["metadata"]["sku"] == sku
            and price["currency"] == currency
            and price["recurring"]["interval"] == "month"
            and price["recurring"].get("usage_type") != "metered"
        ]
        digits = 0 if currency == "jpy" else 2
        if entry.get("Tiers__c"):
            listed = [
                (tier["up_to"], Decimal(tier["unit_price"]).scaleb(digits))
                for tier in json.loads(entry["Tiers__c"])
            ]
            sold = [
                [(tier["up_to"], Decimal(tier["unit_amount_decimal"])) for tier in price["tiers"]]
                for price in offers
            ]
            if listed not in sold:
                yield Row("PRD-PRC-01", "list_price", entry["Id"], offers[0]["id"])
            continue
        unit = Decimal(entry["UnitPrice"]).scaleb(digits)
        units = [Decimal(price["unit_amount_decimal"]) for price in offers]
        if unit in units:
            continue
        slips = [p["id"] for p, u in zip(offers, units, strict=True) if _is_other_basis(unit, u)]
        code = "PRD-BAS-01" if slips else "PRD-PRC-01"
        yield Row(code, "list_price", entry["Id"], slips[0] if slips else offers[0]["id"])


def _products(books: Books, clusters: Clusters):
    """What is sold has one record in use in each system."""
    sold = {
        books.products[item["price"]["product"]]["metadata"]["sku"]: item["price"]["product"]
        for subscription in books.subscriptions.values()
        if _bills(subscription)
        for item in subscription["items"]["data"]
    }
    in_use = defaultdict(list)
    for product_id, product in books.crm_products.items():
        in_use["crm", product["ProductCode"]].append((product_id, product["IsActive"]))
    for product_id, product in books.products.items():
        in_use["billing", product["metadata"].get("sku")].append((product_id, product["active"]))
    for item_id, item in books.items.items():
        in_use["erp", item["itemid"]].append((item_id, item["isinactive"] == "F"))
    for sku, product_id in sold.items():
        for role in ("crm", "billing", "erp"):
            known = in_use[role, sku]
            active = [each for each, is_active in known if is_active]
            if len(active) != 1:
                yield Row("PRD-MAP-01", "", product_id, max(active or [e for e, _ in known]))


REVENUE_OF = {"Platform": "4000", "Add-on": "4010", "Support": "4020", "Usage": "4010"}


def _item_accounts(books: Books, clusters: Clusters):
    """Items in use post to the revenue account of their family, and defer."""
    families = {p["ProductCode"]: p["Family"] for p in books.crm_products.values()}
    for item_id, item in books.items.items():
        revenue = REVENUE_OF.get(families.get(item["itemid"]))
        if item["isinactive"] == "T" or revenue is None:
            continue
        wanted = {"revenue_account": revenue, "deferred_account": "2100"}
        named = {"revenue_account": "incomeaccount", "deferred_account": "deferredrevenueaccount"}
        for name, field in named.items():
            own = books.accounts_of_ledger.get(item[field] or "", {}).get("acctnumber")
            if own != wanted[name]:
                yield Row("PRD-GL-01", name, item_id, None)


def _tiered(books: Books, line, quantity, items, subscription_id):
    """A line that is sold by tiers: the same units, and the same sum over the tiers."""
    sku = books.crm_products[line["Product__c"]]["ProductCode"]
    if [item["quantity"] for item in items] != [quantity]:
        yield Row("SUB-QTY-01", f"quantity:{sku}", line["Contract__c"], subscription_id)
    entry = next(
        entry
        for entry in books.entries
        if entry["Product2Id"] == line["Product__c"]
        and entry["CurrencyIsoCode"] == line["CurrencyIsoCode"]
    )
    digits = 0 if line["CurrencyIsoCode"] == "JPY" else 2
    listed = [
        (tier["up_to"], Decimal(tier["unit_price"]).scaleb(digits))
        for tier in json.loads(entry["Tiers__c"])
    ]
    billed = [
        (tier["up_to"], Decimal(tier["unit_amount_decimal"])) for tier in items[0]["price"]["tiers"]
    ]
    if _sum_of(listed, quantity) != _sum_of(billed, quantity):
        name = f"mrr_at_contract_quantity:{sku}"
        yield Row("CON-AMT-01", name, line["Contract__c"], subscription_id)


def _sum_of(tiers, quantity) -> Decimal:
    below, total = 0, Decimal(0)
    for up_to, unit in tiers:
        top = min(up_to or quantity, quantity)
        total += unit * max(top - below, 0)
        below = max(top, below)
    return total


def _item_mrr(item) -> Decimal:
    months = 12 if item["price"]["recurring"]["interval"] == "year" else 1
    percents = [d["source"]["coupon"]["percent_off"] for d in item["discounts"]]
    return _unit_mrr(Decimal(item["price"]["unit_amount_decimal"]), months, percents)


def _whole(amount: Decimal) -> int:
    return int(amount.quantize(Decimal(1), ROUND_HALF_UP))


def billing_state(subscription) -> str:
    if subscription["pause_collection"] and subscription["status"] in {"active", "past_due"}:
        return "paused"
    return STATUS[subscription["status"]]


def _subscriptions(books: Books, clusters: Clusters):
    for copy in books.crm_subscriptions:
        subscription = books.subscriptions[copy["Stripe_Subscription_Id__c"]]
        trial = subscription["trial_end"]
        ended = trial if trial and trial <= books.now.timestamp() else None
        stamps = (subscription["created"], subscription["ended_at"], subscription["canceled_at"])
        state = copy["Status__c"].lower().replace(" ", "_")
        if books.age(*stamps, ended) > HOURS_SYNC and state != billing_state(subscription):
            yield Row("SUB-STAT-01", "status", subscription["id"], copy["Id"])


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


def _invoices(books: Books, clusters: Clusters):
    copies, orphans = _erp_invoices(books)
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
        elif _finalized(invoice) and _is_overdue_for_posting(books, invoice):
            missing[invoice_id] = invoice
    copied = [o for o in orphans if _is_copy_of(o, live[_signature(books, o)])]
    for orphan in copied:
        yield Row("INV-DUP-01", "", orphan["id"], None)
    strange = [o for o in orphans if o not in copied and books.age(o["createddate"]) > HOURS_SYNC]
    yield from _lone_invoices(books, clusters, missing, strange)


def _schedule(books: Books, clusters: Clusters):
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


def _erp_invoices(books: Books):
    """Copies by billing invoice, and living subscription invoices that name none."""
    copies = defaultdict(list)
    orphans = []
    for transaction in books.transactions.values():
        if transaction["type"] != "CustInvc":
            continue
        source = transaction["custbody_stripe_invoice_id"]
        if source in books.invoices:
            copies[source].append(transaction)
        elif transaction["customform"] != "manual services" and transaction["voided"] == "F":
            orphans.append(transaction)
    return copies, orphans


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


ZONES = {"US": "America/New_York", "UK": "Europe/London", "DE": "Europe/Berlin", "JP": "Asia/Tokyo"}


def local_day(stamp: int, invoice) -> str:
    return (
        instant(stamp)
        .astimezone(ZoneInfo(ZONES[invoice["metadata"]["legal_entity"]]))
        .date()
        .isoformat()
    )


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
        if charged and (is_abroad or abs(charged - _whole(rated)) > allowed):
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


def _credits(books: Books, clusters: Clusters):
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


def _applications(books: Books, clusters: Clusters):
    """Notes on open invoices, where note and memo are equal: both settle the same of the same."""
    copies, _ = _erp_invoices(books)
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


def _payments(books: Books, clusters: Clusters):
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


def _payments_applied(books: Books, clusters: Clusters):
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
    again = {row.owner_id for row in _payments(books, clusters) if row.code == "PAY-DUP-01"}
    known = {t["custbody_stripe_invoice_id"] for t in books.transactions.values()}
    missing = [i for i in books.invoices.values() if _finalized(i) and i["id"] not in known]
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


def _payouts(books: Books, clusters: Clusters):
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


def _clearing(books: Books, clusters: Clusters):
    """What stands on clearing for a week and names nothing of the payment provider."""
    names = ("charge", "refund", "dispute", "payout")
    again = {row.owner_id for row in _payments(books, clusters) if row.code == "PAY-DUP-01"}
    for document_id, document in books.transactions.items():
        entries = [p for p in books.postings[document_id] if p["account"] == books.clearing]
        is_named = any(document.get(f"custbody_stripe_{name}_id") for name in names)
        lines = books.lines[document_id]
        is_of_members = any(line.get("custcol_stripe_balance_id") for line in lines)
        is_old = books.age(document["trandate"]) > timedelta(days=7)
        left = sum(Decimal(p["amount"]) for p in entries if p["accountingbook"] == "1")
        if left and is_old and not is_named and not is_of_members and document_id not in again:
            yield Row("PYT-CLR-01", "", document_id, None)


def _refunds(books: Books, clusters: Clusters):
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


def _disputes(books: Books, clusters: Clusters):
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


def _journals(books: Books, clusters: Clusters):
    for transaction_id in books.transactions:
        posted = [
            Decimal(p["amount"])
            for p in books.postings[transaction_id]
            if p["accountingbook"] == "1" and p["posting"] == "T"
        ]
        if sum(posted) != 0:
            yield Row("JE-BAL-01", "", transaction_id, None)


def _unposted(books: Books, clusters: Clusters):
    for transaction_id, transaction in books.transactions.items():
        is_event = transaction["type"] != "Journal" or transaction["custbody_stripe_dispute_id"]
        if not is_event or transaction["voided"] == "T" or not float(transaction["foreigntotal"]):
            continue
        lines = [p for p in books.postings[transaction_id] if p["posting"] == "T"]
        is_posted = transaction["posting"] == "T" and lines
        if not is_posted and books.age(transaction["createddate"]) > HOURS_SYNC:
            yield Row("JE-MISS-01", "", transaction_id, None)


def _unrecognised(books: Books, clusters: Clusters):
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


def _journals_twice(books: Books, clusters: Clusters):
    seen = set()
    journals = [t for t in books.transactions.values() if t["type"] == "Journal"]
    for journal in sorted(journals, key=lambda each: int(each["id"])):
        lines = books.postings[journal["id"]]
        booked = [(p["account"], p["amount"]) for p in lines if _is_posted(p)]
        stage = (journal["custbody_stripe_dispute_id"], journal["custbody_stripe_dispute_stage"])
        place = (books.lines[journal["id"]][0]["subsidiary"], journal["trandate"], journal["memo"])
        same = stage if stage[0] else (*place, *sorted(booked))
        if same in seen:
            yield Row("JE-DUP-01", "", journal["id"], None)
        seen.add(same)


def _periods(books: Books, clusters: Clusters):
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


def _accounts(books: Books, clusters: Clusters):
    """What is sold over days is deferred, tax is tax payable, and what customers owe receivable."""
    for transaction_id, transaction in books.transactions.items():
        if transaction["type"] != "CustInvc":
            continue
        on = {p["transactionline"]: p for p in books.postings[transaction_id] if _is_posted(p)}
        for line in books.lines[transaction_id]:
            kind = "tax" if line["taxline"] == "T" else "main" if line["mainline"] == "T" else ""
            kind = "sold" if line.get("custcol_rev_start") else kind
            wanted = {"tax": "220", "main": "110", "sold": "210"}.get(kind)
            posting = on.get(line["id"])
            if wanted and posting and float(posting["amount"]) and posting["account"] != wanted:
                yield Row("JE-ACC-01", "account", f"{transaction_id}-{line['id']}", None)


def _plans(books: Books, clusters: Clusters):
    """Of each billed line that is deferred in the ERP: one plan, of its amount, by its policy."""
    by_line = defaultdict(list)
    for plan in books.plans.values():
        by_line[plan["sourcetransaction"], plan["sourceline"]].append(plan)
    first = {}
    for transaction in sorted(books.transactions.values(), key=lambda t: int(t["id"])):
        if transaction["type"] == "CustInvc" and transaction["voided"] == "F":
            first.setdefault(transaction["custbody_stripe_invoice_id"], transaction)
    for invoice_id, transaction in first.items():
        invoice = books.invoices.get(invoice_id)
        total = books.minor(transaction["foreigntotal"], transaction["currency"])
        if not invoice or invoice["status"] == "void" or abs(invoice["total"] - total) > 5:
            continue
        billed = {line["id"]: line for line in invoice["lines"]["data"]}
        for line in books.lines[transaction["id"]]:
            source = billed.get(line.get("custcol_stripe_line_id"))
            if source and line["custcol_rev_start"]:
                net = source["amount"] - sum(d["amount"] for d in source["discount_amounts"])
                plans = by_line[transaction["id"], line["id"]]
                yield from _plan_of(books, source["id"], net, plans)


def _plan_of(books: Books, line_id, net, plans):
    if len(plans) != 1:
        if net:
            found = min((plan["id"] for plan in plans), default=None)
            yield Row("REV-SCH-01", "", line_id, found)
        return
    (plan,) = plans
    months = books.months(plan)
    wanted = _by_policy(plan, net)
    if sum(months.values()) == net:
        for month in months | wanted:
            over = (date.fromisoformat(f"{month}-01") + timedelta(days=31)).replace(day=1)
            gap = abs(months.get(month, 0) - wanted.get(month, 0))
            if plan["rule"] != "As used" and gap > 1 and books.age(over) >= timedelta(days=1):
                yield Row("REV-PER-01", f"recognised:{month}", line_id, plan["id"])
        return
    known = {month: wanted.get(month) for month in months}
    is_short = max(months) < plan["enddate"][:7] and known == months
    code, attribute = ("REV-STOP-01", "end") if is_short else ("REV-AMT-01", "amount")
    yield Row(code, attribute, line_id, plan["id"])


def _by_policy(plan, net) -> dict[str, int]:
    """By the day, or by the month; what is earned so far is rounded."""
    day, end = date.fromisoformat(plan["startdate"]), date.fromisoformat(plan["enddate"])
    days = Counter()
    while day <= end:
        days[f"{day:%Y-%m}"] += 1
        day += timedelta(days=1)
    if "even" in plan["rule"]:
        days = Counter(dict.fromkeys(days, 1))
    earned, so_far, shares = 0, 0, {}
    for month, weight in days.items():
        so_far += weight
        part = Decimal(net) * so_far / days.total()
        shares[month] = int(part.to_integral_value(ROUND_HALF_UP)) - earned
        earned += shares[month]
    return shares


def _lone_plans(books: Books, clusters: Clusters):
    for plan in books.plans.values():
        source = books.transactions.get(plan["sourcetransaction"])
        if source is None:
            yield Row("REV-SCH-01", "", plan["id"], None)
        elif source["voided"] == "T" and source["type"] == "CustInvc":
            stopped = source["custbody_status_changed_at"][:7]
            lines = [x for x in books.plan_lines if x["revenueplan"] == plan["id"]]
            if any(x["isrecognized"] == "T" and x["periodname"] > stopped for x in lines):
                yield Row("REV-STOP-01", "end", plan["id"], None)


def _is_posted(posting) -> bool:
    return posting["accountingbook"] == "1" and posting["posting"] == "T"


_RAW_NAMES = {
    "Product2": "product2", "PricebookEntry": "pricebook_entry", "product": "product",
    "price": "price", "term": "term", "item": "item", "account": "account",
    "currency": "currency", "taxcode": "tax_code",
}  # fmt: skip


def _controls(books: Books, clusters: Clusters):
    for where, hidden in books.faults.get("drop", {}).items():
        assert hidden
        yield Row("CTL-CNT-01", "", _RAW_NAMES[where.partition(".")[2]], None)
    for where, hours in books.faults.get("stale", {}).items():
        if hours > 6:
            yield Row("CTL-STALE-01", "", _RAW_NAMES[where.partition(".")[2]], None)
