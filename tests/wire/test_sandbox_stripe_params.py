"""What the sandbox's Stripe lets be asked is what the vendor's own client can ask."""

import builtins
import importlib
import typing
from collections.abc import Mapping
from decimal import Decimal
from types import UnionType
from typing import Literal, Union, get_args, get_origin

import pytest
import typing_extensions

from extractors.sandbox.stripe import OPERATIONS
from extractors.sandbox.stripe_credit_notes import SPECS
from extractors.sandbox.stripe_filters import FILTERS
from extractors.sandbox.stripe_lists import PAGING, list_specs
from extractors.sandbox.stripe_search import SEARCHED
from extractors.sandbox.stripe_search import SPECS as SEARCH

# Operation -> the client's parameters for it.
OPERATION_PARAMS = {
    "POST /v1/customers": "customer_create",
    "POST /v1/customers/{key}": "customer_update",
    "DELETE /v1/customers/{key}": "customer_delete",
    "POST /v1/customers/{key}/tax_ids": "customer_tax_id_create",
    "DELETE /v1/customers/{key}/tax_ids/{tax_id}": "customer_tax_id_delete",
    "POST /v1/products": "product_create",
    "POST /v1/products/{key}": "product_update",
    "POST /v1/prices": "price_create",
    "POST /v1/prices/{key}": "price_update",
    "POST /v1/coupons": "coupon_create",
    "POST /v1/coupons/{key}": "coupon_update",
    "POST /v1/charges/{key}": "charge_update",
    "POST /v1/payment_intents/{key}": "payment_intent_update",
    "POST /v1/subscriptions/{key}": "subscription_update",
    "DELETE /v1/subscriptions/{key}": "subscription_cancel",
    "POST /v1/subscription_items": "subscription_item_create",
    "POST /v1/subscription_items/{key}": "subscription_item_update",
    "DELETE /v1/subscription_items/{key}": "subscription_item_delete",
    "POST /v1/subscription_schedules": "subscription_schedule_create",
    "POST /v1/subscription_schedules/{key}": "subscription_schedule_update",
    "POST /v1/subscription_schedules/{key}/cancel": "subscription_schedule_cancel",
    "POST /v1/subscription_schedules/{key}/release": "subscription_schedule_release",
    "POST /v1/invoices": "invoice_create",
    "POST /v1/invoices/create_preview": "invoice_create_preview",
    "POST /v1/invoices/{key}": "invoice_update",
    "DELETE /v1/invoices/{key}": "invoice_delete",
    "POST /v1/invoices/{key}/finalize": "invoice_finalize_invoice",
    "POST /v1/invoices/{key}/pay": "invoice_pay",
    "POST /v1/invoices/{key}/send": "invoice_send_invoice",
    "POST /v1/invoices/{key}/void": "invoice_void_invoice",
    "POST /v1/invoices/{key}/mark_uncollectible": "invoice_mark_uncollectible",
    "POST /v1/invoiceitems": "invoice_item_create",
    "POST /v1/invoiceitems/{key}": "invoice_item_update",
    "DELETE /v1/invoiceitems/{key}": "invoice_item_delete",
    "POST /v1/credit_notes": "credit_note_create",
    "POST /v1/credit_notes/{key}": "credit_note_update",
    "POST /v1/credit_notes/{key}/void": "credit_note_void_credit_note",
    "POST /v1/refunds": "refund_create",
    "POST /v1/refunds/{key}": "refund_update",
    "POST /v1/disputes/{key}": "dispute_update",
    "POST /v1/payouts/{key}": "payout_update",
    "POST /v1/billing/meters": "billing.meter_create",
    "POST /v1/billing/meters/{key}": "billing.meter_update",
    "POST /v1/billing/meters/{key}/deactivate": "billing.meter_deactivate",
    "POST /v1/billing/meters/{key}/reactivate": "billing.meter_reactivate",
    "POST /v1/billing/meter_events": "billing.meter_event_create",
}
NAMES = {"invoiceitem": "invoice_item"}
# Required here and not there: the vendor takes another parameter in their place, which we do not.
STRICTER = {"customer", "price", "product"}


class Names(dict):
    """What the annotations of the parameters name."""

    def __init__(self, module):
        super().__init__(vars(module))

    def __missing__(self, name):
        for known in (typing, typing_extensions, builtins):
            if hasattr(known, name):
                return getattr(known, name)
        return object


