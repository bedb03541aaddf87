"""The sandbox's Stripe events: whole objects as they were, what changed, and who asked for it."""

from datetime import timedelta

import pytest

from extractors.sandbox import stripe_money
from extractors.sandbox.stripe_events import DEFAULT_VERSION, PENDING_WEBHOOKS
from tests.wire.stripe_sandbox import AT, OLD, account, open_invoice, paid_invoice, refusal


@pytest.fixture
def books(tmp_path, vendor_secrets):
    with account(tmp_path, vendor_secrets) as books:
        yield books


@pytest.fixture
def client(books):
    return books.client()


@pytest.fixture
def http(books):
    with books.http() as http:
        yield http


def last(http, event_type):
    page = http.get("events", params={"type": event_type, "limit": 1})
    return page.json()["data"][0]


# What an event holds.


def test_an_event_shows_the_object_as_a_plain_get_does(client, http):
    client.v1.customers.update("cus_1", {"name": "New", "metadata": {"a": "1"}})
    event = last(http, "customer.updated")
    assert event["data"]["object"] == http.get("customers/cus_1").json()
    assert "tax_ids" not in event["data"]["object"]


def test_embedded_lists_end_at_ten_in_events_too(client, http):
    client.v1.subscription_items.create({"subscription": "sub_1", "price": "price_1"})
    for _ in range(9):
        client.v1.subscription_items.create({"subscription": "sub_1", "price": "price_1"})
    items = last(http, "customer.subscription.updated")["data"]["object"]["items"]
    assert (len(items["data"]), items["has_more"]) == (10, True)
    assert items["url"] == "/v1/subscription_items?subscription=sub_1"


def test_an_update_tells_what_the_changed_fields_were(client, http):
    client.v1.customers.update("cus_1", {"name": "New", "metadata": {"a": "1"}})
    client.v1.customers.update("cus_1", {"metadata": {"a": "2", "b": "3"}})
    first, second = (
        e["data"]["previous_attributes"]
        for e in reversed(http.get("events", params={"type": "customer.updated"}).json()["data"])
    )
    assert first == {"name": "Company 1", "metadata": {"a": None}}
    assert second == {"metadata": {"a": "1", "b": None}}


def test_lists_are_told_whole_where_one_element_changed(client, http):
    before = http.get("subscriptions/sub_1").json()["items"]
    client.v1.subscription_items.update("si_1", {"quantity": 3, "proration_behavior": "none"})
    told = last(http, "customer.subscription.updated")["data"]["previous_attributes"]
    assert told == {"items": {"data": before["data"]}}


def test_only_updates_tell_what_was(client, http):
    invoice = open_invoice(client)
    client.v1.invoices.void_invoice(invoice.id)
    assert "previous_attributes" in last(http, "invoice.updated")["data"]
    for event_type in ("invoice.created", "invoice.finalized", "invoice.voided"):
        assert "previous_attributes" not in last(http, event_type)["data"]


def test_an_event_keeps_what_it_showed(client, http):
    client.v1.customers.update("cus_1", {"name": "Then"})
    event = last(http, "customer.updated")
    client.v1.customers.update("cus_1", {"name": "Now"})
    again = client.v1.events.retrieve(event["id"])
    assert again.data.object["name"] == "Then"


def test_an_event_of_the_api_names_the_request(http):
    answer = http.post("customers/cus_1", data={"name": "N"}, headers={"Idempotency-Key": "k-1"})
    request = last(http, "customer.updated")["request"]
    assert request == {"id": answer.headers["request-id"], "idempotency_key": "k-1"}


def test_an_event_of_the_vendors_own_doing_names_none(books, http):
    books.store.put("stripe", "customer", {"id": "cus_1", "name": "N"})
    assert last(http, "customer.updated")["request"] == {"id": None, "idempotency_key": None}


def test_a_deleted_object_is_shown_for_the_last_time(client, http):
    client.v1.customers.delete("cus_2")
    assert last(http, "customer.deleted")["data"]["object"]["name"] == "Company 2"


def test_what_is_refused_has_no_events(books, http):
    before = books.count_events()
    assert http.post("customers/cus_1", data={"name": "N", "nom": "x"}).status_code == 400
    assert http.post("subscriptions/sub_1", data={"items[0][id]": "si_x"}).status_code == 400
    assert books.count_events() == before


def test_tax_ids_have_events_of_their_own(books, client, http):
    made = client.v1.customers.create(
        {"name": "N", "tax_id_data": [{"type": "gb_vat", "value": "GB1"}]}
    )
    assert books.events()[-2:] == ["customer.created", "customer.tax_id.created"]
    told = last(http, "customer.tax_id.created")["data"]["object"]
    assert (told["object"], told["customer"], told["value"]) == ("tax_id", made.id, "GB1")
    since = books.count_events()
    added = client.v1.customers.tax_ids.create(made.id, {"type": "eu_vat", "value": "DE1"})
    client.v1.customers.tax_ids.delete(made.id, added.id)
    assert books.events(since) == ["customer.tax_id.created", "customer.tax_id.deleted"]


