"""The sandbox's Stripe: the official client works unchanged, what is wrong is refused."""

from datetime import timedelta
from email.utils import parsedate_to_datetime
from itertools import count

import httpx
import pytest
import stripe

from tests.wire.sandbox import CREATED

NUMBERS = count(1)


@pytest.fixture
def client(sandbox):
    key = sandbox.secrets["stripe"]["api_key"]
    return stripe.StripeClient(
        key, base_addresses={"api": sandbox.urls["stripe"]}, max_network_retries=0
    )


@pytest.fixture
def http(sandbox):
    with sandbox.stripe() as http:
        yield http


@pytest.fixture
def key():
    return f"key-{next(NUMBERS)}"


def error(response):
    body = response.json()["error"]
    return response.status_code, body["type"], body.get("code"), body.get("param")


def ids(page):
    return [element["id"] for element in page.json()["data"]]


# The client.


def test_the_client_pages_by_itself(client):
    page = client.v1.customers.list({"limit": 10, "created": {"lte": CREATED + 100}})
    listed = [customer.id for customer in page.auto_paging_iter()]
    assert listed == [f"cus_{n:03d}" for n in range(25, 0, -1)]


def test_the_client_retrieves_updates_and_merges_metadata(client, sandbox_store):
    client.v1.customers.update("cus_005", {"name": "Five Ltd", "metadata": {"a": "1", "b": "2"}})
    changed = client.v1.customers.update("cus_005", {"metadata": {"a": "", "c": "3"}})
    assert changed.metadata.to_dict() == {"b": "2", "c": "3"}
    assert client.v1.customers.retrieve("cus_005").name == "Five Ltd"
    types = [e["type"] for e in sandbox_store.rows("stripe", "event")[-2:]]
    assert types == ["customer.updated", "customer.updated"]
    cleared = client.v1.customers.update("cus_005", {"metadata": ""})
    assert cleared.metadata.to_dict() == {}


def test_the_client_creates_customers_products_and_prices(client):
    tax_ids = [{"type": "eu_vat", "value": "DE9"}]
    made = client.v1.customers.create({"name": "New", "tax_id_data": tax_ids})
    assert "tax_ids" not in made.to_dict()
    whole = client.v1.customers.retrieve(made.id, {"expand": ["tax_ids"]})
    assert whole.tax_ids.data[0].value == "DE9"
    product = client.v1.products.create({"name": "Extra", "metadata": {"sku": "X"}})
    recurring = {"interval": "month"}
    price = client.v1.prices.create(
        {"currency": "usd", "product": product.id, "unit_amount_decimal": "12.5", "recurring": recurring}
    )  # fmt: skip
    assert (price.unit_amount, price.recurring.interval_count) == (None, 1)
    assert str(price.unit_amount_decimal) == "12.5"
    client.v1.prices.update(price.id, {"active": False})
    listed = client.v1.prices.list({"product": product.id, "active": False})
    assert [p.id for p in listed.data] == [price.id]


def test_the_client_deletes_a_customer_to_a_stub(client):
    made = client.v1.customers.create({"name": "Gone"})
    assert client.v1.customers.delete(made.id).deleted is True
    stub = client.v1.customers.retrieve(made.id)
    assert stub.to_dict() == {"id": made.id, "object": "customer", "deleted": True}
    with pytest.raises(stripe.InvalidRequestError) as caught:
        client.v1.customers.update(made.id, {"name": "Back"})
    assert caught.value.code == "resource_missing"


def test_the_client_replays_a_request_with_the_same_key(client, sandbox_store, key):
    before = len(sandbox_store.rows("stripe", "product"))
    first = client.v1.products.create({"name": "Once"}, {"idempotency_key": key})
    again = client.v1.products.create({"name": "Once"}, {"idempotency_key": key})
    assert again.id == first.id
    assert again.last_response.headers["idempotent-replayed"] == "true"
    assert len(sandbox_store.rows("stripe", "product")) == before + 1
    with pytest.raises(stripe.IdempotencyError):
        client.v1.products.create({"name": "Twice"}, {"idempotency_key": key})


def test_a_key_is_forgotten_after_a_day_of_the_sandbox(client, sandbox_store, key):
    first = client.v1.products.create({"name": "Daily"}, {"idempotency_key": key})
    sandbox_store.advance_clock(timedelta(hours=25))
    assert client.v1.products.create({"name": "Daily"}, {"idempotency_key": key}).id != first.id


