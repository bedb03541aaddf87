"""The vendors' limits on the sandbox's servers, and what the servers count."""

import asyncio
from datetime import timedelta

import httpx
import pytest

from extractors.sandbox.credentials import is_live_token, issue_token
from extractors.sandbox.faults import set_profile
from extractors.sandbox.limits import STRIPE_TEST, VENDORS, Gate, Limits, limits_of, set_limits
from extractors.sandbox.servers import SYSTEMS


@pytest.fixture(autouse=True)
def _unlimited_before_and_after(sandbox_store, sandbox):
    set_limits(sandbox_store, dict.fromkeys(SYSTEMS))
    for url in sandbox.urls.values():
        if url.startswith("http:"):
            httpx.post(f"{url}/__sandbox/stats/reset")
    yield
    set_limits(sandbox_store, dict.fromkeys(SYSTEMS))


@pytest.fixture
def stats(sandbox):
    def stats(system):
        return httpx.get(f"{sandbox.urls[system]}/__sandbox/stats").json()

    return stats


def at_once(sandbox, system, requests):
    """The answers to requests that are all in flight at the same time."""
    template = getattr(sandbox, system)()

    async def run():
        async with httpx.AsyncClient(base_url=template.base_url, headers=template.headers) as http:
            return await asyncio.gather(*(http.request(*each) for each in requests))

    with template:
        return asyncio.run(run())


class Clock:
    def __init__(self):
        self.now = 100.0

    def __call__(self):
        return self.now


def passed(gate, calls, **call):
    chosen = {"is_read": True, "endpoint": "GET /v1/x", "in_flight": 1, "calls_today": 1, **call}
    return sum(gate.refuses(**chosen) is None for _ in range(calls))


def test_a_bucket_gives_a_seconds_worth_at_once_and_then_its_rate():
    clock = Clock()
    gate = Gate(Limits(reads_per_second=100, writes_per_second=10), clock)
    assert passed(gate, 150) == 100
    assert passed(gate, 30, is_read=False) == 10
    clock.now += 0.25
    assert passed(gate, 150) == 25
    clock.now += 60
    assert passed(gate, 150) == 100


def test_an_operation_may_have_a_rate_of_its_own():
    gate = Gate(Limits(reads_per_second=100, endpoint_per_second=25), Clock())
    assert passed(gate, 40) == 25
    assert passed(gate, 40, endpoint="GET /v1/y") == 25
    assert (
        gate.refuses(is_read=True, endpoint="GET /v1/y", in_flight=1, calls_today=1)
        == "endpoint-rate"
    )


def test_stripe_refuses_the_26th_read_of_a_test_key(sandbox, sandbox_store, stats):
    set_limits(sandbox_store, {"stripe": STRIPE_TEST})
    with sandbox.stripe() as http:
        answers = [http.get("products") for _ in range(60)]
    refused = [answer for answer in answers if answer.status_code == 429]
    assert refused[0].json()["error"]["code"] == "rate_limit"
    assert refused[0].headers["stripe-rate-limited-reason"] == "global-rate"
    assert {a.status_code for a in answers[:25]} == {200}
    assert stats("stripe")["refused_by_limit"] == {"global-rate": len(refused)}


def test_netsuite_takes_five_calls_at_once_and_refuses_the_sixth(sandbox, sandbox_store, stats):
    set_limits(sandbox_store, {"netsuite": Limits(concurrency=5, latency_ms=150)})
    answers = at_once(sandbox, "netsuite", [("GET", "record/v1/term/1")] * 8)
    assert sorted(answer.status_code for answer in answers) == [200] * 5 + [429] * 3
    problems = [a.json()["o:errorDetails"][0]["o:errorCode"] for a in answers if a.is_error]
    assert problems == ["CONCURRENCY_LIMIT_EXCEEDED"] * 3
    told = stats("netsuite")
    assert (told["max_in_flight"], told["in_flight"]) == (6, 0)
    assert told["by_endpoint"] == {"GET /services/rest/record/v1/term/{key}": {"200": 5, "429": 3}}