def test_balance_transactions_have_no_events(books):
    stripe_money.charge(books.store, "cus_1", 1000, "usd")
    stripe_money.settle(books.store)
    assert not [t for t in books.events() if t.startswith("balance_transaction")]


FLOWS = {
    "a draft": (
        lambda b: b.v1.invoices.create({"customer": "cus_1"}),
        ["invoice.created"],
    ),
    "a paid invoice": (
        lambda b: b.v1.invoices.pay(open_invoice(b).id),
        ["payment_intent.created", "payment_intent.succeeded", "charge.succeeded",
         "invoice_payment.paid", "invoice.updated", "invoice.paid", "invoice.payment_succeeded"],
    ),
    "a write-off": (
        lambda b: b.v1.invoices.mark_uncollectible(open_invoice(b).id),
        ["invoice.updated", "invoice.marked_uncollectible"],
    ),
    "a refund": (
        lambda b: b.v1.refunds.create(
            {"charge": stripe_money.charge(b.store, "cus_1", 900, "usd")["id"]}
        ),
        ["charge.refunded", "refund.created"],
    ),
    "a changed refund": (
        lambda b: b.v1.refunds.update(
            b.v1.refunds.create({"charge": stripe_money.charge(b.store, None, 9, "usd")["id"]}).id,
            {"metadata": {"a": "1"}},
        ),
        ["refund.updated", "charge.refund.updated"],
    ),
    "a dispute": (
        lambda b: stripe_money.dispute(
            b.store, stripe_money.charge(b.store, None, 900, "usd")["id"]
        ),
        ["charge.updated", "charge.dispute.created", "charge.dispute.funds_withdrawn"],
    ),
    "a dispute that is won": (
        lambda b: stripe_money.close_dispute(
            b.store,
            stripe_money.dispute(
                b.store, stripe_money.charge(b.store, None, 900, "usd")["id"]
            )["id"],
            is_won=True,
        ),
        ["charge.dispute.updated", "charge.dispute.closed", "charge.dispute.funds_reinstated"],
    ),
    "a credit note": (
        lambda b: b.v1.credit_notes.create({"invoice": open_invoice(b).id, "amount": 5}),
        ["invoice.updated", "credit_note.created"],
    ),
    "a voided credit note": (
        lambda b: b.v1.credit_notes.void_credit_note(
            b.v1.credit_notes.create({"invoice": open_invoice(b).id, "amount": 5}).id
        ),
        ["invoice.updated", "credit_note.voided"],
    ),
    "a schedule": (
        lambda b: b.v1.subscription_schedules.create({"from_subscription": "sub_1"}),
        ["subscription_schedule.created", "customer.subscription.updated"],
    ),
    "a released schedule": (
        lambda b: b.v1.subscription_schedules.release(
            b.v1.subscription_schedules.create({"from_subscription": "sub_1"}).id
        ),
        ["customer.subscription.updated", "subscription_schedule.released"],
    ),
    "a pending item": (
        lambda b: b.v1.invoice_items.create({"customer": "cus_1", "amount": 5}),
        ["invoiceitem.created"],
    ),
    "a cancellation": (
        lambda b: b.v1.subscriptions.cancel("sub_1"),
        ["customer.subscription.deleted"],
    ),
    "a coupon": (
        lambda b: b.v1.coupons.update(
            b.v1.coupons.create({"percent_off": 10.5}).id, {"name": "Ten"}
        ),
        ["coupon.created", "coupon.updated"],
    ),
}  # fmt: skip


@pytest.mark.parametrize("flow", FLOWS)
def test_what_is_done_is_told_in_order(books, flow):
    do, told = FLOWS[flow]
    do(books)
    assert books.events()[-len(told) :] == told


def test_a_payout_is_told_until_it_is_at_the_bank(books):
    stripe_money.charge(books.store, "cus_1", 10_000, "usd")
    books.store.advance_clock(timedelta(days=3))
    stripe_money.settle(books.store)
    (payout,) = stripe_money.pay_out(books.store)
    stripe_money.land(books.store, payout["id"])
    told = [t for t in books.events() if t.startswith("payout")]
    assert told == ["payout.created", "payout.updated", "payout.paid"]


# Versions.


def test_events_carry_the_accounts_version(client, http):
    client.v1.customers.update("cus_1", {"name": "N"})
    assert last(http, "customer.updated")["api_version"] == "2026-10-28.endive"


