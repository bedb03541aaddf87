"""The traps of the wire that the door has to know, each on a real socket."""

import asyncio
import json
from decimal import Decimal

import httpx
import pytest
import stamina

from extractors.auth import Token
from extractors.billing.stripe import client as stripe
from extractors.calls import Call, Dialect, Explanation, Quota, decode_exact, decode_text
from extractors.crm.salesforce.dialect import DIALECT as SALESFORCE
from extractors.erp.netsuite import client as netsuite
from extractors.errors import (
    RateLimited,
    Rejected,
    SourceError,
    Transient,
    Unauthorized,
    UnknownOutcome,
)
from tests.scripted import HANG_UP, KEYED, READ, WRITE, Script, answer, at_door, packed, play, said


@pytest.fixture(autouse=True)
def no_waiting():
    with stamina.set_testing(True, attempts=3, cap=True):
        yield


STRIPE = Dialect("stripe", stripe.explain, decode_exact, "request-id")
NETSUITE = Dialect("netsuite", netsuite.explain, decode_text, "x-n-operationid")
SALESFORCE_QUOTA = answer(403, said([{"errorCode": "REQUEST_LIMIT_EXCEEDED", "message": "no"}]))
NETSUITE_BUSY = answer(
    400, said({"o:errorDetails": [{"detail": "no", "o:errorCode": "SSS_REQUEST_LIMIT_EXCEEDED"}]})
)


def test_trap_02_a_failure_under_200_is_a_failure():
    """JSON-RPC: the body has the error, the status says that all is well."""

    def explain(status, body, headers):
        return Explanation(body["error"][0], body["error"][0], Rejected)

    rpc = Dialect("erp", explain, decode_exact, "x-id", failed=lambda body: "error" in body)
    script = Script(answer(body=said({"id": 1, "error": ["UserError", ["no"]]})))
    (error,) = play(script, [WRITE], dialect=rpc)
    assert (type(error), error.code) == (Rejected, "UserError")


def test_trap_02_a_record_that_was_made_is_named_by_a_header_alone():
    (reply,) = play(Script(answer(204, "", Location="/record/v1/customer/7")), [WRITE])
    assert (reply.body, reply.content) == (None, b"")
    assert reply.headers["location"] == "/record/v1/customer/7"


def test_trap_02_a_refused_duplicate_says_where_the_first_one_is():
    refusal = answer(400, '{"code": "IDEMPOTENCY_ERROR"}', Location="/async/v1/job/9")
    (error,) = play(Script(refusal), [WRITE])
    assert error.location == "/async/v1/job/9"


def test_trap_03_only_a_write_under_a_key_is_sent_twice_and_under_the_same_one():
    script = Script(HANG_UP, answer())
    play(script, [KEYED])
    assert [request[1]["idempotency-key"] for request in script.requests] == ["k", "k"]
    script = Script(HANG_UP)
    (error,) = play(script, [WRITE])
    assert type(error) is UnknownOutcome
    assert len(script.requests) == 1


@pytest.mark.parametrize(
    ("vendor", "refusal", "asked"),
    [
        (SALESFORCE, SALESFORCE_QUOTA, 1),
        (NETSUITE, NETSUITE_BUSY, 3),
        (STRIPE, answer(429, said({"error": {"code": "rate_limit"}})), 3),
        (STRIPE, answer(400, said({"error": {"code": "lock_timeout"}})), 3),
    ],
)
def test_trap_04_a_limit_is_known_by_the_vendors_word_not_by_the_status(vendor, refusal, asked):
    script = Script(*[refusal] * 3)
    (error,) = play(script, [READ], dialect=vendor)
    assert type(error) is RateLimited
    assert len(script.requests) == asked


def test_trap_04_a_429_without_retry_after_is_waited_out_too():
    script = Script(answer(429), answer())
    (reply,) = play(script, [READ])
    assert reply.status == 200


@pytest.mark.parametrize(("told", "asked"), [("true", 3), ("false", 1), (None, 3)])
def test_trap_04_the_vendor_says_itself_whether_to_try_again(told, asked):
    headers = {} if told is None else {"Stripe_Should_Retry": told}
    script = Script(*[answer(500, "{}", **headers)] * 3)
    (error,) = play(script, [READ], dialect=STRIPE)
    assert type(error) is Transient
    assert len(script.requests) == asked