def test_the_client_raises_its_own_errors(client, sandbox):
    with pytest.raises(stripe.InvalidRequestError) as caught:
        client.v1.customers.retrieve("cus_none")
    assert (caught.value.http_status, caught.value.code) == (404, "resource_missing")
    base = {"api": sandbox.urls["stripe"]}
    with pytest.raises(stripe.AuthenticationError):
        stripe.StripeClient("rk_test_wrong", base_addresses=base).v1.customers.list()


def test_the_client_changes_the_quantity_of_an_item(client, sandbox_store):
    client.v1.subscription_items.update("si_03", {"quantity": 33, "proration_behavior": "none"})
    items = [{"id": "si_04", "quantity": 44, "metadata": {"line": "4"}}]
    client.v1.subscriptions.update("sub_live", {"items": items, "proration_behavior": "none"})
    kept = {
        i["id"]: i for i in sandbox_store.get("stripe", "subscription", "sub_live")["items"]["data"]
    }
    assert (kept["si_03"]["quantity"], kept["si_04"]["quantity"], len(kept)) == (33, 44, 12)
    assert kept["si_04"]["metadata"] == {"line": "4"}
    assert client.v1.subscription_items.retrieve("si_03").subscription == "sub_live"
    assert sandbox_store.rows("stripe", "event")[-1]["type"] == "customer.subscription.updated"


def test_the_client_pages_truncated_lists_to_their_end(client):
    invoice = client.v1.invoices.retrieve("in_open")
    assert (len(invoice.lines.data), invoice.lines.has_more) == (10, True)
    lines = [
        line.id
        for line in client.v1.invoices.line_items.list("in_open", {"limit": 9}).auto_paging_iter()
    ]
    assert lines == [f"il_{n:02d}" for n in range(1, 24)]
    items = client.v1.subscription_items.list({"subscription": "sub_live"})
    assert len(list(items.auto_paging_iter())) == 12


def test_the_client_reads_events(client):
    client.v1.customers.update("cus_006", {"name": "Six"})
    client.v1.products.update("prod_1", {"description": "The platform"})
    events = client.v1.events.list({"types": ["customer.updated"], "limit": 1}).data
    assert (events[0].type, events[0].data.object.id) == ("customer.updated", "cus_006")
    product = client.v1.events.list({"type": "product.updated"}).data[0]
    assert (
        client.v1.events.list({"created": {"gt": product.created}, "type": "product.updated"}).data
        == []
    )


def test_the_client_ends_invoices_and_subscriptions(client, sandbox_store):
    invoice = {"id": f"in_end{next(NUMBERS)}", "status": "open", "customer": "cus_001"}
    sandbox_store.put("stripe", "invoice", invoice)
    assert client.v1.invoices.mark_uncollectible(invoice["id"]).status == "uncollectible"
    voided = client.v1.invoices.void_invoice(invoice["id"])
    assert voided.status_transitions.voided_at > voided.status_transitions.marked_uncollectible_at
    with pytest.raises(stripe.InvalidRequestError):
        client.v1.invoices.void_invoice(invoice["id"])
    subscription = {"id": f"sub_end{next(NUMBERS)}", "status": "active", "items": {"data": []}}
    sandbox_store.put("stripe", "subscription", subscription)
    assert client.v1.subscriptions.cancel(subscription["id"]).status == "canceled"
    with pytest.raises(stripe.InvalidRequestError):
        client.v1.subscriptions.cancel(subscription["id"])


# Lists.


def test_lists_are_newest_first_and_cursors_go_both_ways(http):
    old = {"created[lte]": CREATED + 100}
    newest = http.get("customers", params={"limit": 3, **old})
    assert ids(newest) == ["cus_025", "cus_024", "cus_023"]
    assert newest.json()["has_more"] is True
    after = http.get("customers", params={"limit": 2, "starting_after": "cus_023", **old})
    assert ids(after) == ["cus_022", "cus_021"]
    before = http.get("customers", params={"limit": 2, "ending_before": "cus_021", **old})
    assert ids(before) == ["cus_023", "cus_022"]
    last = http.get("customers", params={"limit": 2, "starting_after": "cus_002", **old})
    assert (ids(last), last.json()["has_more"]) == (["cus_001"], False)