@pytest.mark.parametrize("version", [OLD, "2024-06-20"])
def test_events_have_the_shape_of_the_accounts_version(books, client, http, version):
    books.store.set_meta(DEFAULT_VERSION, version)
    client.v1.subscriptions.update("sub_1", {"metadata": {"a": "1"}})
    paid = paid_invoice(client)
    event = last(http, "customer.subscription.updated")
    assert event["api_version"] == version
    shown = event["data"]["object"]
    assert shown["current_period_end"] > AT
    assert "current_period_end" not in shown["items"]["data"][0]
    assert event["data"]["previous_attributes"] == {"metadata": {"a": None}}
    invoice = last(http, "invoice.paid")["data"]["object"]
    assert (invoice["paid"], invoice["charge"][:3], invoice["payment_intent"][:3]) == (
        True, "ch_", "pi_",
    )  # fmt: skip
    assert "parent" not in invoice
    # the answer to a request has the version that the request asks for
    pinned = http.get(f"invoices/{paid.id}", headers={"Stripe-Version": "2026-10-28.endive"}).json()
    assert "charge" not in pinned


def test_an_event_stays_in_the_version_of_its_time(books, client, http):
    books.store.set_meta(DEFAULT_VERSION, OLD)
    client.v1.subscriptions.update("sub_1", {"metadata": {"a": "1"}})
    books.store.set_meta(DEFAULT_VERSION, None)
    client.v1.subscriptions.update("sub_1", {"metadata": {"a": "2"}})
    new, old = http.get("events", params={"type": "customer.subscription.updated"}).json()["data"]
    assert ("current_period_end" in old["data"]["object"], old["api_version"]) == (True, OLD)
    assert "current_period_end" not in new["data"]["object"]
    read_in_old = http.get(f"events/{new['id']}", headers={"Stripe-Version": OLD}).json()
    assert read_in_old == new


# Lists of events.


def test_events_are_found_by_type_by_types_and_by_a_star(client, http):
    client.v1.customers.update("cus_1", {"name": "N"})
    client.v1.products.update("prod_1", {"name": "P"})
    client.v1.subscriptions.update("sub_1", {"metadata": {"a": "1"}})

    def types(**params):
        return [e["type"] for e in http.get("events", params=params).json()["data"]]

    assert types(type="product.updated") == ["product.updated"]
    assert types(**{"types[]": ["product.updated", "customer.updated"]}) == [
        "product.updated", "customer.updated",
    ]  # fmt: skip
    assert types(type="customer.*") == ["customer.subscription.updated", "customer.updated"]
    assert types(type="customer.subscription.*") == ["customer.subscription.updated"]
    assert types(type="cust*") == []
    assert len(types(type="*")) == 3


@pytest.mark.parametrize(
    ("params", "why"),
    [
        ({f"types[{n}]": f"t{n}" for n in range(21)}, (None, "types")),
        ({"type": "a", "types[]": "b"}, (None, "type")),
        ({"delivery_success": "maybe"}, (None, "delivery_success")),
        ({"customer": "cus_1"}, ("parameter_unknown", "customer")),
    ],
)
def test_wrong_questions_for_events_are_refused(http, params, why):
    status, kind, code, param = refusal(http.get("events", params=params))
    assert (status, kind, param) == (400, "invalid_request_error", why[1])
    assert code == (why[0] or code)


def test_twenty_types_are_allowed(http):
    types = {f"types[{n}]": f"t{n}" for n in range(20)}
    assert http.get("events", params=types).json()["data"] == []


def test_events_that_were_not_delivered_are_found(books, client, http):
    client.v1.customers.update("cus_1", {"name": "N"})
    books.store.set_meta(PENDING_WEBHOOKS, 1)
    client.v1.customers.update("cus_1", {"name": "M"})

    def names(success):
        events = http.get("events", params={"delivery_success": success}).json()["data"]
        return [(e["data"]["object"]["name"], e["pending_webhooks"]) for e in events]

    assert names("true") == [("N", 0)]
    assert names("false") == [("M", 1)]


def test_events_end_after_thirty_days(books, client, http):
    client.v1.customers.update("cus_1", {"name": "N"})
    event = last(http, "customer.updated")["id"]
    books.store.advance_clock(timedelta(days=29))
    assert http.get(f"events/{event}").is_success
    books.store.advance_clock(timedelta(days=2))
    assert http.get("events").json()["data"] == []
    assert refusal(http.get(f"events/{event}"))[::2] == (404, "resource_missing")
    assert refusal(http.get("events/evt_none"))[::2] == (404, "resource_missing")


def test_the_client_pages_through_events(client):
    for n in range(25):
        client.v1.customers.update("cus_1", {"name": f"Name {n}"})
    page = client.v1.events.list({"limit": 10, "types": ["customer.updated"]})
    names = [event.data.object["name"] for event in page.auto_paging_iter()]
    assert names == [f"Name {n}" for n in reversed(range(25))]
