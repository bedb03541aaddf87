"""What is written to Stripe is well-formed by the parameters of the vendor's own client."""

import importlib
import typing
from collections.abc import Mapping
from types import UnionType
from typing import Any, Literal, Union, get_args, get_origin

import pytest
import typing_extensions

from extractors.billing.stripe.forms import form
from extractors.billing.stripe.target import KEY_FIELD

NOT_REQUIRED = (typing.NotRequired, typing_extensions.NotRequired)
LINE = {"type": "invoice_line_item", "invoice_line_item": "il_1", "quantity": 1}
WRITES = {
    "customer_update": {"metadata": {"crm_account_id": "001", "old": ""}},
    "product_update": {"metadata": {"sku": "SEAT"}},
    "price_update": {"active": False, "metadata": {"replaced_by": "price_2"}},
    "subscription_update": {"metadata": {"crm_contract_id": "800"}},
    "subscription_schedule_update": {"metadata": {"crm_contract_id": "800"}},
    "invoice_update": {"metadata": {"erp_invoice_id": "101"}},
    "charge_update": {"metadata": {"erp_payment_id": "104"}},
    "dispute_update": {"metadata": {"erp_journal_id": "9"}},
    "payout_update": {"metadata": {"erp_deposit_id": "7"}},
    "subscription_item_update": {"quantity": 24, "proration_behavior": "none"},
    "subscription_item_create": {
        "subscription": "sub_1",
        "price": "price_1",
        "quantity": 5,
        "discounts": [{"coupon": "PARTNER-10"}],
        "metadata": {"crm_contract_line_id": "a01"},
        "proration_behavior": "create_prorations",
        "proration_date": 1783389618,
    },
    "subscription_item_delete": {
        "proration_behavior": "create_prorations",
        "proration_date": 1783389618,
    },
    "credit_note_create": {
        "invoice": "in_1",
        "lines": [LINE, {"type": "custom_line_item", "description": "Credit", "unit_amount": 5}],
        "reason": "order_change",
        "metadata": {KEY_FIELD: "key-1"},
    },
    "refund_create": {
        "charge": "ch_1",
        "amount": 500,
        "reason": "duplicate",
        "metadata": {KEY_FIELD: "key-1"},
    },
}
WRONG = {
    "an unknown parameter": ("credit_note_create", {"invoice": "in_1", "colour": "red"}),
    "a parameter of another era": ("subscription_update", {"coupon": "SAVE"}),
    "a missing parameter": ("credit_note_create", {"amount": 100}),
    "a wrong type": ("subscription_item_update", {"quantity": "24"}),
    "an unknown word": ("subscription_item_update", {"proration_behavior": "sometimes"}),
    "an unknown word in a list": (
        "credit_note_create",
        {"invoice": "in_1", "lines": [{"type": "line"}]},
    ),
    "one where a list belongs": ("credit_note_create", {"invoice": "in_1", "lines": LINE}),
    "a fraction of a minor unit": ("refund_create", {"charge": "ch_1", "amount": 4.5}),
}


def mistakes(name: str, body: Mapping[str, Any]) -> list[str]:
    """What of a body the vendor's client has no parameter for."""
    module = importlib.import_module(f"stripe.params._{name}_params")
    title = "".join(word.title() for word in name.split("_"))
    return list(_mistakes(body, getattr(module, f"{title}Params"), vars(module), name))


def _mistakes(value, kind, names, where):
    kind = _resolved(kind, names)
    origin = get_origin(kind)
    if origin in NOT_REQUIRED:
        yield from _mistakes(value, get_args(kind)[0], names, where)
    elif origin in (Union, UnionType):
        yield from _mistakes_in_all(value, kind, names, where)
    elif origin is Literal:
        if value not in get_args(kind):
            yield f"{where}: {value!r} is not one of {get_args(kind)}"
    elif origin in (list, dict):
        yield from _mistakes_inside(value, kind, names, where)
    elif hasattr(kind, "__required_keys__"):
        yield from _mistakes_in_mapping(value, kind, names, where)
    elif type(value) is not kind:
        yield f"{where}: {value!r} is no {kind.__name__}"


def _mistakes_in_all(value, kind, names, where):
    """Those of the option that fits best; `Literal[...] | str` only leaves room for new words.

    Of a text, `Literal[""]` takes it away.
    """
    options = [_resolved(option, names) for option in get_args(kind)]
    has_words = any(get_origin(each) is Literal and any(get_args(each)) for each in options)
    known = [option for option in options if not (has_words and option is str)]
    found = [list(_mistakes(value, option, names, where)) for option in known]
    if all(found):
        yield from min(found, key=len)


def _mistakes_inside(value, kind, names, where):
    if not isinstance(value, get_origin(kind)):
        yield f"{where}: {value!r} is no {get_origin(kind).__name__}"
        return
    for key, element in value.items() if isinstance(value, dict) else enumerate(value):
        yield from _mistakes(element, get_args(kind)[-1], names, f"{where}[{key}]")


def _mistakes_in_mapping(value, kind, names, where):
    if not isinstance(value, Mapping):
        yield f"{where}: {value!r} is no mapping"
        return
    known = {}
    for base in reversed((kind, *kind.__orig_bases__)):
        known |= getattr(base, "__annotations__", {})
    for key in value.keys() - known.keys():
        yield f"{where}.{key} is unknown"
    for key, option in known.items():
        if key in value:
            yield from _mistakes(value[key], option, names, f"{where}.{key}")
        elif get_origin(_resolved(option, names)) not in NOT_REQUIRED:
            yield f"{where}.{key} is missing"


def _resolved(kind, names):
    while isinstance(kind, str | typing.ForwardRef):
        text = kind if isinstance(kind, str) else kind.__forward_arg__
        kind = eval(text, {**vars(typing), **vars(typing_extensions), **names})
    return kind


@pytest.mark.parametrize("name", WRITES)
def test_each_write_is_well_formed(name):
    assert mistakes(name, WRITES[name]) == []


@pytest.mark.parametrize("what", WRONG)
def test_a_malformed_write_would_be_noticed(what):
    assert mistakes(*WRONG[what])


def test_a_body_goes_out_as_a_form():
    body = {
        "active": False,
        "memo": None,
        "lines": [{"quantity": 1, "taxes": [{"amount": 5}]}, {"quantity": 2}],
        "metadata": {"a b": "c&d"},
    }
    assert list(form(body)) == [
        ("active", "false"),
        ("memo", ""),
        ("lines[0][quantity]", "1"),
        ("lines[0][taxes][0][amount]", "5"),
        ("lines[1][quantity]", "2"),
        ("metadata[a b]", "c&d"),
    ]
