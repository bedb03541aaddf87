"""The traps of the vendors' wires that the sandbox has to hold, so that clients can fall in."""

from collections import Counter
from datetime import timedelta
from email.utils import parsedate_to_datetime

import httpx
import pytest

from extractors.sandbox import faults
from extractors.sandbox.limits import Limits, set_limits
from extractors.sandbox.servers import SYSTEMS
from tests.wire.sandbox import sf_record


@pytest.fixture(autouse=True)
def _fair_before_and_after(sandbox_store):
    def clear():
        faults.set_profile(sandbox_store, "off", SYSTEMS)
        set_limits(sandbox_store, dict.fromkeys(SYSTEMS))
        sandbox_store.set_meta("request_faults", None)

    clear()
    yield
    clear()


@pytest.fixture
def asked(sandbox):
    """A cheap read of each system, made many times."""
    with sandbox.salesforce() as crm, sandbox.stripe() as billing, sandbox.netsuite() as erp:
        ways = {
            "salesforce": lambda: crm.get("limits"),
            "stripe": lambda: billing.get("products"),
            "netsuite": lambda: erp.get("record/v1/term/1"),
        }

        def asked(system, times):
            return [ways[system]() for _ in range(times)]

        yield asked


def test_trap_01_an_answer_of_another_version_of_stripe_is_refused_or_old(sandbox):
    with sandbox.stripe() as http:
        assert http.get("products", headers={"Stripe-Version": "1999-01-01"}).status_code == 400


def test_trap_02_a_success_status_may_carry_failures(sandbox):
    record = {"attributes": {"type": "Account"}, "id": "001000000000000AAA", "Name": "x"}
    with sandbox.salesforce() as http:
        answer = http.patch("composite/sobjects", json={"allOrNone": False, "records": [record]})
    assert answer.status_code == 200
    assert [each["success"] for each in answer.json()] == [False]


def lost(sandbox_store, system, method):
    fault = {"system": system, "times": 1, "method": method, "lose_answer": True}
    sandbox_store.set_meta("request_faults", [fault])


def twice(ask):
    """The same write again after its answer was lost."""
    with pytest.raises(httpx.RemoteProtocolError):
        ask()
    return ask()


def test_trap_03_a_lost_create_is_made_once_only_where_a_key_is_honoured(sandbox, sandbox_store):
    lost(sandbox_store, "stripe", "POST")
    keyed = {"data": {"name": "Lost and found"}, "headers": {"Idempotency-Key": "trap-03"}}
    with sandbox.stripe() as http:
        again = twice(lambda: http.post("products", **keyed))
    assert (again.status_code, again.headers.get("idempotent-replayed")) == (200, "true")
    assert len(sandbox_store.rows("stripe", "product", name="Lost and found")) == 1
    lost(sandbox_store, "netsuite", "PUT")
    body = {"companyName": "Once", "subsidiary": {"id": "3"}}
    with sandbox.netsuite() as http:
        twice(lambda: http.put("record/v1/customer/eid:trap_03", json=body))
    assert len(sandbox_store.rows("netsuite", "customer", externalid="trap_03")) == 1
    lost(sandbox_store, "salesforce", "POST")
    with sandbox.salesforce() as http:
        twice(lambda: http.post("sobjects/Product2", json={"Name": "Once"}))
    made = sandbox_store.rows("salesforce", "Product2", Name="Once")
    for record in made:
        sandbox_store.delete("salesforce", "Product2", record["Id"])
    assert len(made) == 2


def test_trap_04_too_much_has_another_status_with_each_vendor(asked, sandbox_store):
    faults.set_profile(sandbox_store, "rate_limits", SYSTEMS, seed=1)
    met = {system: {a.status_code for a in asked(system, 80)} for system in SYSTEMS}
    assert met == {"salesforce": {200, 403, 503}, "stripe": {200, 429}, "netsuite": {200, 429}}


