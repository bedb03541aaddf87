"""The wire traps of a billing API, as the sandbox's Stripe lays them for its clients."""

from datetime import timedelta

import pytest
import stripe

from extractors.sandbox import stripe_money
from extractors.sandbox.stripe_trouble import TROUBLE
from tests.wire.stripe_sandbox import AT, OLD, account, open_invoice, refusal


@pytest.fixture
def books(tmp_path, vendor_secrets):
    with account(tmp_path, vendor_secrets) as books:
        yield books


@pytest.fixture
def http(books):
    with books.http() as http:
        yield http


def ids(answer):
    return [one["id"] for one in answer.json()["data"]]


def test_trap_01_fields_that_moved_are_missing_without_a_word(books, http):
    now = http.get("subscriptions/sub_1")
    then = http.get("subscriptions/sub_1", headers={"Stripe-Version": OLD})
    assert now.is_success
    assert then.is_success
    assert "current_period_end" not in now.json()
    assert "current_period_end" not in then.json()["items"]["data"][0]


def test_trap_01_an_event_has_its_own_version(books, http):
    books.store.set_meta("stripe.api_version", OLD)
    books.v1.subscriptions.update("sub_1", {"metadata": {"a": "1"}})
    (event,) = http.get("events").json()["data"]
    pinned = {"Stripe-Version": "2026-10-28.endive"}
    again = http.get(f"events/{event['id']}", headers=pinned).json()
    assert again["api_version"] == OLD
    assert "current_period_end" in again["data"]["object"]


def test_trap_03_a_key_replays_failures_and_is_forgotten_after_a_day(books, http):
    books.store.set_meta(TROUBLE, {"prod_1": {"error": "api_error", "times": 1}})
    named = {"headers": {"Idempotency-Key": "k"}, "data": {"name": "N"}}
    assert http.post("products/prod_1", **named).status_code == 500
    assert http.post("products/prod_1", **named).status_code == 500
    first = http.post("products", data={"name": "A"}, headers={"Idempotency-Key": "once"})
    books.store.advance_clock(timedelta(hours=25))
    again = http.post("products", data={"name": "A"}, headers={"Idempotency-Key": "once"})
    assert again.json()["id"] != first.json()["id"]
    assert http.post("products/prod_1", **named).is_success


def test_trap_04_a_429_is_retried_by_the_client_only_where_it_is_advised(books):
    client = books.client(max_network_retries=2)
    books.store.set_meta(TROUBLE, {"cus_1": {"error": "lock_timeout", "times": 1}})
    assert client.v1.customers.update("cus_1", {"name": "N"}).name == "N"
    plain = {"system": "stripe", "times": 1, "status": 429}
    books.store.set_meta("request_faults", [plain])
    with pytest.raises(stripe.RateLimitError):
        client.v1.customers.update("cus_1", {"name": "M"})


def test_trap_05_a_cursor_of_a_record_that_is_gone_ends_the_paging(books, http):
    last = ids(http.get("coupons")) or [books.v1.coupons.create({"percent_off": 5}).id]
    books.store.delete("stripe", "coupon", last[0])
    answer = http.get("coupons", params={"starting_after": last[0]})
    assert refusal(answer) == (400, "invalid_request_error", "resource_missing", "starting_after")


def test_trap_05_a_deleted_customer_is_still_a_cursor(books, http):
    books.v1.customers.delete("cus_2")
    assert ids(http.get("customers", params={"starting_after": "cus_2"})) == ["cus_1"]
    assert ids(http.get("customers", params={"ending_before": "cus_2"})) == ["cus_3"]


def test_trap_06_two_records_share_a_second_and_a_strict_bound_loses_one(books, http):
    twins = [{"id": f"cus_t{n}", "created": AT + 5} for n in (1, 2)]
    books.store.put_many("stripe", "customer", twins)
    first = ids(http.get("customers", params={"limit": 1, "created[gte]": AT + 5}))
    rest = {"created[gte]": AT + 5, "starting_after": first[0]}
    assert first + ids(http.get("customers", params=rest)) == ["cus_t2", "cus_t1"]
    assert ids(http.get("customers", params={"created[gt]": AT + 5})) == []