def test_trap_05_a_cursor_goes_back_as_it_came():
    """A path with a query of its own, already encoded; a list that looks like JSON."""
    next_path = "/services/data/v62.0/query/01g-2000?locator=MTAw%3D%3D&offset=%5B%221%22%5D"
    script = Script(answer())
    play(script, [Call("GET", next_path)])
    assert script.requests[0][0] == f"GET {next_path} HTTP/1.1"


def test_trap_05_bulk_locator_null_is_a_string_that_is_left_as_it_is():
    script = Script(packed("Id\n1\n", Content_Type="text/csv", Sforce_Locator="null"))
    (reply,) = play(script, [Call("GET", "/results", expects="bytes")])
    assert reply.headers["sforce-locator"] == "null"


def test_trap_08_no_amount_is_ever_a_float():
    body = '{"amount": 400.50, "rate": 0.1, "minor": 40050, "exact": 12345678901234567890.01}'
    exact = Dialect("erp", lambda *_: Explanation(""), decode_exact, "x")
    (reply,) = play(Script(answer(body=body)), [READ], dialect=exact)
    assert reply.body["exact"] == Decimal("12345678901234567890.01")
    assert float not in {type(value) for value in reply.body.values()}
    text = Dialect("erp", lambda *_: Explanation(""), decode_text, "x")
    (reply,) = play(Script(answer(body=body)), [READ], dialect=text)
    assert reply.body == {
        "amount": "400.50",
        "rate": "0.1",
        "minor": "40050",
        "exact": "12345678901234567890.01",
    }


def test_trap_forms_and_json_are_sent_as_what_they_are():
    script = Script(answer(), answer())
    form = [("items[0][id]", "a&b"), ("metadata[k]", "ü")]
    play(
        script,
        [
            Call("POST", "/", form=form),
            Call("POST", "/", json={"amount": Decimal("1.10")}),
        ],
    )
    (_, form_headers, form_body), (_, json_headers, json_body) = script.requests
    assert form_headers["content-type"] == "application/x-www-form-urlencoded"
    assert httpx.QueryParams(form_body).multi_items() == form
    assert json_headers["content-type"] == "application/json"
    assert json.loads(json_body) == {"amount": "1.10"}


def test_trap_gzip_comes_whether_it_was_asked_for_or_not():
    call = Call("GET", "/", headers={"Accept-Encoding": "identity"})
    (reply,) = play(Script(packed('{"a": "1"}')), [call])
    assert reply.body == {"a": "1"}


def test_trap_a_session_that_ended_is_renewed_once_for_all_tasks():
    logins = []

    async def login(door):
        await asyncio.sleep(0.02)
        logins.append(1)
        return f"session-{len(logins)}"

    expired = answer(401, said([{"errorCode": "INVALID_SESSION_ID", "message": "expired"}]))

    def judge(head, body):
        return expired if "session-1" in head else answer()

    script = Script(*[judge] * 20)
    calls = [READ] * 8
    replies = play(script, calls, concurrent=True, auth=Token(login), dialect=SALESFORCE)
    assert {reply.status for reply in replies} == {200}
    assert len(logins) == 2


def test_trap_a_refused_login_is_a_400_and_is_not_insisted_on():
    """Login errors have a shape of their own: an object where data errors are a list."""
    refusal = answer(400, said({"error": "invalid_grant", "error_description": "inactive user"}))

    async def login(door):
        call = Call("POST", "/token", form=[("assertion", "x" * 40)], authorized=False)
        return (await door.attempt(call)).member("access_token")

    script = Script(refusal)
    errors = play(script, [READ] * 3, auth=Token(login), dialect=SALESFORCE)
    assert {type(error) for error in errors} == {Unauthorized}
    assert len(script.requests) == 1


def test_trap_the_limit_header_may_be_followed_by_the_use_of_one_application():
    header = "api-usage=123/15000; per-app-api-usage=17/250(appName=tieout)"

    async def use(door):
        await door.send(READ)
        return door.quota

    script = Script(answer(Sforce_Limit_Info=header))
    assert at_door(script, use, dialect=SALESFORCE) == Quota(123, 15_000)


def test_trap_a_page_of_a_proxy_is_never_taken_for_data():
    page = answer(body="<!DOCTYPE html><title>Sign in</title>", Content_Type="text/html")
    results = play(
        Script(page, page, page), [READ, Call("GET", "/results", expects="bytes"), WRITE]
    )
    assert all(isinstance(result, SourceError) for result in results)
    assert type(results[2]) is UnknownOutcome
