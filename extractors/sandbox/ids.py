"""Identifiers in the vendors' forms."""

import hashlib
import string

from extractors.sandbox.schema import System

_ALPHABET = string.digits + string.ascii_uppercase + string.ascii_lowercase
_CHECK_ALPHABET = string.ascii_uppercase + "012345"

SALESFORCE_PREFIXES = {
    "Account": "001",
    "Product2": "01t",
    "PricebookEntry": "01u",
    "Opportunity": "006",
    "Contract": "800",
    "Contract_Line__c": "a01",
    "Subscription__c": "a02",
    "OpportunityFieldHistory": "017",
    "ContractHistory": "017",
    "Contract_Line__History": "017",
}

STRIPE_PREFIXES = {
    "customer": "cus",
    "tax_id": "txi",
    "product": "prod",
    "price": "price",
    "discount": "di",
    "subscription": "sub",
    "subscription_item": "si",
    "subscription_schedule": "sub_sched",
    "invoice": "in",
    "line_item": "il",
    "invoiceitem": "ii",
    "invoice_payment": "inpay",
    "payment_record": "prec",
    "payment_intent": "pi",
    "charge": "ch",
    "refund": "re",
    "dispute": "du",
    "credit_note": "cn",
    "credit_note_line_item": "cnli",
    "balance_transaction": "txn",
    "payout": "po",
    "event": "evt",
    "billing.meter": "mtr",
    "billing.meter_event": "mevt",
}


def new_identifier(system: System, kind: str, number: int) -> str:
    """The `number`th id of an object, counted from 1."""
    if system == "salesforce":
        return salesforce_id(kind, number)
    return stripe_id(kind, number) if system == "stripe" else str(number)


def salesforce_id(kind: str, number: int) -> str:
    """18 characters: prefix, instance, number, and the check that makes case not matter."""
    return salesforce_key(SALESFORCE_PREFIXES[kind], number)


def salesforce_key(prefix: str, number: int) -> str:
    body = prefix + "Sb0" + _base62(number).rjust(9, "0")
    return body + salesforce_checks(body)


def salesforce_checks(body: str) -> str:
    """The last three characters of an id: which of the fifteen before them are capitals."""
    checks = ""
    for start in (0, 5, 10):
        chunk = body[start : start + 5]
        checks += _CHECK_ALPHABET[sum(1 << i for i, char in enumerate(chunk) if char.isupper())]
    return checks


def stripe_id(kind: str, number: int) -> str:
    """Prefix and 14 characters that look random, as Stripe's do, and never repeat for one kind.

    Coupons have no prefix, and eight characters.
    """
    digest = int.from_bytes(hashlib.sha256(f"{kind}:{number}".encode()).digest()[:10])
    body = _base62(digest).rjust(14, "0")[:14]
    return f"{STRIPE_PREFIXES[kind]}_{body}" if kind != "coupon" else body[:8].upper()


def _base62(number: int) -> str:
    digits = ""
    while number:
        number, digit = divmod(number, 62)
        digits = _ALPHABET[digit] + digits
    return digits
