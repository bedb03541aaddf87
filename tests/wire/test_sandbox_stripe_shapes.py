"""The sandbox's Stripe objects are those that the vendor's own client declares, field by field."""

import builtins
import typing
from datetime import UTC, datetime
from decimal import Decimal
from types import UnionType
from typing import Literal, Union, get_args, get_origin, get_type_hints

import pytest
import stripe
from stripe._list_object import ListObject

from extractors.sandbox import stripe_money
from extractors.sandbox.store import Store
from extractors.sandbox.stripe_expand import expansion
from extractors.sandbox.world import build_world
from tests.wire.stripe_sandbox import AT, account, open_invoice, paid_invoice

CLASSES = {
    "balance_transactions": stripe.BalanceTransaction,
    "charges": stripe.Charge,
    "coupons": stripe.Coupon,
    "credit_notes": stripe.CreditNote,
    "customers": stripe.Customer,
    "disputes": stripe.Dispute,
    "events": stripe.Event,
    "invoice_payments": stripe.InvoicePayment,
    "invoiceitems": stripe.InvoiceItem,
    "invoices": stripe.Invoice,
    "payment_intents": stripe.PaymentIntent,
    "payouts": stripe.Payout,
    "plans": stripe.Plan,
    "prices": stripe.Price,
    "products": stripe.Product,
    "refunds": stripe.Refund,
    "subscription_schedules": stripe.SubscriptionSchedule,
    "subscriptions": stripe.Subscription,
}
# What the declarations say `Optional` of and the vendor leaves out, unless it is asked for or so.
LEFT_OUT = {
    "deleted", "cash_balance", "sources", "subscriptions", "tax", "tax_ids", "payments", "refunds",
    "tiers", "currency_options", "applies_to", "level3", "authorization_code", "radar_options",
    "presentment_details", "confirmation_secret", "threshold_reason", "amount_paid_off_stripe",
    "account", "context", "instant_available", "issuing", "connect_reserved", "tax_details",
    "refund_and_dispute_prefunding", "hooks", "payment_details", "allowed_payment_method_types",
    "billed_until", "current_trial", "frozen_fields", "invoicing_rules", "proration_details",
    "description", "failure_reason", "instructions_email", "next_action", "business_name",
    "individual_name", "invoice_credit_balance", "customer_account", "network_reason_code",
    "intended_submission_method", "status_details", "trial", "automatic_tax",
}  # fmt: skip


class Names(dict):
    """What the client's annotations name: its classes, some of them by another name."""

    def __missing__(self, name):
        for known in (stripe, typing, builtins):
            for spelled in (name, name.removesuffix("Resource")):
                if hasattr(known, spelled):
                    return getattr(known, spelled)
        return stripe.StripeObject


def hints_of(declared):
    hints = get_type_hints(declared, localns=Names())
    return {name: hint for name, hint in hints.items() if name[0].islower()}


def mismatches(value, declared, path=""):
    """Where a JSON value is not what a type of the client's classes says."""
    origin, arguments = get_origin(declared), get_args(declared)
    if origin in {Union, UnionType}:
        return _of_union(value, arguments, path)
    if origin is Literal:
        return [] if value in arguments else [f"{path}: {value!r} is none of {arguments}"]
    if origin is list and not isinstance(value, list):
        return [f"{path}: {value!r} is no list"]
    if origin is list or (isinstance(origin, type) and issubclass(origin, ListObject)):
        parts = enumerate(value if origin is list else value["data"])
        return [m for n, one in parts for m in mismatches(one, arguments[0], f"{path}[{n}]")]
    if isinstance(declared, type) and issubclass(declared, stripe.StripeObject):
        return _of_class(value, declared, path)
    return _of_plain(value, declared, path)


def _of_union(value, options, path):
    if value is None:
        return [] if type(None) in options else [f"{path}: null is not allowed"]
    found = [mismatches(value, option, path) for option in options if option is not type(None)]
    return min(found, key=len)


def _of_class(value, declared, path):
    if not isinstance(value, dict):
        return [f"{path}: {value!r} is no object"]
    hints = hints_of(declared)
    if declared is stripe.StripeObject or "Untyped" in declared.__name__:
        return []
    unknown = value.keys() - hints.keys()
    found = [f"{path}.{name}: unknown to the vendor" for name in sorted(unknown)]
    for name, hint in hints.items():
        if name in value:
            found += mismatches(value[name], hint, f"{path}.{name}")
        elif name not in LEFT_OUT and type(None) not in get_args(hint):
            found.append(f"{path}.{name}: missing")
        elif name not in LEFT_OUT and path.count(".") == 0:
            found.append(f"{path}.{name}: left out where the vendor sends null")
    return found


def _of_plain(value, declared, path):
    kinds = {int: int, str: str, bool: bool, float: (int, float), Decimal: str}
    name = getattr(declared, "__name__", str(declared))
    if declared in kinds:
        is_right = isinstance(value, kinds[declared])
        return (
            []
            if is_right and (declared is bool) == isinstance(value, bool)
            else [f"{path}: {value!r} is no {name}"]
        )
    return []