def test_ten_are_listed_where_no_limit_is_asked(http):
    assert len(ids(http.get("customers"))) == 10


@pytest.mark.parametrize(
    ("bounds", "found"),
    [
        ({"created[lt]": CREATED + 1}, ["cus_001"]),
        ({"created[lte]": CREATED + 1}, ["cus_003", "cus_002", "cus_001"]),
        ({"created[gt]": CREATED + 1, "created[lt]": CREATED + 3}, ["cus_005", "cus_004"]),
        ({"created": CREATED + 12}, ["cus_025", "cus_024"]),
        ({"email": "ap@one.example"}, ["cus_001"]),
    ],
)
def test_filters_select(http, bounds, found):
    assert ids(http.get("customers", params=bounds)) == found


def test_ended_subscriptions_are_listed_only_when_asked_for(http):
    def listed(**filters):
        return {
            i
            for i in ids(http.get("subscriptions", params=filters))
            if "_end" not in i or i == "sub_ended"
        }

    assert listed() == {"sub_live"}
    assert listed(status="all") == {"sub_live", "sub_ended"}
    assert listed(status="canceled", customer="cus_002") == listed(status="ended") == {"sub_ended"}
    assert listed(status="all", customer="cus_009") == set()


def test_invoices_are_found_by_customer_status_and_subscription(http):
    wanted = {"customer": "cus_001", "status": "open", "subscription": "sub_live"}
    assert ids(http.get("invoices", params=wanted)) == ["in_open"]
    for name, other in (("customer", "cus_002"), ("status", "paid"), ("subscription", "sub_x")):
        assert ids(http.get("invoices", params=wanted | {name: other})) == []


def test_deleted_customers_are_not_listed(http, sandbox_store):
    sandbox_store.put("stripe", "customer", {"id": "cus_del"})
    assert ids(http.get("customers", params={"limit": 1})) == ["cus_del"]
    sandbox_store.delete("stripe", "customer", "cus_del")
    assert "cus_del" not in ids(http.get("customers", params={"limit": 100}))


def test_events_are_kept_for_thirty_days(http, sandbox_store):
    thing = {"id": "price_old", "object": "price"}
    for days in (31, 29):
        at = sandbox_store.now() - timedelta(days=days)
        sandbox_store.put_events([("price.deleted", thing)], at)
    assert len(ids(http.get("events", params={"types[]": "price.deleted"}))) == 1


# Shapes.


def test_what_is_not_expanded_is_an_id_or_absent(http):
    customer = http.get("customers/cus_001").json()
    assert "tax_ids" not in customer
    assert (customer["metadata"], customer["livemode"]) == ({"a": "1"}, True)
    assert http.get("customers/cus_002").json()["metadata"] == {}
    item = http.get("subscriptions/sub_live").json()["items"]["data"][0]
    assert (item["discounts"], item["price"]["product"]) == (["di_1"], "prod_1")
    assert item["price"]["unit_amount_decimal"] == "12.5"


def test_what_is_expanded_is_whole(http):
    expand = ["data.items.data.discounts", "data.customer"]
    listed = http.get("subscriptions", params={"expand[]": expand}).json()
    (live,) = [s for s in listed["data"] if s["id"] == "sub_live"]
    discount = live["items"]["data"][0]["discounts"][0]
    assert (discount["object"], discount["source"]["coupon"]["percent_off"]) == ("discount", 12.5)
    assert live["customer"]["name"] == "Company 0001"
    price = http.get("prices/price_1", params={"expand[0]": "product"}).json()
    assert price["product"]["name"] == "Platform"
    without = http.get("customers/cus_002", params={"expand[]": "tax_ids"}).json()
    assert without["tax_ids"]["data"] == []


