"""What can be read of a Stripe account: objects, lists, searches, the balance, the account."""

from collections.abc import Callable, Mapping
from typing import Any

from starlette.requests import Request

from extractors.sandbox import stripe_meters, stripe_money
from extractors.sandbox.stripe_caller import ACCOUNT, CONNECTED, Caller
from extractors.sandbox.stripe_credit_notes import SPECS, drafted
from extractors.sandbox.stripe_errors import FORBIDDEN, StripeError, missing, unrecognized
from extractors.sandbox.stripe_filters import oldest_event
from extractors.sandbox.stripe_follows import plan_of
from extractors.sandbox.stripe_forms import checked, require
from extractors.sandbox.stripe_lists import list_page, list_parts
from extractors.sandbox.stripe_operations import EXPAND
from extractors.sandbox.stripe_search import SEARCHED, search_page
from extractors.sandbox.stripe_shapes import Document, list_object
from extractors.sandbox.stripe_subscriptions import find_item
from extractors.sandbox.wire import read_as_of_replica

Parameters = Mapping[str, Any]
SETTINGS = "stripe.settings"
Read = Callable[[Caller, Request, Parameters], bytes | Document]

KINDS: Mapping[str, str] = {
    "customers": "customer",
    "products": "product",
    "prices": "price",
    "plans": "plan",
    "coupons": "coupon",
    "subscriptions": "subscription",
    "subscription_schedules": "subscription_schedule",
    "invoices": "invoice",
    "invoiceitems": "invoiceitem",
    "invoice_payments": "invoice_payment",
    "payment_intents": "payment_intent",
    "charges": "charge",
    "refunds": "refund",
    "disputes": "dispute",
    "credit_notes": "credit_note",
    "balance_transactions": "balance_transaction",
    "payouts": "payout",
    "events": "event",
}


def _list(caller: Caller, request: Request, parameters: Parameters) -> bytes:
    kind = _kind(request)
    caller.require(kind, "read")
    # Events have a store of their own: that of an object may lag behind what they tell of it.
    read_as_of_replica(request, caller.store, "stripe", kind)
    return list_page(caller, kind, parameters, request.url.path)


def _retrieve(caller: Caller, request: Request, parameters: Parameters) -> Document:
    kind, key = _kind(request), request.path_params["key"]
    caller.require(kind, "read")
    asked = checked(parameters, EXPAND)
    read_as_of_replica(request, caller.store, "stripe", kind)
    document = caller.store.get("stripe", "price" if kind == "plan" else kind, key)
    if document is None or (kind == "event" and document["created"] < oldest_event(caller.store)):
        raise missing(kind, key)
    if kind == "plan":
        document = plan_of(document)
    return caller.sent(kind, document, caller.expansion(asked.get("expand"), kind))


def _search(caller: Caller, request: Request, parameters: Parameters) -> Document:
    kind = _kind(request)
    if kind not in SEARCHED:
        raise unrecognized(request.method, request.url.path)
    caller.require(kind, "read")
    read_as_of_replica(request, caller.store, "stripe", kind)
    return search_page(caller, kind, parameters, request.url.path)


def _parts(kind: str, name: str) -> Read:
    """The list `name` inside of an object."""

    def read(caller: Caller, request: Request, parameters: Parameters) -> Document:
        caller.require(kind, "read")
        read_as_of_replica(request, caller.store, "stripe", kind)
        return list_parts(caller, kind, request.path_params["key"], name, parameters)

    return read


def _of(kind: str, owner: str) -> Read:
    """The objects of a kind that belong to the owner in the path."""

    def read(caller: Caller, request: Request, parameters: Parameters) -> bytes:
        caller.require(kind, "read")
        key = request.path_params["key"]
        if caller.store.get("stripe", owner, key) is None:
            raise missing(owner, key)
        read_as_of_replica(request, caller.store, "stripe", kind)
        return list_page(caller, kind, {**parameters, owner: key}, request.url.path)

    return read


def _items(caller: Caller, request: Request, parameters: Parameters) -> Document:
    caller.require("subscription_item", "read")
    require(parameters, "subscription")
    read_as_of_replica(request, caller.store, "stripe", "subscription")
    rest = {name: value for name, value in parameters.items() if name != "subscription"}
    return list_parts(caller, "subscription", str(parameters["subscription"]), "items", rest)


