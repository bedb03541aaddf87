"""What can be made to go wrong in the sandbox, and that it goes wrong no more than asked."""

import time
from collections import Counter
from datetime import timedelta
from email.utils import parsedate_to_datetime
from functools import partial
from itertools import pairwise

import httpx
import pytest

from extractors.sandbox import faults, refusals
from extractors.sandbox.credentials import issue_token
from extractors.sandbox.ids import salesforce_id
from extractors.sandbox.servers import SYSTEMS
from tests.wire.sandbox import sf_record


@pytest.fixture(autouse=True)
def _faultless_before_and_after(sandbox_store):
    def clear():
        sandbox_store.set_meta("faults", None)
        sandbox_store.set_meta("request_faults", None)
        faults.set_profile(sandbox_store, "off", SYSTEMS)

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


def test_a_stale_stripe_object_says_so_and_its_events_are_told_all_the_same(stripe, sandbox_store):
    sandbox_store.set_meta("faults", {"stale": {"stripe.product": 12}})
    sandbox_store.put("stripe", "product", {"id": "prod_new", "name": "New"})
    behind = sandbox_store.now() - timedelta(hours=12)
    assert "prod_new" not in [p["id"] for p in stripe.get("products").json()["data"]]
    assert dated(stripe.get("products")) == dated(stripe.get("products/prod_1")) == behind
    events = stripe.get("events", params={"types[]": ["product.updated", "product.created"]})
    assert dated(events) == sandbox_store.now()
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


# Profiles.

ROUNDS = 150


@pytest.fixture
def misbehave(sandbox_store):
    def misbehave(profile, *systems, seed=3):
        faults.set_profile(sandbox_store, profile, systems or SYSTEMS, seed)

    return misbehave


def outcome(ask):
    """The answer, or how the connection failed."""
    try:
        return ask()
    except httpx.TransportError as error:
        return error


def met(ask, rounds=ROUNDS):
    """What a request that is made over and over meets."""
    return [outcome(ask) for _ in range(rounds)]


def statuses(answers):
    return Counter(
        answer.status_code if isinstance(answer, httpx.Response) else type(answer).__name__
        for answer in answers
    )


def asking(system, request):
    """A cheap read of a system."""
    http = request.getfixturevalue(system)
    return {
        "salesforce": lambda: soql(http, "SELECT Id FROM Product2"),
        "stripe": lambda: http.get("products"),
        "netsuite": lambda: suiteql(http, "SELECT id FROM term"),
    }[system]


def renewing(system, request):
    """The same read by a client that opens a new session once where the old one is refused."""
    ask = asking(system, request)
    http = request.getfixturevalue(system)
    store = request.getfixturevalue("sandbox_store")

    def renewed():
        answer = ask()
        if answer.status_code == 401:
            http.headers["Authorization"] = f"Bearer {issue_token(store, system)}"
            answer = ask()
        return answer

    return renewed


@pytest.mark.parametrize("system", SYSTEMS)
@pytest.mark.parametrize(("profile", "rounds"), [("rate_limits", 200), ("outages", 200), ("resets", 200), ("chaos", 80)])  # fmt: skip
def test_the_same_request_meets_two_faults_in_a_row_at_most(
    system, profile, rounds, request, misbehave
):
    misbehave(profile, system)
    answers = met(renewing(system, request), rounds)
    failed = [not (isinstance(a, httpx.Response) and a.is_success) for a in answers]
    assert 0.02 < sum(failed) / rounds < 0.5
    assert "xxx" not in "".join("x" if each else "-" for each in failed)


@pytest.mark.parametrize("system", SYSTEMS)
def test_no_profile_no_faults(system, request, misbehave):
    misbehave("chaos", *(set(SYSTEMS) - {system}))
    assert statuses(met(asking(system, request), 40)) == {200: 40}
    misbehave("chaos", system)
    misbehave("off", system)
    assert statuses(met(asking(system, request), 40)) == {200: 40}


def test_the_same_seed_brings_the_same_faults(stripe, misbehave):
    def course(seed):
        misbehave("off")
        stripe.get("products")
        misbehave("outages+rate_limits", seed=seed)
        return [answer.status_code for answer in met(lambda: stripe.get("products"), 60)]

    assert course(5) == course(5) != course(6)


def test_an_unknown_profile_is_refused_by_name(sandbox_store):
    with pytest.raises(ValueError, match="no fault profile resetz; there are rate_limits, outages"):
        faults.set_profile(sandbox_store, "resetz+latency", SYSTEMS)
    assert sandbox_store.meta("fault_profiles") is None


