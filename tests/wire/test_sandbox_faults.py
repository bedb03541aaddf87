"""What can be made to go wrong in the sandbox, and that it goes wrong no more than asked."""

from datetime import timedelta
from email.utils import parsedate_to_datetime

import httpx
import pytest

from extractors.sandbox.ids import salesforce_id
from tests.wire.sandbox import sf_record


@pytest.fixture(autouse=True)
def _faultless_before_and_after(sandbox_store):
    def clear():
        sandbox_store.set_meta("faults", None)
        sandbox_store.set_meta("request_faults", None)

    clear()
    yield
    clear()


@pytest.fixture
def salesforce(sandbox):
    with sandbox.salesforce() as http:
        yield http


@pytest.fixture
def stripe(sandbox):
    with sandbox.stripe() as http:
        yield http


@pytest.fixture
def netsuite(sandbox):
    with sandbox.netsuite() as http:
        yield http


def soql(http, query):
    return http.get("query", params={"q": query})


def suiteql(http, query):
    return http.post("query/v1/suiteql", json={"q": query})


def dated(response):
    return parsedate_to_datetime(response.headers["date"])


# Dropped records.


def test_a_dropped_salesforce_record_is_counted_but_not_shown(salesforce, sandbox_store):
    gone = salesforce_id("PricebookEntry", 2)
    sandbox_store.set_meta("faults", {"drop": {"salesforce.PricebookEntry": [gone]}})
    counted = soql(salesforce, "SELECT COUNT() FROM PricebookEntry").json()["totalSize"]
    page = soql(salesforce, "SELECT Id FROM PricebookEntry").json()
    shown = [record["Id"] for record in page["records"]]
    assert (page["totalSize"], page["done"]) == (counted, True)
    assert len(shown) == counted - 1
    assert gone not in shown
    assert soql(salesforce, "SELECT COUNT() FROM Product2").json()["totalSize"] == 1


def test_a_dropped_netsuite_record_is_counted_but_not_shown(netsuite, sandbox_store):
    sandbox_store.set_meta("faults", {"drop": {"netsuite.term": ["2"]}})
    page = suiteql(netsuite, "SELECT id FROM term ORDER BY id").json()
    assert [row["id"] for row in page["items"]] == ["1", "3", "4", "5"]
    assert (page["totalResults"], page["hasMore"]) == (5, False)
    assert suiteql(netsuite, "SELECT COUNT(*) AS n FROM term").json()["items"][0]["n"] == "5"


def test_a_dropped_stripe_record_is_not_listed(stripe, sandbox_store):
    sandbox_store.set_meta("faults", {"drop": {"stripe.price": ["price_1"]}})
    assert "price_1" not in [price["id"] for price in stripe.get("prices").json()["data"]]
    sandbox_store.set_meta("faults", None)
    assert "price_1" in [price["id"] for price in stripe.get("prices").json()["data"]]


# Stale replicas.


def test_a_stale_salesforce_object_shows_an_old_date_and_nothing_new(salesforce, sandbox_store):
    sandbox_store.set_meta("faults", {"stale": {"salesforce.Product2": 30}})
    new = sf_record("Product2", 77, Name="New", CreatedDate=sandbox_store.now())
    sandbox_store.put_many("salesforce", "Product2", [new])
    stale = soql(salesforce, "SELECT COUNT() FROM Product2")
    assert stale.json()["totalSize"] == 1
    assert dated(stale) == sandbox_store.now() - timedelta(hours=30)
    assert dated(soql(salesforce, "SELECT COUNT() FROM Account")) == sandbox_store.now()
    sandbox_store.delete("salesforce", "Product2", new["Id"])


def test_every_page_of_a_stale_object_is_old(salesforce, sandbox_store):
    sandbox_store.set_meta("faults", {"stale": {"salesforce.Account": 8}})
    headers = {"Sforce-Query-Options": "batchSize=200"}
    first = salesforce.get("query", params={"q": "SELECT Id FROM Account"}, headers=headers)
    rest = salesforce.get(first.json()["nextRecordsUrl"].rpartition("v62.0/")[2])
    assert dated(first) == dated(rest) == sandbox_store.now() - timedelta(hours=8)


def test_a_stale_stripe_object_hides_its_events_age_too(stripe, sandbox_store):
    sandbox_store.set_meta("faults", {"stale": {"stripe.product": 12}})
    sandbox_store.put("stripe", "product", {"id": "prod_new", "name": "New"})
    behind = sandbox_store.now() - timedelta(hours=12)
    assert "prod_new" not in [p["id"] for p in stripe.get("products").json()["data"]]
    assert dated(stripe.get("products")) == dated(stripe.get("products/prod_1")) == behind
    events = stripe.get("events", params={"types[]": ["product.updated", "product.created"]})
    assert dated(events) == behind
    assert dated(stripe.get("prices")) == sandbox_store.now()
    sandbox_store.delete("stripe", "product", "prod_new")