def _item(caller: Caller, request: Request, parameters: Parameters) -> Document:
    caller.require("subscription_item", "read")
    asked = checked(parameters, EXPAND)
    item, _ = find_item(caller.store, request.path_params["key"])
    tree = caller.expansion(asked.get("expand"), "subscription_item")
    return caller.sent("subscription_item", item, tree)


def _preview(caller: Caller, _: Request, parameters: Parameters) -> Document:
    """The credit note that would be made."""
    caller.require("credit_note", "read")
    asked = checked(parameters, {**SPECS, **EXPAND})
    tree = caller.expansion(asked.pop("expand", None), "credit_note")
    return caller.sent("credit_note", drafted(caller.store, asked), tree)


def _balance(caller: Caller, request: Request, parameters: Parameters) -> Document:
    caller.require("balance", "read")
    checked(parameters, EXPAND)
    read_as_of_replica(request, caller.store, "stripe", "balance_transaction")
    return stripe_money.balance(caller.store)


def _own_account(caller: Caller, _: Request, parameters: Parameters) -> Document:
    caller.require("account", "read")
    checked(parameters, EXPAND)
    return _account(caller, caller.store.account or ACCOUNT)


def _one_account(caller: Caller, request: Request, parameters: Parameters) -> Document:
    caller.require("account", "read")
    checked(parameters, EXPAND)
    key = request.path_params["key"]
    if key not in {ACCOUNT, *caller.store.meta(CONNECTED, [])}:
        message = (
            f"The provided key does not have access to account '{key}' (or that account does not "
            "exist). Application access may have been revoked."
        )
        raise StripeError(message, "account_invalid", None, FORBIDDEN)
    return _account(caller, key)


def _accounts(caller: Caller, request: Request, parameters: Parameters) -> Document:
    """The connected accounts."""
    caller.require("account", "read")
    checked(parameters, {**EXPAND, "limit": "integer"})
    data = [_account(caller, key) for key in caller.store.meta(CONNECTED, [])]
    return list_object(data, request.url.path, has_more=False)


def _account(caller: Caller, key: str) -> Document:
    """Its settings are those of the store's `stripe.settings`, by default UTC and daily payouts."""
    chosen = {"timezone": "Etc/UTC", "interval": "daily", **caller.store.meta(SETTINGS, {})}
    name = "Northwind Cloud" if key == ACCOUNT else f"Northwind Cloud ({key})"
    return {
        "id": key,
        "object": "account",
        "business_profile": {"name": name},
        "business_type": "company",
        "charges_enabled": True,
        "country": "US",
        "default_currency": "usd",
        "details_submitted": True,
        "email": "finance@northwind.example",
        "metadata": {},
        "payouts_enabled": True,
        "settings": {
            "dashboard": {"display_name": name, "timezone": chosen["timezone"]},
            "payouts": {"schedule": {"delay_days": 2, "interval": chosen["interval"]}},
        },
        "type": "standard",
    }


def _kind(request: Request) -> str:
    kind = KINDS.get(request.path_params["plural"])
    if kind is None:
        raise unrecognized(request.method, request.url.path)
    return kind


READS: tuple[tuple[str, Read], ...] = (
    ("/v1/balance", _balance),
    ("/v1/account", _own_account),
    ("/v1/accounts", _accounts),
    ("/v1/subscription_items", _items),
    *stripe_meters.READS,
    ("/v1/{plural}", _list),
    ("/v1/accounts/{key}", _one_account),
    ("/v1/subscription_items/{key}", _item),
    ("/v1/credit_notes/preview", _preview),
    ("/v1/{plural}/search", _search),
    ("/v1/{plural}/{key}", _retrieve),
    ("/v1/customers/{key}/subscriptions", _of("subscription", "customer")),
    ("/v1/customers/{key}/tax_ids", _parts("customer", "tax_ids")),
    ("/v1/charges/{key}/refunds", _of("refund", "charge")),
    ("/v1/invoices/{key}/lines", _parts("invoice", "lines")),
    ("/v1/credit_notes/{key}/lines", _parts("credit_note", "lines")),
)
"""In the order in which paths are tried."""
