"""Stripe over the wire: lists and nested lists to their end, events, tombstones, pinned version."""

import json
from datetime import timedelta
from decimal import Decimal

import pytest

from extractors.billing.stripe import client
from extractors.errors import ContractBroken, Unauthorized
from tests.wire.vendors import LONG_AGO, NIGHT

CREATED = int(LONG_AGO.timestamp())


def customer(number, **values):
    base = {"id": f"cus_{number}", "name": f"Company {number}", "created": CREATED + number}
    return {**base, "metadata": {"channel": "sales_led"}, **values}


def product(number, **values):
    base = {"id": f"prod_{number}", "name": "Seats", "active": True, "created": CREATED + number}
    return {**base, "metadata": {"sku": f"SKU-{number}"}, **values}


def price():
    recurring = {"interval": "month", "interval_count": 1}
    base = {"id": "price_1", "object": "price", "product": "prod_1", "currency": "usd"}
    amounts = {"unit_amount": None, "unit_amount_decimal": "1234.5"}
    return {**base, **amounts, "recurring": recurring, "active": True, "created": CREATED}


def subscription(number, items, **values):
    coupon = {"id": "SAVE", "percent_off": Decimal("12.5")}
    discount = {"id": "di_1", "object": "discount", "source": {"type": "coupon", "coupon": coupon}}
    data = [
        {
            "id": f"si_{number}_{at}",
            "price": price(),
            "quantity": at,
            "created": CREATED,
            "discounts": [discount],
            "metadata": {},
        }
        for at in range(items)
    ]
    base = {"id": f"sub_{number}", "customer": "cus_1", "status": "active", "currency": "usd"}
    dates = {"start_date": CREATED, "created": CREATED + number}
    flags = {"cancel_at_period_end": False, "collection_method": "send_invoice", "discounts": []}
    return {**base, **dates, **flags, "items": {"data": data}, "metadata": {}, **values}


def invoice(number, lines, **values):
    data = [{"id": f"il_{number}_{at}", "amount": 100, "quantity": 1} for at in range(lines)]
    total = 100 * lines
    amounts = {"subtotal": total, "total": total, "amount_due": total, "amount_remaining": total}
    base = {"id": f"in_{number}", "customer": "cus_1", "currency": "usd", "status": "open"}
    parent = {"subscription_details": {"subscription": "sub_1"}}
    rest = {"created": CREATED + number, "amount_paid": 0, "parent": parent, "metadata": {}}
    return {**base, **amounts, **rest, "lines": {"data": data}, **values}


def test_a_full_read_brings_every_page(vendors):
    vendors.store.put_many("stripe", "customer", [customer(n) for n in range(250)])
    manifest = vendors.extract("stripe", "customer")
    assert (manifest.mode, manifest.landed, manifest.source_count) == ("full", 250, None)
    stored = vendors.store.rows("stripe", "customer")
    assert set(vendors.rows("stripe", "customer")["id"]) == {row["id"] for row in stored}
    assert manifest.watermark_at == vendors.store.now()


def test_nested_values_land_flat(vendors):
    tax_id = {"id": "txi_1", "object": "tax_id", "type": "eu_vat", "value": "DE123"}
    tax_ids = {"data": [{**tax_id, "customer": "cus_1", "created": CREATED}]}
    address = {"line1": "1 Road", "city": "Berlin", "country": "DE"}
    record = customer(1, tax_ids=tax_ids, address=address, currency="eur")
    vendors.store.put_many("stripe", "customer", [record])
    vendors.extract("stripe", "customer")
    (row,) = vendors.current("stripe", "customer")
    assert (row["address_country"], row["address_postal_code"]) == ("DE", None)
    assert row["metadata_channel"] == "sales_led"
    vendors.extract("stripe", "tax_id")
    (tax_row,) = vendors.current("stripe", "tax_id")
    assert (tax_row["customer"], tax_row["value"]) == (row["id"], "DE123")


def test_lines_and_items_are_paged_to_their_end(vendors):
    vendors.store.put_many("stripe", "invoice", [invoice(1, 3), invoice(2, 235)])
    vendors.store.put_many("stripe", "subscription", [subscription(1, 2), subscription(2, 24)])
    vendors.extract("stripe", "invoice")
    vendors.extract("stripe", "subscription")
    lines = {row["id"]: json.loads(row["lines"]) for row in vendors.current("stripe", "invoice")}
    items = {
        row["id"]: json.loads(row["items"]) for row in vendors.current("stripe", "subscription")
    }
    assert [line["id"] for line in lines["in_2"]] == [f"il_2_{at}" for at in range(235)]
    assert len(lines["in_1"]) == 3
    assert [item["quantity"] for item in items["sub_2"]] == list(range(24))
    assert all(
        item["discounts"][0]["source"]["coupon"]["percent_off"] == "12.5" for item in items["sub_2"]
    )