def test_rate_limits_speak_each_vendors_tongue(request, misbehave):
    misbehave("rate_limits")
    refused = {
        system: [a for a in met(asking(system, request), 400) if not a.is_success]
        for system in SYSTEMS
    }
    assert {
        (a.status_code, a.json()[0]["errorCode"], "Concurrent" in a.json()[0]["message"])
        for a in refused["salesforce"]
    } == {(503, "SERVER_UNAVAILABLE", False), (403, "REQUEST_LIMIT_EXCEEDED", True)}
    assert {
        (a.status_code, a.json()["o:errorDetails"][0]["o:errorCode"]) for a in refused["netsuite"]
    } == {(429, "CONCURRENCY_LIMIT_EXCEEDED")}
    told = ("retry-after", "stripe-should-retry", "stripe-rate-limited-reason")
    assert {
        (a.status_code, a.json()["error"]["code"], *(a.headers.get(name) for name in told))
        for a in refused["stripe"]
    } == {
        (429, "rate_limit", None, None, "global-rate"),
        (429, "rate_limit", None, None, "endpoint-rate"),
        (429, "rate_limit", "1", None, "global-rate"),
        (429, "rate_limit", None, "true", "endpoint-rate"),
        (429, "lock_timeout", None, None, None),
    }


def test_outages_come_in_bursts_and_partly_as_html(stripe, misbehave):
    misbehave("outages")
    answers = [stripe.get(f"products/prod_none_{n}") for n in range(200)]
    down = [answer.status_code in {500, 502, 503} for answer in answers]
    assert {a.headers["content-type"] for a in answers if a.status_code == 502} == {
        "text/html; charset=utf-8"
    }
    assert {a.status_code for a in answers} == {404, 500, 502, 503}
    bursts = [len(run) for run in "".join("x" if d else " " for d in down).split()]
    assert min(bursts) >= 4
    assert all("date" in answer.headers for answer in answers)


def test_resets_break_connections_in_three_ways(stripe, misbehave):
    misbehave("resets")
    broken = [
        a for a in met(lambda: stripe.get("customers?limit=25"), 300) if isinstance(a, Exception)
    ]
    said = {str(error).partition(" (")[0] for error in broken}
    assert {type(error).__name__ for error in broken} == {"ReadError", "RemoteProtocolError"}
    assert {
        "Server disconnected without sending a response.",
        "peer closed connection without sending complete message body",
    } < said


def test_a_write_may_take_effect_though_its_answer_is_lost(stripe, sandbox_store, misbehave):
    misbehave("lost_answers")
    lost = 0
    for number in range(30):
        name = {"name": f"N{number}"}
        answer = outcome(partial(stripe.post, "customers/cus_012", data=name))
        lost += not (isinstance(answer, httpx.Response) and answer.is_success)
        assert sandbox_store.get("stripe", "customer", "cus_012")["name"] == f"N{number}"
    assert 3 < lost < 20
    assert statuses(met(lambda: stripe.get("customers/cus_012"), 40)) == {200: 40}


def test_a_write_that_an_outage_refuses_has_no_effect(stripe, sandbox_store, misbehave):
    misbehave("outages+rate_limits")
    for number in range(60):
        before = sandbox_store.get("stripe", "customer", "cus_013").get("name")
        answer = stripe.post("customers/cus_013", data={"name": f"N{number}"})
        after = sandbox_store.get("stripe", "customer", "cus_013")["name"]
        assert after == (f"N{number}" if answer.is_success else before)


@pytest.mark.parametrize("system", ["salesforce", "netsuite"])
def test_an_ended_session_stays_ended_and_a_new_one_serves(
    system, request, sandbox_store, misbehave
):
    misbehave("expired_tokens")
    ask = asking(system, request)
    http = request.getfixturevalue(system)
    while ask().is_success:
        pass
    assert statuses(met(ask, 5)) == {401: 5}
    for _ in range(40):
        http.headers["Authorization"] = f"Bearer {issue_token(sandbox_store, system)}"
        assert ask().is_success
        while ask().is_success:
            pass
    code = refusals.REFUSALS[system]["session"].body
    assert ask().json() == code


def test_a_stripe_key_is_no_session(stripe, misbehave):
    misbehave("expired_tokens")
    assert statuses(met(lambda: stripe.get("products"), 100)) == {200: 100}