@pytest.fixture(scope="module")
def books(tmp_path_factory, vendor_secrets):
    """The world of a company, with what only the API makes added to it."""
    home = tmp_path_factory.mktemp("shapes")
    store = Store(home / "sandbox.db")
    build_world(store, 4, 40, 9)
    store.close()
    with account(home, vendor_secrets) as books:
        books.store.set_clock(datetime(2026, 7, 1, 2, tzinfo=UTC))
        client = books.client()
        note = {"invoice": open_invoice(client).id, "amount": 400, "reason": "order_change"}
        client.v1.credit_notes.create(note)
        paid = paid_invoice(client)
        client.v1.credit_notes.create({"invoice": paid.id, "amount": 700, "refund_amount": 700})
        charge = stripe_money.charge(books.store, "cus_1", 5000, "usd")
        stripe_money.dispute(books.store, charge["id"])
        stripe_money.charge(books.store, "cus_1", 5000, "usd", is_declined=True)
        items = [{"id": "si_1", "quantity": 11}]
        client.v1.subscriptions.update("sub_1", {"items": items})
        client.v1.subscription_schedules.create({"from_subscription": "sub_1"})
        phase = {"items": [{"price": "price_1"}], "duration": {"interval": "month"}}
        start = AT + 10**8
        planned = {"customer": "cus_2", "start_date": start, "phases": [phase]}
        client.v1.subscription_schedules.create(planned)
        yield books


@pytest.mark.parametrize("plural", CLASSES)
def test_every_object_is_what_the_client_declares(books, plural):
    with books.http() as http:
        listed = http.get(
            plural,
            params={"limit": 100, **({"status": "all"} if plural == "subscriptions" else {})},
        )
    data = listed.json()["data"]
    assert data
    found = {m for one in data for m in mismatches(one, CLASSES[plural])}
    assert found == set()


@pytest.mark.parametrize(
    ("plural", "expand"),
    [
        ("customers", ["data.tax_ids", "data.subscriptions", "data.sources"]),
        ("invoices", ["data.payments", "data.customer", "data.discounts"]),
        ("invoices", ["data.lines.data.pricing"]),
        ("charges", ["data.refunds", "data.balance_transaction", "data.payment_intent"]),
        ("subscriptions", ["data.items.data.discounts", "data.latest_invoice", "data.schedule"]),
        ("balance_transactions", ["data.source"]),
        ("credit_notes", ["data.invoice", "data.refunds.refund"]),
        ("invoice_payments", ["data.payment.payment_intent", "data.invoice"]),
        ("payouts", ["data.balance_transaction"]),
        ("disputes", ["data.charge"]),
        ("subscription_schedules", ["data.subscription", "data.phases.items.price"]),
    ],
)
def test_what_is_expanded_is_declared_too(books, plural, expand):
    with books.http() as http:
        listed = http.get(plural, params={"limit": 100, "expand[]": expand})
    data = listed.json()["data"]
    found = {m for one in data for m in mismatches(one, CLASSES[plural])}
    assert found == set()
    tree = expansion(expand, data[0]["object"], is_list=True)
    assert all(isinstance(one[name], (dict, list)) for name in tree for one in data if one[name])


def test_tiers_of_a_price_are_a_plain_list_that_must_be_asked_for(books):
    tiers = [
        {"flat_amount": None, "flat_amount_decimal": None, "up_to": up_to}
        | {"unit_amount": unit, "unit_amount_decimal": str(unit)}
        for up_to, unit in ((50, 900), (None, 600))
    ]
    terms = {"billing_scheme": "tiered", "tiers_mode": "graduated", "tiers": tiers}
    price = {"id": "price_tiered", "product": "prod_1", "currency": "usd"}
    recurring = {"interval": "month"}
    books.store.put("stripe", "price", {**price, **terms, "recurring": recurring})
    with books.http() as http:
        assert "tiers" not in http.get("prices/price_tiered").json()
        shown = http.get("prices/price_tiered", params={"expand[]": "tiers"}).json()
        listed = http.get("prices", params={"limit": 100, "expand[]": "data.tiers"}).json()
    assert shown["tiers"] == tiers
    assert mismatches(shown, stripe.Price) == []
    assert "price_tiered" in [p["id"] for p in listed["data"] if p.get("tiers")]


def test_events_hold_whole_objects_of_declared_types(books):
    classes = {cls.OBJECT_NAME: cls for cls in (*CLASSES.values(), stripe.TaxId)}
    with books.http() as http:
        events = []
        while True:
            after = {"starting_after": events[-1]["id"]} if events else {}
            page = http.get("events", params={"limit": 100, **after}).json()
            events += page["data"]
            if not page["has_more"]:
                break
    assert len({event["type"] for event in events}) > 15
    for event in events:
        about = event["data"]["object"]
        assert mismatches(about, classes[about["object"]]) == []


def test_balance_and_search_results_are_declared(books):
    with books.http() as http:
        assert mismatches(http.get("balance").json(), stripe.Balance) == []
        found = http.get("customers/search", params={"query": "created>0"}).json()
        assert found.keys() == {"object", "url", "has_more", "data", "next_page"}


def test_the_check_finds_what_is_wrong():
    with_all = {"id": 1, "object": "balance", "available": [{"amount": "1"}], "shape": None}
    assert set(mismatches(with_all, stripe.Balance)) == {
        ".id: unknown to the vendor",
        ".shape: unknown to the vendor",
        ".available[0].amount: '1' is no int",
        ".available[0].currency: missing",
        ".livemode: missing",
        ".pending: missing",
    }