def test_sums_tie_to_the_source(vendors):
    vendors.store.put_many("stripe", "invoice", [invoice(n, n % 30) for n in range(150)])
    vendors.extract("stripe", "invoice")
    rows = vendors.current("stripe", "invoice")
    stored = vendors.store.rows("stripe", "invoice")
    assert sum(row["total"] for row in rows) == sum(one["total"] for one in stored)
    line_total = sum(line["amount"] for row in rows for line in json.loads(row["lines"]))
    assert line_total == sum(one["total"] for one in stored)


def test_subscriptions_come_in_every_status(vendors):
    canceled = subscription(2, 1, status="canceled", canceled_at=CREATED + 9)
    vendors.store.put_many("stripe", "subscription", [subscription(1, 1), canceled])
    vendors.extract("stripe", "subscription")
    statuses = {row["id"]: row["status"] for row in vendors.current("stripe", "subscription")}
    assert statuses == {"sub_1": "active", "sub_2": "canceled"}


def test_the_next_night_reads_again_what_events_name(vendors):
    vendors.store.put_many("stripe", "customer", [customer(n) for n in range(1, 6)])
    vendors.extract("stripe", "customer")
    vendors.next_night()
    vendors.store.put("stripe", "customer", {"id": "cus_2", "name": "Renamed"})
    changed_at = vendors.store.now()
    vendors.store.delete("stripe", "customer", "cus_3")
    vendors.store.put("stripe", "customer", customer(9))
    manifest = vendors.extract("stripe", "customer")
    assert manifest.mode == "incremental"
    assert (manifest.read, manifest.landed, manifest.deleted) == (3, 2, 1)
    rows = {row["id"]: row for row in vendors.current("stripe", "customer")}
    assert set(rows) == {"cus_1", "cus_2", "cus_4", "cus_5", "cus_9"}
    assert rows["cus_2"]["name"] == "Renamed"
    assert rows["cus_2"]["_changed_at"] == f"{changed_at:%Y-%m-%dT%H:%M:%SZ}"
    assert rows["cus_1"]["_changed_at"] is None


def test_what_is_gone_without_a_stub_is_buried_too(vendors):
    vendors.store.put_many("stripe", "product", [product(1), product(2)])
    vendors.extract("stripe", "product")
    vendors.next_night()
    vendors.store.delete("stripe", "product", "prod_1")
    assert vendors.extract("stripe", "product").deleted == 1
    assert [row["id"] for row in vendors.current("stripe", "product")] == ["prod_2"]


def test_a_canceled_subscription_is_not_a_deleted_record(vendors):
    vendors.store.put_many("stripe", "subscription", [subscription(1, 1)])
    vendors.extract("stripe", "subscription")
    vendors.next_night()
    vendors.store.put("stripe", "subscription", {"id": "sub_1", "status": "canceled"})
    vendors.extract("stripe", "subscription")
    assert [row["status"] for row in vendors.current("stripe", "subscription")] == ["canceled"]


def test_a_changed_invoice_brings_all_its_lines(vendors):
    vendors.store.put_many("stripe", "invoice", [invoice(1, 3)])
    vendors.extract("stripe", "invoice")
    vendors.next_night()
    vendors.store.put("stripe", "invoice", invoice(1, 25))
    vendors.extract("stripe", "invoice")
    (row,) = vendors.current("stripe", "invoice")
    assert len(json.loads(row["lines"])) == 25


def test_a_quiet_night_lands_nothing_and_still_moves_the_watermark(vendors):
    vendors.store.put_many("stripe", "product", [product(1)])
    vendors.extract("stripe", "product")
    vendors.next_night()
    manifest = vendors.extract("stripe", "product")
    assert (manifest.mode, manifest.read) == ("incremental", 0)
    assert manifest.watermark_at == NIGHT + timedelta(days=1)
    assert len(vendors.current("stripe", "product")) == 1


def test_a_cursor_older_than_the_events_reach_means_a_full_sweep(vendors):
    vendors.store.put_many("stripe", "product", [product(1), product(2)])
    vendors.extract("stripe", "product")
    vendors.store.delete("stripe", "product", "prod_1")
    vendors.next_night(days=31)
    manifest = vendors.extract("stripe", "product")
    assert (manifest.mode, manifest.cursor_from) == ("full", None)
    assert [row["id"] for row in vendors.current("stripe", "product")] == ["prod_2"]


def test_a_full_read_knows_the_time_of_recent_changes(vendors):
    vendors.store.put_many("stripe", "subscription", [subscription(1, 1), subscription(2, 1)])
    vendors.store.put("stripe", "subscription", {"id": "sub_2", "status": "past_due"})
    vendors.extract("stripe", "subscription")
    rows = {row["id"]: row["_changed_at"] for row in vendors.current("stripe", "subscription")}
    assert rows == {"sub_1": None, "sub_2": f"{vendors.store.now():%Y-%m-%dT%H:%M:%SZ}"}