def test_a_coupon_of_its_own_is_named_by_its_id(http, sandbox_store):
    sandbox_store.put("stripe", "coupon", {"id": "co_own", "percent_off": 10})
    discount = {"id": "di_own", "source": {"coupon": {"id": "co_own", "percent_off": 10}}}
    sub = {"id": "sub_own", "status": "canceled", "items": {"data": []}, "discounts": [discount]}
    sandbox_store.put("stripe", "subscription", sub)
    read = http.get("subscriptions/sub_own", params={"expand[]": "discounts"}).json()
    assert read["discounts"][0]["source"]["coupon"] == "co_own"
    deeper = {"expand[]": "discounts.source.coupon"}
    whole = http.get("subscriptions/sub_own", params=deeper).json()
    assert whole["discounts"][0]["source"]["coupon"]["percent_off"] == 10
    assert http.get("coupons/co_own").json()["percent_off"] == 10
    only = {"applies_to": {"products": ["prod_own"]}}
    sandbox_store.put("stripe", "coupon", {"id": "co_own", **only})
    assert "applies_to" not in http.get("coupons/co_own").json()
    shown = http.get("coupons/co_own", params={"expand[]": "applies_to"}).json()
    assert shown["applies_to"] == only["applies_to"]
    sandbox_store.delete("stripe", "subscription", "sub_own")


@pytest.mark.parametrize(
    ("path", "expand"),
    [
        ("customers/cus_001", "nope"),
        ("customers", "tax_ids"),
        ("customers/cus_001", "data.tax_ids"),
        ("subscriptions", "data.items.data.price.product"),
        ("prices/price_1", "product.nope"),
    ],
)
def test_what_cannot_be_expanded_is_refused(http, path, expand):
    answer = http.get(path, params={"expand[]": expand})
    assert error(answer)[:2] == (400, "invalid_request_error")
    assert error(answer)[3] == "expand"


# Headers.


def test_every_answer_is_dated_numbered_and_versioned(http, sandbox_store):
    first, second = http.get("products"), http.get("nothing/at/all")
    for answer in (first, second):
        assert parsedate_to_datetime(answer.headers["date"]) == sandbox_store.now()
    assert first.headers["request-id"].startswith("req_")
    assert first.headers["request-id"] != http.get("products").headers["request-id"]
    assert first.headers["stripe-version"] == stripe.api_version


def test_only_the_pinned_version_and_an_old_one_are_served(http):
    unknown = http.get("products", headers={"Stripe-Version": "2023-08-16"})
    assert error(unknown)[:2] == (400, "invalid_request_error")
    for version in (stripe.api_version, "2022-11-15"):
        assert http.get("products", headers={"Stripe-Version": version}).is_success


def test_no_key_no_data(sandbox):
    url = f"{sandbox.urls['stripe']}/v1/customers"
    for headers in ({}, {"Authorization": "Bearer rk_test_x"}, {"Authorization": "Basic x"}):
        assert error(httpx.get(url, headers=headers))[:2] == (401, "invalid_request_error")


# Refusals.


@pytest.mark.parametrize(
    ("path", "parameters", "code", "param"),
    [
        ("customers", {"nope": "1"}, "parameter_unknown", "nope"),
        ("customers", {"created[around]": "1"}, "parameter_unknown", "created[around]"),
        ("customers", {"created[gte]": "today"}, "parameter_invalid_integer", "created[gte]"),
        ("customers", {"limit": "0"}, "parameter_invalid_integer", "limit"),
        ("customers", {"limit": "101"}, "parameter_invalid_integer", "limit"),
        ("customers", {"starting_after": "cus_none"}, "resource_missing", "starting_after"),
        ("customers", {"status": "active"}, "parameter_unknown", "status"),
        ("prices", {"active": "yes"}, None, "active"),
        ("subscription_items", {}, "parameter_missing", "subscription"),
        (
            "invoices/in_open/lines",
            {"starting_after": "il_99"},
            "resource_missing",
            "starting_after",
        ),
        ("invoices/in_open/lines", {"created": "1"}, "parameter_unknown", "created"),
        ("customers/cus_001", {"nope": "1"}, "parameter_unknown", "nope"),
    ],
)
def test_wrong_questions_are_refused(http, path, parameters, code, param):
    answer = http.get(path, params=parameters)
    assert error(answer) == (400, "invalid_request_error", code, param)