def test_a_stale_netsuite_table_dates_every_query_that_reads_it(netsuite, sandbox_store):
    sandbox_store.set_meta("faults", {"stale": {"netsuite.item": 7}})
    behind = sandbox_store.now() - timedelta(hours=7)
    assert dated(suiteql(netsuite, "SELECT id FROM item")) == behind
    joined = "SELECT t.id FROM transactionline t JOIN item i ON i.id = t.item"
    assert dated(suiteql(netsuite, joined)) == behind
    assert dated(suiteql(netsuite, "SELECT id FROM term")) == sandbox_store.now()
    assert dated(netsuite.get("record/v1/serviceSaleItem/201")) == behind


def test_a_stale_netsuite_table_hides_what_was_created_since(netsuite, sandbox_store):
    sandbox_store.put("netsuite", "customer", {"id": "5001", "companyname": "Fresh"})
    query = "SELECT id FROM customer WHERE id = 5001"
    assert suiteql(netsuite, query).json()["count"] == 1
    sandbox_store.set_meta("faults", {"stale": {"netsuite.customer": 1}})
    assert suiteql(netsuite, query).json()["count"] == 0
    sandbox_store.delete("netsuite", "customer", "5001")


# Requests.


def test_only_as_many_requests_fail_as_were_asked_to(stripe, sandbox_store):
    fault = {"system": "stripe", "times": 2, "status": 429, "retry_after": 3}
    sandbox_store.set_meta("request_faults", [fault])
    answers = [stripe.get("products") for _ in range(3)]
    assert [answer.status_code for answer in answers] == [429, 429, 200]
    assert [answer.headers.get("retry-after") for answer in answers] == ["3", "3", None]
    assert sandbox_store.meta("request_faults") is None


def test_a_refused_request_has_no_effect(stripe, sandbox_store):
    before = sandbox_store.get("stripe", "customer", "cus_010")
    fault = {"system": "stripe", "times": 1, "status": 503}
    sandbox_store.set_meta("request_faults", [fault])
    answer = stripe.post("customers/cus_010", data={"name": "Changed"})
    assert (answer.status_code, answer.json()["error"]["type"]) == (503, "api_error")
    assert sandbox_store.get("stripe", "customer", "cus_010") == before


def test_faults_choose_by_system_method_and_path(stripe, salesforce, netsuite, sandbox_store):
    choice = {"method": "POST", "path": "/customers/"}
    fault = {"system": "stripe", "times": 1, "status": 500, **choice}
    sandbox_store.set_meta("request_faults", [fault])
    assert salesforce.get("limits").is_success
    assert netsuite.get("record/v1/term/1").is_success
    assert stripe.get("customers/cus_010").is_success
    assert stripe.post("products/prod_1", data={"description": "x"}).is_success
    assert stripe.post("customers/cus_010", data={"name": "x"}).status_code == 500


def test_each_system_fails_in_its_own_words(salesforce, netsuite, sandbox_store):
    faults = [{"system": name, "times": 1, "status": 503} for name in ("salesforce", "netsuite")]
    sandbox_store.set_meta("request_faults", faults)
    assert salesforce.get("limits").json()[0]["errorCode"] == "SERVER_UNAVAILABLE"
    assert netsuite.get("record/v1/term/1").json()["o:errorDetails"][0]["o:errorCode"]


def test_a_lost_answer_has_taken_effect(stripe, salesforce, netsuite, sandbox_store):
    faults = [
        {"system": name, "times": 1, "lose_answer": True}
        for name in ("stripe", "salesforce", "netsuite")
    ]
    sandbox_store.set_meta("request_faults", faults)
    key = salesforce_id("Account", 8001)
    sandbox_store.put_many("salesforce", "Account", [sf_record("Account", 8001, Name="Kept")])
    body = {"companyName": "Lost", "subsidiary": {"id": "3"}}
    with pytest.raises(httpx.RemoteProtocolError):
        stripe.post("customers/cus_011", data={"name": "Lost"})
    with pytest.raises(httpx.RemoteProtocolError):
        salesforce.patch(f"sobjects/Account/{key}", json={"Name": "Lost"})
    with pytest.raises(httpx.RemoteProtocolError):
        netsuite.put("record/v1/customer/eid:cus_lost", json=body)
    assert sandbox_store.get("stripe", "customer", "cus_011")["name"] == "Lost"
    assert sandbox_store.get("salesforce", "Account", key)["Name"] == "Lost"
    assert len(sandbox_store.rows("netsuite", "customer", externalid="cus_lost")) == 1


def test_a_lost_answer_is_replayed_under_its_key(stripe, sandbox_store):
    fault = {"system": "stripe", "times": 1, "method": "POST", "lose_answer": True}
    sandbox_store.set_meta("request_faults", [fault])
    request = {"data": {"name": "Kept"}, "headers": {"Idempotency-Key": "lost-and-found"}}
    with pytest.raises(httpx.RemoteProtocolError):
        stripe.post("products", **request)
    events = len(sandbox_store.rows("stripe", "event"))
    again = stripe.post("products", **request)
    assert again.headers["idempotent-replayed"] == "true"
    assert len(sandbox_store.rows("stripe", "product", name="Kept")) == 1
    assert len(sandbox_store.rows("stripe", "event")) == events