@pytest.mark.parametrize("night", [1, 2])
def test_a_lagging_replica_shows_in_the_watermark(vendors, night):
    if night == 2:
        vendors.extract("stripe", "price")
        vendors.next_night()
    vendors.store.set_meta("faults", {"stale": {"stripe.price": 9}})
    manifest = vendors.extract("stripe", "price")
    assert manifest.watermark_at == vendors.store.now() - timedelta(hours=9)


def test_the_version_is_pinned(vendors, monkeypatch):
    monkeypatch.setattr(client, "API_VERSION", "2022-11-15")
    with pytest.raises(ContractBroken, match="answered in version 2022-11-15, not in"):
        vendors.extract("stripe", "product")


def test_a_wrong_key_is_not_tried_twice(vendors):
    vendors.settings["stripe"]["api_key"] = "rk_wrong"
    with pytest.raises(Unauthorized):
        vendors.extract("stripe", "product")


@pytest.mark.parametrize("status", [429, 500, 503])
def test_a_busy_server_is_asked_again(vendors, impatient, status):
    vendors.store.put_many("stripe", "product", [product(1)])
    vendors.fault("stripe", path="/v1/products", status=status, times=2)
    assert vendors.extract("stripe", "product").landed == 1


def test_a_bad_record_is_set_aside_and_a_good_one_takes_its_place_later(vendors):
    vendors.store.put_many("stripe", "invoice", [invoice(1, 1), invoice(2, 1, total="lots")])
    manifest = vendors.extract("stripe", "invoice")
    assert (manifest.landed, manifest.quarantined) == (1, 1)
    vendors.next_night()
    vendors.store.put("stripe", "invoice", {"id": "in_2", "total": 100})
    vendors.extract("stripe", "invoice")
    assert {row["id"] for row in vendors.current("stripe", "invoice")} == {"in_1", "in_2"}


def test_payments_and_charges_are_read_with_what_they_settle(vendors):
    payment = {"type": "payment_intent", "payment_intent": "pi_1"}
    paid = {"id": "inpay_1", "invoice": "in_1", "amount_paid": 5, "currency": "usd"}
    transitions = {"paid_at": CREATED}
    record = {**paid, "status": "paid", "payment": payment, "status_transitions": transitions}
    vendors.store.put_many("stripe", "invoice_payment", [{**record, "created": CREATED}])
    charge = {"id": "ch_1", "amount": 5, "amount_refunded": 0, "currency": "usd", "paid": True}
    more = {"status": "succeeded", "payment_intent": "pi_1", "metadata": {"a": "b"}}
    vendors.store.put_many("stripe", "charge", [{**charge, **more, "created": CREATED}])
    vendors.extract("stripe", "invoice_payment")
    vendors.extract("stripe", "charge")
    (row,) = vendors.current("stripe", "invoice_payment")
    assert (row["payment_type"], row["payment_payment_intent"]) == ("payment_intent", "pi_1")
    assert row["status_transitions_paid_at"] == CREATED
    (row,) = vendors.current("stripe", "charge")
    assert (row["amount"], row["paid"], json.loads(row["metadata"])) == (5, True, {"a": "b"})


def test_an_invoice_item_comes_with_its_date_and_goes_when_it_is_deleted(vendors):
    marks = {"tieout_usage_line": "il_1", "tieout_usage_units": "40"}
    item = {"customer": "cus_1", "currency": "usd", "amount": 120, "metadata": marks}
    items = [{**item, "id": f"ii_{n}", "created": CREATED + n // 3} for n in range(250)]
    vendors.store.put_many("stripe", "invoiceitem", items)
    manifest = vendors.extract("stripe", "invoiceitem")
    assert (manifest.mode, manifest.landed) == ("full", 250)
    rows = {row["id"]: row for row in vendors.current("stripe", "invoiceitem")}
    assert rows["ii_3"]["date"] == CREATED + 1
    told = ("amount", "metadata_tieout_usage_line", "metadata_tieout_usage_units")
    assert [rows["ii_3"][name] for name in told] == [120, "il_1", "40"]
    vendors.next_night()
    vendors.store.delete("stripe", "invoiceitem", "ii_3")
    vendors.store.put("stripe", "invoiceitem", {**item, "id": "ii_new"})
    manifest = vendors.extract("stripe", "invoiceitem")
    assert (manifest.mode, manifest.landed, manifest.deleted) == ("incremental", 1, 1)
    kept = {row["id"] for row in vendors.current("stripe", "invoiceitem")}
    assert kept == rows.keys() - {"ii_3"} | {"ii_new"}