@pytest.mark.parametrize(
    ("path", "parameters", "why"),
    [
        ("customers/cus_007", {"nom": "x"}, ("parameter_unknown", "nom")),
        ("customers/cus_007", {"address[planet]": "x"}, ("parameter_unknown", "address[planet]")),
        ("customers/cus_007", {"address": "Berlin"}, (None, "address")),
        ("customers/cus_007", {"email": "nobody"}, ("email_invalid", "email")),
        ("customers/cus_007", {"metadata[" + "k" * 41 + "]": "v"}, (None, "metadata[" + "k" * 41 + "]")),
        ("customers/cus_007", {"metadata[k]": "v" * 501}, (None, "metadata[k]")),
        ("customers/cus_007", {f"metadata[k{n}]": "v" for n in range(51)}, (None, "metadata")),
        ("subscription_items/si_07", {"quantity": "-1"}, ("parameter_invalid_integer", "quantity")),
        ("subscription_items/si_07", {"quantity": "1.5"}, ("parameter_invalid_integer", "quantity")),
        ("subscription_items/si_07", {"proration_behavior": "maybe"}, (None, "proration_behavior")),
        ("subscription_items/si_07", {"price": "price_x"}, ("resource_missing", "price")),
        ("subscriptions/sub_live", {"items[0][id]": "si_x"}, ("resource_missing", "items[0][id]")),
        ("subscriptions/sub_live", {"coupon": "co_1"}, ("parameter_unknown", "coupon")),
        ("subscriptions/sub_ended", {"cancel_at_period_end": "true"}, (None, None)),
        ("invoices/in_open", {"total": "5"}, ("parameter_unknown", "total")),
        ("products", {}, ("parameter_missing", "name")),
        ("products", {"name": "x", "id": "prod_1"}, ("resource_already_exists", "id")),
        ("prices", {"currency": "usd", "product": "prod_1"}, ("parameter_missing", "unit_amount")),
        ("prices", {"currency": "usd", "product": "prod_x", "unit_amount": "1"}, ("resource_missing", "product")),
        ("prices", {"currency": "usd", "product": "prod_1", "unit_amount_decimal": "1,5"}, (None, "unit_amount_decimal")),
    ],
)  # fmt: skip
def test_wrong_changes_are_refused_and_change_nothing(http, sandbox_store, path, parameters, why):
    before = sandbox_store.query("SELECT id, document FROM stripe ORDER BY seq")
    answer = http.post(path, data=parameters)
    assert error(answer) == (400, "invalid_request_error", *why)
    assert sandbox_store.query("SELECT id, document FROM stripe ORDER BY seq") == before


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "unicorns"),
        ("GET", "unicorns/u_1"),
        ("POST", "events"),
        ("POST", "charges"),
        ("POST", "events/evt_1"),
        ("DELETE", "products/prod_1"),
        ("PUT", "customers/cus_001"),
    ],
)
def test_what_is_not_offered_is_refused(http, method, path):
    assert error(http.request(method, path))[:2] == (404, "invalid_request_error")


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "invoices/in_none"),
        ("GET", "invoices/in_none/lines"),
        ("GET", "subscription_items/si_none"),
        ("POST", "charges/ch_none"),
        ("DELETE", "customers/cus_none"),
    ],
)
def test_what_is_not_there_is_refused(http, method, path):
    assert error(http.request(method, path))[0::2] == (404, "resource_missing")


def test_a_refusal_is_not_remembered_under_its_key(http, key):
    headers = {"Idempotency-Key": key}
    assert http.post("products", data={"nom": "x"}, headers=headers).status_code == 400
    assert http.post("products", data={"name": "x"}, headers=headers).status_code == 200


def test_a_key_that_is_too_long_is_refused(http):
    answer = http.post("products", data={"name": "x"}, headers={"Idempotency-Key": "k" * 256})
    assert error(answer)[:2] == (400, "idempotency_error")


def test_a_key_counts_for_its_path_and_parameters_only(http, key):
    headers = {"Idempotency-Key": key}
    body = {"name": "Same"}
    assert http.post("customers/cus_008", data=body, headers=headers).is_success
    answer = http.post("customers/cus_009", data=body, headers=headers)
    assert error(answer)[:2] == (400, "idempotency_error")


def test_items_are_added_and_removed(http, sandbox_store):
    sub = {"id": "sub_items", "status": "active", "items": {"data": []}, "customer": "cus_009"}
    sandbox_store.put("stripe", "subscription", sub)
    added = http.post(
        "subscriptions/sub_items", data={"items[0][price]": "price_1", "items[0][quantity]": 2}
    )
    (item,) = added.json()["items"]["data"]
    assert (item["quantity"], item["price"]["id"]) == (2, "price_1")
    gone = {"items[0][id]": item["id"], "items[0][deleted]": "true"}
    assert http.post("subscriptions/sub_items", data=gone).json()["items"]["data"] == []
    sandbox_store.delete("stripe", "subscription", "sub_items")