def test_trap_06_lists_know_no_time_of_change(http):
    for name in ("updated[gte]", "modified[gte]"):
        answer = http.get("customers", params={name: AT})
        assert refusal(answer)[::2] == (400, "parameter_unknown")


def test_trap_07_what_is_deleted_or_over_is_not_listed(books, http):
    books.v1.subscriptions.cancel("sub_1")
    assert ids(http.get("subscriptions")) == []
    assert ids(http.get("subscriptions", params={"status": "all"})) == ["sub_1"]
    books.v1.customers.delete("cus_1")
    assert "cus_1" not in ids(http.get("customers"))
    stub = http.get("customers/cus_1")
    assert stub.json() == {"id": "cus_1", "object": "customer", "deleted": True}


def test_trap_08_money_is_whole_minor_units_and_finer_only_in_text(books, http):
    books.v1.prices.create(
        {"currency": "usd", "product": "prod_1", "unit_amount_decimal": "12.000000000001"}
    )
    listed = http.get("prices", params={"limit": 1}).json()["data"][0]
    assert (listed["unit_amount"], listed["unit_amount_decimal"]) == (None, "12.000000000001")
    yen = stripe_money.charge(books.store, "cus_1", 1234, "jpy")
    assert http.get(f"charges/{yen['id']}").json()["amount"] == 1234


def test_trap_09_embedded_lists_end_at_ten(books, http):
    draft = books.v1.invoices.create({"customer": "cus_1"})
    for n in range(12):
        books.v1.invoice_items.create({"customer": "cus_1", "invoice": draft.id, "amount": n})
    lines = http.get(f"invoices/{draft.id}").json()["lines"]
    assert (len(lines["data"]), lines["has_more"]) == (10, True)
    rest = http.get(lines["url"].removeprefix("/v1/"), params={"limit": 100}).json()
    assert (len(rest["data"]), rest["has_more"]) == (12, False)


def test_trap_09_one_invoice_has_many_payments(books, http):
    invoice = open_invoice(books, 1000)
    for n, amount in enumerate((400, 600), 1):
        payment = {"type": "payment_record", "payment_record": f"prec_{n}"}
        fields = {"amount_paid": amount, "currency": "usd", "status": "paid", "payment": payment}
        known = {"id": f"inpay_{n}", "invoice": invoice.id, **fields}
        books.store.put("stripe", "invoice_payment", known)
    listed = http.get("invoice_payments", params={"invoice": invoice.id}).json()["data"]
    assert sorted(payment["amount_paid"] for payment in listed) == [400, 600]


@pytest.mark.parametrize(
    ("method", "path", "data"),
    [
        ("GET", "customers", {"creatd[gte]": AT}),
        ("GET", "customers", {"created[after]": AT}),
        ("GET", "customers/cus_1", {"fields": "name"}),
        ("POST", "customers", {"nmae": "N"}),
        ("POST", "subscriptions/sub_1", {"items[0][price_id]": "price_1"}),
        ("POST", "invoices/in_1/pay", {"amount": 5}),
        ("POST", "refunds", {"charges": "ch_1"}),
    ],
)
def test_trap_10_nothing_unknown_is_accepted_in_silence(http, method, path, data):
    how = {"params": data} if method == "GET" else {"data": data}
    assert refusal(http.request(method, path, **how))[::2] == (400, "parameter_unknown")


def test_trap_10_nested_lists_are_taken_in_both_spellings(http):
    for spelled in (
        ("tax_id_data[0][type]", "tax_id_data[0][value]"),
        (
            "tax_id_data[][type]",
            "tax_id_data[][value]",
        ),
    ):
        data = dict(zip(spelled, ("eu_vat", "DE9"), strict=True)) | {"name": "N"}
        made = http.post("customers", data=data).json()
        whole = http.get(f"customers/{made['id']}", params={"expand[]": "tax_ids"}).json()
        assert [t["value"] for t in whole["tax_ids"]["data"]] == ["DE9"]