def test_trap_04_one_code_of_salesforce_stands_for_a_moment_and_for_a_day(asked, sandbox_store):
    faults.set_profile(sandbox_store, "rate_limits", ["salesforce"], seed=1)
    passing = [a.json()[0] for a in asked("salesforce", 80) if a.status_code == 403]
    faults.set_profile(sandbox_store, "off", ["salesforce"])
    set_limits(sandbox_store, {"salesforce": Limits(daily_calls=1)})
    lasting = [a.json()[0] for a in asked("salesforce", 3) if a.status_code == 403]
    assert {each["errorCode"] for each in (*passing, *lasting)} == {"REQUEST_LIMIT_EXCEEDED"}
    assert {each["message"] for each in passing}.isdisjoint(each["message"] for each in lasting)


def test_trap_04_a_refusal_of_stripe_need_not_say_when_to_come_back(asked, sandbox_store):
    set_limits(sandbox_store, {"stripe": Limits(reads_per_second=1)})
    refused = [a for a in asked("stripe", 5) if a.status_code == 429]
    assert refused
    assert not any(
        "retry-after" in a.headers or "stripe-should-retry" in a.headers for a in refused
    )


def test_trap_05_a_list_shows_its_border_twice(sandbox, sandbox_store):
    met = Counter()
    with sandbox.stripe() as http:
        for seed in range(20):
            faults.set_profile(sandbox_store, "duplicate_pages", ["stripe"], seed)
            first = http.get("customers?limit=5").json()["data"]
            after = {"limit": 5, "starting_after": first[-1]["id"]}
            page = http.get("customers", params=after).json()
            met[page["data"][0]["id"] in {record["id"] for record in first}] += 1
            assert page["has_more"] is True
    assert set(met) == {True, False}


def test_trap_06_what_is_newer_than_the_date_of_an_answer_may_be_missing_in_it(
    sandbox, sandbox_store
):
    faults.set_profile(sandbox_store, "stale_reads", ["salesforce"], seed=2)
    with sandbox.salesforce() as http:
        known = http.get("query?q=SELECT+Id+FROM+Product2")
        told = parsedate_to_datetime(known.headers["date"])
        assert told < sandbox_store.now()
        for number, at in enumerate((told, told + timedelta(seconds=1)), 91):
            record = sf_record("Product2", number, Name=f"Trap {number}", CreatedDate=at)
            sandbox_store.put_many("salesforce", "Product2", [record])
        page = http.get("query?q=SELECT+Name+FROM+Product2").json()
    names = {record["Name"] for record in page["records"]}
    assert "Trap 91" in names
    assert "Trap 92" not in names
    for record in sandbox_store.rows("salesforce", "Product2"):
        if str(record["Name"]).startswith("Trap"):
            sandbox_store.delete("salesforce", "Product2", record["Id"])


@pytest.mark.parametrize("profile", ["off", "chaos"])
def test_trap_10_the_wrong_is_refused_in_any_weather(sandbox, sandbox_store, profile):
    """A stranger, a wrong address, a wrong parameter: none of them ever gets an answer."""
    faults.set_profile(sandbox_store, profile, SYSTEMS, seed=3)
    wrong = [
        (sandbox.stripe(), "GET", "customers?colour=red", {}),
        (sandbox.stripe(), "GET", "customers", {"Authorization": "Bearer nobody"}),
        (sandbox.salesforce(), "GET", "query?q=SELECT+Colour+FROM+Account", {}),
        (sandbox.salesforce(), "GET", "limits", {"Authorization": "Bearer nobody"}),
        (sandbox.netsuite(), "GET", "record/v1/colour/1", {}),
        (sandbox.netsuite(), "GET", "record/v1/term/1", {"Authorization": "Bearer nobody"}),
    ]
    for http, method, path, headers in wrong:
        with http:
            for _ in range(8):
                try:
                    answer = http.request(method, path, headers=headers)
                except httpx.TransportError:
                    continue
                assert answer.is_error, path