def test_stale_reads_date_what_they_show(salesforce, stripe, netsuite, sandbox_store, misbehave):
    misbehave("stale_reads")
    seen = {
        "Account": lambda: soql(salesforce, "SELECT COUNT() FROM Account"),
        "Product2": lambda: soql(salesforce, "SELECT COUNT() FROM Product2"),
        "price": lambda: stripe.get("prices"),
        "customer": lambda: suiteql(netsuite, "SELECT COUNT(*) FROM customer"),
    }
    lags = {name: sandbox_store.now() - dated(ask()) for name, ask in seen.items()}
    assert all(timedelta(0) < lag <= faults.LONGEST_LAG for lag in lags.values())
    assert len(set(lags.values())) > 1
    assert lags == {name: sandbox_store.now() - dated(ask()) for name, ask in seen.items()}
    behind = lags["Product2"]
    for number, age in ((81, behind - timedelta(minutes=1)), (82, behind + timedelta(minutes=1))):
        new = sf_record("Product2", number, Name="New", CreatedDate=sandbox_store.now() - age)
        sandbox_store.put_many("salesforce", "Product2", [new])
    shown = {row["Id"] for row in soql(salesforce, "SELECT Id FROM Product2").json()["records"]}
    assert salesforce_id("Product2", 82) in shown
    assert salesforce_id("Product2", 81) not in shown
    for number in (81, 82):
        sandbox_store.delete("salesforce", "Product2", salesforce_id("Product2", number))


def walk_stripe(http):
    pages, after = [], {}
    while True:
        page = http.get("customers", params={"limit": 3, **after}).json()
        pages.append([record["id"] for record in page["data"]])
        if not page["has_more"]:
            return pages
        after = {"starting_after": pages[-1][-1]}


def walk_salesforce(http):
    pages, path = [], "query?q=SELECT+Id+FROM+Account+ORDER+BY+Id"
    while path:
        page = http.get(path, headers={"Sforce-Query-Options": "batchSize=200"}).json()
        pages.append([record["Id"] for record in page["records"]])
        path = page.get("nextRecordsUrl", "").rpartition("v62.0/")[2]
    return pages


def walk_netsuite(http):
    pages, offset = [], 0
    while True:
        query = {"q": "SELECT id FROM customer ORDER BY id"}
        url = f"query/v1/suiteql?limit=100&offset={offset}"
        page = http.post(url, json=query).json()
        assert page["count"] == len(page["items"])
        pages.append([record["id"] for record in page["items"]])
        if not page["hasMore"]:
            return pages
        offset += 100


@pytest.mark.parametrize(("system", "walk"), [("stripe", walk_stripe), ("salesforce", walk_salesforce), ("netsuite", walk_netsuite)])  # fmt: skip
def test_lists_that_shift_repeat_at_their_borders_and_lose_nothing(
    system, walk, request, misbehave
):
    http = request.getfixturevalue(system)
    true = [key for page in walk(http) for key in page]
    assert len(set(true)) == len(true)
    repeated = Counter()
    for seed in range(30):
        misbehave("duplicate_pages", system, seed=seed)
        pages = walk(http)
        shown = [key for page in pages for key in page]
        assert list(dict.fromkeys(shown)) == true
        for before, page in pairwise(pages):
            repeated["page"] += before == page
            repeated["record"] += before != page and before[-1] == page[0]
    assert repeated["record"] > 2
    assert (repeated["page"] > 2) is (system != "netsuite")


def test_a_list_inside_of_a_record_does_not_shift(stripe, misbehave):
    misbehave("duplicate_pages")
    for _ in range(20):
        first = stripe.get("invoices/in_open/lines?limit=10").json()["data"]
        after = {"limit": 10, "starting_after": first[-1]["id"]}
        rest = stripe.get("invoices/in_open/lines", params=after).json()["data"]
        assert [line["id"] for line in rest] == [f"il_{n}" for n in range(11, 21)]


def test_latency_delays_and_slow_bodies_trickle(stripe, misbehave):
    misbehave("latency")
    began = time.monotonic()
    assert statuses(met(lambda: stripe.get("products"), 10)) == {200: 10}
    assert 0.3 < time.monotonic() - began < 2
    misbehave("slow_bodies")
    seconds = [stripe.get("customers?limit=25").elapsed.total_seconds() for _ in range(60)]
    whole = stripe.get("customers?limit=25").json()
    slow = [each for each in seconds if each > 0.06]
    assert 0 < len(slow) < 30
    assert len(whole["data"]) == 25


def test_logins_meet_faults_and_get_through(sandbox, misbehave):
    misbehave("outages+rate_limits+resets", "salesforce", "netsuite")
    for login in (sandbox.salesforce_token, sandbox.netsuite_token):
        answers = met(login, 25)
        opened = [isinstance(a, httpx.Response) and a.is_success for a in answers]
        assert 10 < sum(opened) < 25
        assert "--" not in "".join("x" if each else "-" for each in opened)
