"""What the peers are told to read: our objects under the names that each of them has for it."""

from pathlib import Path
from typing import Any

import httpx

from extractors.billing.stripe.objects import ENDPOINTS
from extractors.protocol import Field, ObjectSpec
from extractors.registry import CONNECTORS
from extractors.sandbox.schema import System

# Per object: rows, how often they were read, and a digest of their keys and amounts.
RowSets = dict[str, dict[str, Any]]
Task = dict[str, Any]

# Last words of the names of integers that hold money or counts rather than times.
_QUANTITIES = ("amount", "total", "subtotal", "balance", "fee", "net", "quantity")
_TAPPED = {
    "customer": "customers",
    "product": "products",
    "coupon": "coupons",
    "subscription": "subscriptions",
    "invoice": "invoices",
    "charge": "charges",
    "dispute": "disputes",
    "payout": "payouts",
    "balance_transaction": "balance_transactions",
}


def wanted_of(spec: ObjectSpec) -> dict[str, list[str]]:
    """By what rows of an object are compared, its key and every amount; and what is asked for."""
    return {
        "keys": [".".join(item.path) for item in spec.fields if item.column in spec.key],
        "amounts": [".".join(item.path) for item in spec.fields if _is_amount(item)],
        "columns": [".".join(item.path) for item in spec.fields],
    }


def _is_amount(item: Field) -> bool:
    is_quantity = item.path[-1].startswith("amount") or item.path[-1] in _QUANTITIES
    return item.kind == "decimal" or (item.kind == "integer" and is_quantity)


def listed_objects() -> dict[str, str]:
    """Objects of ours that Stripe lists, and the name of the list."""
    known = {name: one for name, one in ENDPOINTS.items() if name in CONNECTORS["stripe"].objects}
    return {
        name: endpoint.path.removeprefix("/v1/")
        for name, endpoint in known.items()
        if endpoint.element is None
    }


def names(system: System) -> dict[str, str]:
    """Our name of an object, and the vendor's."""
    if system == "stripe":
        return listed_objects()
    return {name: spec.vendor_name for name, spec in CONNECTORS[system].objects.items()}


def wanted(system: System) -> dict[str, dict[str, Any]]:
    """All that is to be read of a system, under the vendor's names."""
    objects = CONNECTORS[system].objects
    found: dict[str, dict[str, Any]] = {}
    for ours, theirs in names(system).items():
        found[theirs] = dict(wanted_of(objects[ours]))
        if system == "stripe":
            found[theirs]["params"] = dict(ENDPOINTS[ours].params)
    return found


def under_our_names(system: System, found: RowSets) -> RowSets:
    """Row sets that were read under the vendor's names."""
    return {ours: found[theirs] for ours, theirs in names(system).items() if theirs in found}


def scenes(system: System, secrets: dict[str, Any], *chosen: str) -> Task:
    """A task of the vendor's client: scenes by name, or all of them."""
    return secrets | {"objects": wanted(system), "scenes": chosen, "version": "62.0"}


def dlt(system: System, secrets: dict[str, Any], home: Path, *, into_duckdb: bool) -> Task:
    return secrets | {
        "system": system,
        "objects": wanted(system),
        "home": str(home),
        "pipeline": str(home) if into_duckdb else None,
    }


def tap_stripe(secrets: dict[str, Any]) -> Task:
    """One window over all time: the tap asks for each window apart."""
    objects = CONNECTORS["stripe"].objects
    return {
        "tap": "tap_stripe",
        "config": {
            "client_secret": secrets["api_key"],
            "account_id": _account_of(secrets),
            "start_date": "2000-01-01T00:00:00Z",
            "date_window_size": 100_000,
            "event_date_window_size": 30,
        },
        "hosts": {"api.stripe.com": secrets["base_url"]},
        "streams": {stream: wanted_of(objects[name]) for name, stream in _TAPPED.items()},
    }


def _account_of(secrets: dict[str, Any]) -> str:
    """The tap wants to be told whose key it has, and checks it."""
    headers = {"Authorization": f"Bearer {secrets['api_key']}"}
    return httpx.get(f"{secrets['base_url']}/v1/account", headers=headers).json()["id"]


def tap_salesforce(secrets: dict[str, Any]) -> Task:
    return {
        "tap": "tap_salesforce",
        "config": {
            "client_id": secrets["client_id"],
            "client_secret": secrets["client_secret"],
            "refresh_token": secrets["refresh_token"],
            "start_date": "2000-01-01T00:00:00Z",
            "api_type": "REST",
            "select_fields_by_default": True,
        },
        "hosts": {"login.salesforce.com": secrets["base_url"]},
        "streams": wanted("salesforce"),
    }
