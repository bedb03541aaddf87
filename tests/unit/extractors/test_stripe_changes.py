"""What events of Stripe tell: a record's new state, its end, or only that it changed."""

from datetime import UTC, datetime

import pytest
import stripe

from extractors.billing.stripe.changes import (
    Changes,
    event_types,
    lacks,
    missing_key,
    shows_our_shape,
)
from extractors.billing.stripe.objects import API_VERSION, ENDPOINTS, OBJECTS, Endpoint

AT = 1_780_000_000


def event(kind, at=AT, *, version=API_VERSION, **shown):
    return {"type": kind, "created": at, "api_version": version, "data": {"object": shown}}


def told(*events, name="customer", key="cus_1"):
    """What the events tell of one record, in any order."""
    found = []
    for order in (events, events[::-1]):
        changes = Changes(AT - 1_000, datetime(2026, 6, 1, tzinfo=UTC))
        changes.add(order)
        found.append(changes.of(name).get(key))
    one, other = [change and (change.at, change.state, change.deleted) for change in found]
    assert one == other
    return found[0]


def customer(name, **values):
    return {"id": "cus_1", "name": name, "created": AT - 50, **values}


def test_the_newest_event_shows_the_record():
    change = told(
        event("customer.created", AT - 9, **customer("A")),
        event("customer.updated", AT - 5, **customer("B")),
    )
    assert change.state == customer("B")
    assert (change.changed_at, change.created) == ("2026-05-28T20:26:35Z", AT - 50)


def test_two_states_in_one_second_show_neither():
    change = told(
        event("customer.updated", AT, **customer("A")),
        event("customer.updated", AT, **customer("B")),
    )
    assert (change.is_known, change.path) == (False, "/v1/customers/cus_1")


def test_the_same_state_twice_in_one_second_is_one():
    change = told(*[event("customer.updated", AT, **customer("A"))] * 2)
    assert change.state == customer("A")


def test_a_deletion_ends_a_record_unless_the_same_second_shows_it_alive():
    ended = event("product.deleted", AT, id="prod_1", created=1)
    assert told(ended, name="product", key="prod_1").deleted
    again = event("product.created", AT, id="prod_1", created=2)
    assert not told(ended, again, name="product", key="prod_1").is_known
    later = event("product.created", AT + 1, id="prod_1", created=2)
    assert told(ended, later, name="product", key="prod_1").state["created"] == 2


def test_an_item_of_an_invoice_was_created_at_its_date():
    shown = {"id": "ii_1", "date": AT - 50, "parent": None}
    change = told(event("invoiceitem.created", **shown), name="invoiceitem", key="ii_1")
    assert (change.created, change.is_known) == (AT - 50, False)
    change = told(
        event("invoiceitem.created", **shown, pricing=None), name="invoiceitem", key="ii_1"
    )
    assert change.state["date"] == AT - 50


def test_a_canceled_subscription_is_not_gone():
    shown = {"id": "sub_1", "status": "canceled", "discounts": [], "items": {"data": []}}
    change = told(event("customer.subscription.deleted", **shown), name="subscription", key="sub_1")
    assert (change.deleted, change.state) == (False, shown)


@pytest.mark.parametrize("version", ["2022-11-15", "2025-03-31.basil", None])
def test_what_another_release_renders_is_not_used(version):
    change = told(event("customer.updated", version=version, **customer("A")))
    assert not change.is_known
    assert change.created == AT - 50


def test_releases_of_one_name_differ_by_additions_only():
    assert shows_our_shape("2026-12-16.endive")
    assert not shows_our_shape("2027-03-31.fuchsia")


def test_a_shape_of_another_era_is_not_used_whatever_version_it_claims():
    line = {"id": "il_1", "price": {"id": "price_1"}}
    shown = {"id": "in_1", "parent": None, "total_taxes": [], "lines": {"data": [line]}}
    assert not told(event("invoice.paid", **shown), name="invoice", key="in_1").is_known
    line |= {"pricing": None, "taxes": []}
    assert told(event("invoice.paid", **shown), name="invoice", key="in_1").is_known


def test_what_must_be_expanded_and_is_not_is_read_again():
    endpoint = ENDPOINTS["subscription"]
    item = {"id": "si_1", "discounts": []}
    record = {"id": "sub_1", "discounts": [], "items": {"data": [item]}}
    assert not lacks(record, endpoint)
    item["discounts"] = ["di_1"]
    assert lacks(record, endpoint)
    item["discounts"] = [{"id": "di_1", "source": {"coupon": "SAVE"}}]
    assert not lacks(record, endpoint)


def test_a_price_whose_tiers_an_event_does_not_show_is_read_again():
    endpoint = ENDPOINTS["price"]
    assert lacks({"id": "price_1", "billing_scheme": "tiered"}, endpoint)
    assert not lacks({"id": "price_1", "billing_scheme": "tiered", "tiers": []}, endpoint)
    assert not lacks({"id": "price_1", "billing_scheme": "per_unit"}, endpoint)


def test_a_change_of_something_else_can_concern_a_record():
    dispute = {"id": "dp_1", "charge": "ch_1", "created": AT}
    change = told(event("charge.dispute.created", **dispute), name="charge", key="ch_1")
    assert (change.is_known, change.path) == (False, "/v1/charges/ch_1")
    discount = {"id": "di_1", "subscription": None}
    assert told(event("customer.discount.created", **discount), name="subscription") is None


def test_a_tax_id_is_retrieved_below_its_customer():
    shown = {"id": "txi_1", "customer": "cus_1", "created": AT}
    old = event("customer.tax_id.updated", version=None, **shown)
    assert told(old, name="tax_id", key="txi_1").path == "/v1/customers/cus_1/tax_ids/txi_1"


def test_older_events_are_none_of_our_business():
    assert told(event("customer.updated", AT - 1_001, **customer("A"))) is None


def test_keys_that_are_null_are_there():
    assert missing_key({"parent": None, "lines": {"data": []}}, ["parent", "lines.data.x"]) is None
    assert missing_key({"lines": {"data": [{"x": 1}, {}]}}, ["lines.data.x"]) == "lines.data.x"


def vendor_class(name):
    """The vendor's own class: `billing.meter_event_summary` is stripe.billing.MeterEventSummary."""
    folder, _, kind = name.rpartition(".")
    if kind == "invoiceitem":
        return stripe.InvoiceItem
    titled = "".join(word.title() for word in kind.split("_"))
    return getattr(getattr(stripe, folder) if folder else stripe, titled)


def test_every_type_that_is_asked_for_is_one_of_the_vendors():
    known = str(stripe.Event.__annotations__["type"])
    assert [kind for kind in event_types() if f"'{kind}'" not in known] == []


@pytest.mark.parametrize("name", OBJECTS)
def test_every_field_expansion_and_key_is_one_of_the_vendors(name):
    # Ours: whose account it is, what a payout paid out, whose usage was asked for.
    ours = {"payout": {"balance_transactions"}, "usage": {"customer"}}.get(name, set())
    fields = {item.path[0] for item in OBJECTS[name].fields} - {"account"} - ours
    theirs = OBJECTS[name].vendor_name
    assert fields <= set(vendor_class(theirs).__annotations__)
    endpoint = ENDPOINTS.get(name, Endpoint("usage has no list"))
    listed = vendor_class("customer" if endpoint.element else theirs).__annotations__
    assert {path.split(".")[0] for path in (*endpoint.expand, *endpoint.shape)} <= set(listed)