def test_salesforce_refuses_for_the_day_and_not_for_the_login(sandbox, sandbox_store):
    sandbox_store.advance_clock(timedelta(days=1))
    with sandbox.salesforce() as http:
        set_limits(sandbox_store, {"salesforce": Limits(daily_calls=3)})
        answers = [http.get("limits") for _ in range(4)]
        assert [a.status_code for a in answers] == [200, 200, 200, 403]
        assert [a.headers["sforce-limit-info"] for a in answers] == [
            f"api-usage={n}/3" for n in (1, 2, 3, 4)
        ]
        assert answers[3].json()[0] == {
            "message": "TotalRequests Limit exceeded.",
            "errorCode": "REQUEST_LIMIT_EXCEEDED",
        }
        assert sandbox.salesforce_token().status_code == 200
        sandbox_store.advance_clock(timedelta(days=1))
        assert http.get("limits").headers["sforce-limit-info"] == "api-usage=1/3"


def test_salesforce_tells_its_quota_once_where_it_is_not_enforced(sandbox):
    with sandbox.salesforce() as http:
        values = http.get("limits").headers.get_list("sforce-limit-info")
    assert len(values) == 1
    assert values[0].endswith("/100000")


def test_salesforce_counts_calls_at_once_too(sandbox, sandbox_store):
    set_limits(sandbox_store, {"salesforce": Limits(concurrency=2, latency_ms=100)})
    answers = at_once(sandbox, "salesforce", [("GET", "limits")] * 4)
    refused = [a.json()[0] for a in answers if a.status_code == 403]
    assert {each["message"] for each in refused} == {
        "ConcurrentRequests (Concurrent API Requests) Limit exceeded."
    }
    assert len(refused) == 2


def test_latency_does_not_block_the_server(sandbox, sandbox_store, stats):
    set_limits(sandbox_store, {"stripe": Limits(latency_ms=200)})
    answers = at_once(sandbox, "stripe", [("GET", "products")] * 10)
    assert all(0.2 <= a.elapsed.total_seconds() < 1 for a in answers)
    told = stats("stripe")
    assert told["max_in_flight"] == 10
    assert told["service_seconds"] >= 2


def test_sessions_last_as_long_as_is_set(sandbox_store):
    hour = issue_token(sandbox_store, "salesforce")
    set_limits(sandbox_store, {"salesforce": Limits(token_seconds=-1)})
    over = issue_token(sandbox_store, "salesforce")
    assert is_live_token(sandbox_store, "salesforce", f"Bearer {hour}")
    assert not is_live_token(sandbox_store, "salesforce", f"Bearer {over}")


def test_limits_that_a_vendor_does_not_know_are_refused(sandbox_store):
    with pytest.raises(ValueError, match="netsuite has no limit of reads_per_second"):
        set_limits(sandbox_store, {"netsuite": Limits(reads_per_second=10)})
    assert limits_of(sandbox_store, "netsuite") == Limits()
    set_limits(sandbox_store, VENDORS)
    assert {system: limits_of(sandbox_store, system) for system in SYSTEMS} == VENDORS


def test_the_side_door_counts_what_was_asked(sandbox, sandbox_store, stats):
    with sandbox.stripe() as http:
        http.get("customers?limit=2")
        length = len(http.get("customers/cus_001").content)
        http.get("customers/cus_none")
        http.get("nothing/at/all")
    told = stats("stripe")
    assert told["by_endpoint"] == {
        "GET (none)": {"404": 1},
        "GET /v1/customers": {"200": 1},
        "GET /v1/customers/{key}": {"200": 1, "404": 1},
    }
    assert (told["system"], told["calls"], told["max_in_flight"]) == ("stripe", 4, 1)
    assert told["bytes"] > length
    assert 0 < told["service_seconds"] < told["seconds"]
    url = sandbox.urls["stripe"]
    assert httpx.post(f"{url}/__sandbox/stats/reset").json()["calls"] == 4
    assert stats("stripe")["calls"] == 0
    assert httpx.post(f"{url}/__sandbox/stats").status_code == 404


def test_faults_are_counted_by_their_profile(sandbox, sandbox_store, stats):
    set_profile(sandbox_store, "resets+rate_limits", ["stripe"], seed=2)
    with sandbox.stripe() as http:
        for _ in range(60):
            try:
                http.get("products")
            except httpx.TransportError:
                continue
    set_profile(sandbox_store, "off", ["stripe"])
    told = stats("stripe")
    assert told["by_endpoint"]["GET /v1/products"]["broken"] == told["faults"]["resets"] > 0
    assert told["by_endpoint"]["GET /v1/products"]["429"] == told["faults"]["rate_limits"] > 0