def params_of(name):
    """The client's TypedDict, and the types of its parameters."""
    *packages, name = name.split(".")
    path = ".".join(["stripe", "params", *packages, f"_{name}_params"])
    module = importlib.import_module(path)
    declared = getattr(module, "".join(part.capitalize() for part in name.split("_")) + "Params")
    return declared, typing_extensions.get_type_hints(declared, localns=Names(module))


def hints_of(declared):
    module = importlib.import_module(declared.__module__)
    return typing_extensions.get_type_hints(declared, localns=Names(module))


def disagreements(spec, hint, path):
    """Where a parameter of ours is not one of the vendor's."""
    options = _options(hint)
    if isinstance(spec, str):
        wanted = {
            "text": str, "email": str, "integer": int, "count": int, "boolean": bool,
            "decimal": Decimal, "number": float, "metadata": dict, "range": int,
                "moment": int,
        }[spec]  # fmt: skip
        kinds = {get_origin(option) or option for option in options}
        literal = {type(v) for o in options if get_origin(o) is Literal for v in get_args(o)}
        return [] if wanted in kinds | literal else [f"{path}: {spec} where {hint}"]
    if isinstance(spec, frozenset):
        known = {value for o in options if get_origin(o) is Literal for value in get_args(o)}
        return [f"{path}: {value!r} is unknown" for value in sorted(spec - known)]
    if isinstance(spec, Mapping):
        inner = [o for o in options if isinstance(o, type) and hasattr(o, "__required_keys__")]
        assert inner, path
        return compare(spec, hints_of(inner[0]), path)
    lists = [o for o in options if get_origin(o) is list]
    if not lists:
        return [f"{path}: a list where {hint}"]
    return disagreements(spec[0], get_args(lists[0])[0], f"{path}[]")


def _options(hint):
    origin = get_origin(hint)
    if origin in {typing_extensions.NotRequired, typing_extensions.Required}:
        return _options(get_args(hint)[0])
    if origin in {Union, UnionType}:
        return [option for part in get_args(hint) for option in _options(part)]
    return [hint]


def compare(specs, hints, path=""):
    found = []
    for name, spec in specs.items():
        full = f"{path}[{name}]" if path else name
        found += disagreements(spec, hints[name], full) if name in hints else [f"{full}: unknown"]
    return found


def test_every_operation_is_compared():
    assert OPERATION_PARAMS.keys() == {f"{o.method} {o.path}" for o in OPERATIONS}


@pytest.mark.parametrize("operation", OPERATIONS, ids=lambda o: f"{o.method} {o.path}")
def test_an_operation_takes_the_clients_parameters(operation):
    name = f"{operation.method} {operation.path}"
    declared, hints = params_of(OPERATION_PARAMS[name])
    assert compare(operation.specs, hints) == []
    required = set(declared.__required_keys__)
    assert required <= set(operation.required)
    assert set(operation.required) - required <= STRICTER


@pytest.mark.parametrize("kind", FILTERS)
def test_a_list_takes_the_clients_filters(kind):
    _, hints = params_of(f"{NAMES.get(kind, kind)}_list")
    assert compare(list_specs(kind), hints) == []


@pytest.mark.parametrize(
    "name", ["invoice_line_item", "credit_note_line_item", "customer_tax_id", "subscription_item"]
)
def test_an_inner_list_takes_the_clients_paging(name):
    _, hints = params_of(f"{name}_list")
    assert compare(PAGING, hints) == []


@pytest.mark.parametrize("kind", SEARCHED)
def test_a_search_takes_the_clients_parameters(kind):
    declared, hints = params_of(f"{kind}_search")
    assert compare(SEARCH, hints) == []
    assert declared.__required_keys__ == {"query"}


def test_a_preview_takes_the_clients_parameters():
    _, hints = params_of("credit_note_preview")
    assert compare(SPECS, hints) == []


def test_the_comparison_finds_what_the_vendor_does_not_know():
    _, hints = params_of("customer_create")
    ours = {
        "nom": "text",
        "balance": "boolean",
        "tax_exempt": frozenset({"none", "never"}),
        "address": {"planet": "text"},
        "preferred_locales": ["integer"],
        "name": ["text"],
    }
    assert [found.partition(" where")[0] for found in compare(ours, hints)] == [
        "nom: unknown",
        "balance: boolean",
        "tax_exempt: 'never' is unknown",
        "address[planet]: unknown",
        "preferred_locales[]: integer",
        "name: a list",
    ]
