"""Customers: missing, linked, kept twice, differing."""

import re
import unicodedata
from collections import defaultdict

from tests.unit.sandbox.books import Books, Clusters, country_of, group, tax_id_of
from tests.unit.sandbox.disagreements.common import HOURS_SYNC, Row, finalized


def plain_name(name) -> str:
    wide = unicodedata.normalize("NFKC", name).casefold()
    return re.sub(r"[^\w]|_", "", wide)


def customers(books: Books, clusters: Clusters):
    documents = defaultdict(list)
    for invoice in books.invoices.values():
        if finalized(invoice):
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


def links(books: Books, clusters: Clusters):
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


def duplicates(books: Books, clusters: Clusters):
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


def attributes(books: Books, clusters: Clusters):
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
