"""The one door: what is tried again, what never is, and what a failure is called."""

import asyncio
import json
import logging
import time
from dataclasses import replace
from datetime import UTC, datetime
from secrets import token_hex

import pytest
import stamina

from extractors.calls import Call, Quota, endpoint_of, kind_of
from extractors.errors import (
    CircuitOpen,
    Conflict,
    ContractBroken,
    NotFound,
    RateLimited,
    Rejected,
    SourceError,
    Transient,
    Unauthorized,
    UnknownOutcome,
)
from extractors.http import HttpDoor, HttpOptions
from tests.scripted import (
    HALF,
    HANG,
    HANG_UP,
    KEYED,
    READ,
    TRICKLE,
    WRITE,
    Script,
    answer,
    at_door,
    dialect,
    outcome,
    packed,
    play,
    said,
)


@pytest.fixture(autouse=True)
def no_waiting():
    with stamina.set_testing(True, attempts=3, cap=True):
        yield


@pytest.mark.parametrize("failure", [answer(503), answer(429), HANG_UP, HANG, HALF])
def test_a_read_that_failed_for_the_moment_is_tried_again(failure):
    script = Script(failure, answer(body='{"ok": 1}'))
    (reply,) = play(script, [READ])
    assert reply.body == {"ok": 1}
    assert len(script.requests) == 2


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (400, Rejected),
        (401, Unauthorized),
        (403, Unauthorized),
        (404, NotFound),
        (409, Conflict),
        (412, Conflict),
        (302, ContractBroken),
    ],
)
def test_an_answer_that_will_not_change_is_not_asked_for_again(status, kind):
    script = Script(answer(status))
    (error,) = play(script, [READ])
    assert type(error) is kind
    assert len(script.requests) == 1


def test_patience_ends():
    script = Script(*[answer(503)] * 9)
    (error,) = play(script, [READ])
    assert type(error) is Transient
    assert len(script.requests) == 3


@pytest.mark.parametrize("failure", [HANG_UP, HANG, HALF, answer(500), answer(502), answer(503)])
def test_a_write_without_a_key_whose_answer_is_missing_is_never_sent_again(failure):
    script = Script(failure)
    (error,) = play(script, [WRITE])
    assert type(error) is UnknownOutcome
    assert len(script.requests) == 1


def test_a_write_that_is_confirmed_in_an_unreadable_way_is_an_unknown_outcome():
    (error,) = play(Script(answer(200, "<html>")), [WRITE])
    assert type(error) is UnknownOutcome


@pytest.mark.parametrize(("status", "kind"), [(429, RateLimited), (400, Rejected)])
def test_a_refused_write_is_known_to_have_had_no_effect(status, kind):
    script = Script(answer(status))
    (error,) = play(script, [WRITE])
    assert type(error) is kind
    assert len(script.requests) == 1


def test_a_write_that_never_left_may_be_sent_later():
    async def run():
        async with HttpDoor("http://127.0.0.1:9", dialect(), HttpOptions()) as door:
            with pytest.raises(Transient):
                await door.send(WRITE)

    asyncio.run(run())


@pytest.mark.parametrize("failure", [HANG_UP, HALF, answer(500)])
def test_a_write_under_a_key_that_is_honoured_is_sent_again_as_it_was(failure):
    script = Script(failure, answer())
    (reply,) = play(script, [KEYED])
    assert reply.status == 200
    first, second = script.requests
    assert first[1]["idempotency-key"] == second[1]["idempotency-key"] == "k"
    assert first[1]["x-correlation-id"] == second[1]["x-correlation-id"]
    assert first[2] == second[2] == "a=b"


def test_a_write_under_a_key_that_was_never_answered_is_an_unknown_outcome():
    (error,) = play(Script(HANG_UP, HANG_UP, HANG_UP), [KEYED])
    assert type(error) is UnknownOutcome


@pytest.mark.parametrize("last", [429, 401])
def test_a_refusal_does_not_hide_that_an_earlier_attempt_may_have_taken_effect(last):
    (error,) = play(Script(HANG_UP, answer(last), answer(last)), [KEYED])
    assert type(error) is UnknownOutcome


def test_the_vendors_word_goes_before_the_status():
    script = Script(answer(400, '{"code": "locked"}'), answer())
    (reply,) = play(script, [READ])
    assert reply.status == 200


@pytest.mark.parametrize(
    ("header", "seconds"),
    [
        ("7", 7.0),
        ("Sun, 01 Mar 2026 02:00:30 GMT", 30.0),
        ("900", 60),
        ("soon", True),
        (None, True),
    ],
)
def test_the_wait_is_the_one_asked_for_up_to_a_limit(header, seconds):
    headers = {} if header is None else {"Retry_After": header}
    (error,) = play(Script(*[answer(429, **headers)] * 3), [READ])
    assert HttpDoor("http://127.0.0.1:9", dialect(), HttpOptions())._wait(READ, error) == seconds


def test_what_waiting_cannot_help_is_not_tried_again():
    door = HttpDoor("http://127.0.0.1:9", dialect(), HttpOptions())
    error = RateLimited("billing", "the day's quota is used up")
    error.worth_waiting = False
    assert door._wait(READ, error) is False


def test_no_more_requests_are_in_flight_than_the_system_allows():
    script = Script(*[answer()] * 8)
    play(script, [READ] * 8, options=HttpOptions(concurrency=2), concurrent=True)
    assert script.most_in_flight == 2


def test_an_error_carries_what_support_will_ask_for():
    call = Call("GET", "/thing", correlation_id="q2c_1")
    (error,) = play(Script(answer(400, '{"code": "bad", "message": "no"}')), [call])
    assert (error.status, error.code, error.request_id) == (400, "bad", "req_1")
    assert error.correlation_id == "q2c_1"
    assert str(error) == "billing: GET /thing was answered 400 bad: no"


def test_a_reply_tells_the_time_of_the_source():
    (reply,) = play(Script(answer()), [READ])
    assert reply.served_at == datetime(2026, 3, 1, 2, tzinfo=UTC)


@pytest.mark.parametrize("body", ["<html>", "[1]", "{}"])
def test_a_reply_that_is_not_as_agreed_breaks_the_contract(body):
    (result,) = play(Script(answer(body=body)), [READ])
    with pytest.raises(ContractBroken):
        raise result if isinstance(result, SourceError) else _missing_member(result)


def _missing_member(reply):
    try:
        reply.member("data")
    except ContractBroken as error:
        return error
    raise AssertionError("the member is there")


@pytest.mark.parametrize("status", range(300, 600))
@pytest.mark.parametrize("sent", ["read", "write"])
def test_every_status_has_a_meaning(status, sent):
    kind = kind_of(status, sent)
    assert issubclass(kind, SourceError)
    assert not (sent == "write" and status >= 500 and issubclass(kind, Transient))


# What comes too late, too short, or in another shape.


@pytest.mark.parametrize("failure", [HALF, TRICKLE])
@pytest.mark.parametrize(("call", "kind"), [(READ, Transient), (WRITE, UnknownOutcome)])
def test_a_server_that_trickles_holds_nobody_for_ever(failure, call, kind):
    options = HttpOptions(read_seconds=0.2, attempt_seconds=0.3, attempts=1)
    begun = time.monotonic()
    (error,) = play(Script(failure), [call], options=options)
    assert type(error) is kind
    assert time.monotonic() - begun < 2


@pytest.mark.parametrize(
    "failure",
    [
        packed('{"a": 1}', cut=4),
        packed('{"a": "' + "x" * 5_000 + '"}', cut=12),
        answer(body=b"not gzip at all", Content_Encoding="gzip"),
        answer(body='{"data": [{"a": 1}'),
        answer(body='[{"a": 1}, {"a": tru'),
        answer(body='  {"a": "\xff'),
    ],
)
def test_a_body_that_ends_early_is_asked_for_again_and_after_a_write_it_is_not(failure):
    script = Script(failure, answer(body='{"ok": 1}'))
    assert play(script, [READ])[0].body == {"ok": 1}
    assert type(play(Script(failure), [WRITE])[0]) is UnknownOutcome
    (error,) = play(Script(*[failure] * 3), [READ])
    assert type(error) is Transient


@pytest.mark.parametrize("expects", ["json", "bytes"])
def test_a_page_for_people_is_no_answer_and_is_not_asked_for_again(expects):
    page = answer(body="<html>Please log in</html>", Content_Type="text/html; charset=utf-8")
    script = Script(page)
    (error,) = play(script, [Call("GET", "/thing", expects=expects)])
    assert type(error) is ContractBroken
    assert "text/html" in str(error)
    assert error.body_excerpt == "<html>Please log in</html>"
    assert len(script.requests) == 1


def test_gzip_is_asked_for_and_understood_unasked():
    big = said({"rows": [token_hex(1_500_000)]})
    script = Script(packed('{"a": 1.50}'), packed(big), packed("{}", Content_Encoding="x-gzip"))
    replies = play(script, [READ, READ, Call("GET", "/", headers={"Accept-Encoding": "identity"})])
    assert str(replies[0].body["a"]) == "1.50"
    assert replies[1].content == big.encode()
    assert replies[2].body == {}
    assert script.requests[0][1]["accept-encoding"] == "gzip"


def test_a_body_packed_in_a_way_that_was_not_asked_for_breaks_the_contract():
    (error,) = play(Script(answer(body=b"\x1b\x03", Content_Encoding="br")), [READ])
    assert type(error) is ContractBroken
    assert "'br'" in str(error)


def test_bytes_are_given_as_they_were_before_they_were_packed():
    rows = '"Id","Name"\n"1","Zoë"\n'
    script = Script(packed(rows, Content_Type="text/csv", Sforce_Locator="null"))
    (reply,) = play(script, [Call("GET", "/results", expects="bytes")])
    assert reply.content == rows.encode()
    assert reply.body is None
    assert reply.headers["sforce-locator"] == "null"
    assert script.requests[0][1]["accept"] == "*/*"


def test_bytes_that_were_refused_are_explained_by_json():
    (error,) = play(
        Script(answer(400, '{"code": "bad"}')), [Call("GET", "/results", expects="bytes")]
    )
    assert (type(error), error.code) == (Rejected, "bad")


@pytest.mark.parametrize(
    ("body", "sent", "kind"),
    [
        ({"error": 1, "code": "locked"}, READ, Transient),
        ({"error": 1}, READ, Transient),
        ({"error": 1}, WRITE, UnknownOutcome),
    ],
)
def test_a_failure_may_come_under_a_status_of_success(body, sent, kind):
    script = Script(*[answer(body=said(body))] * 3)
    (error,) = play(script, [sent], dialect=dialect(failed=lambda body: "error" in body))
    assert (type(error), error.status) == (kind, 200)
    assert len(script.requests) == (3 if kind is Transient else 1)


def test_the_query_of_a_path_is_sent_beside_the_params():
    script = Script(answer(), answer())
    path = "/next?cursor=%2Fa%2Bb&x=1"
    play(script, [Call("GET", path), Call("GET", path, params=[("limit", "2")])])
    assert [request[0] for request in script.requests] == [
        f"GET {path} HTTP/1.1",
        f"GET {path}&limit=2 HTTP/1.1",
    ]


@pytest.mark.parametrize("path", ["https://elsewhere.example/a", "http://127.0.0.1:1/", "http://["])
def test_credentials_are_sent_to_no_other_host(path):
    script = Script()
    (error,) = play(script, [Call("GET", path)])
    assert type(error) is ContractBroken
    assert not script.requests


# Who said what, and how much of it.


def test_the_request_id_is_read_under_any_of_its_names():
    names = dialect()
    names = type(names)(
        names.system, names.explain, names.decode, ("x-sfdc-request-id", "request-id")
    )
    answers = [answer(), answer(X_SFDC_Request_Id="sf_1"), answer(400, X_SFDC_Request_Id="sf_2")]
    results = play(Script(*answers), [READ] * 3, dialect=names)
    assert [result.request_id for result in results] == ["req_1", "sf_1", "sf_2"]


def with_quota():
    def quota(headers):
        used, _, allowed = headers.get("x-usage", "").partition("/")
        return Quota(int(used), int(allowed)) if allowed else None

    return dialect(quota=quota)


def test_a_quota_is_parked_before_its_reserve_is_eaten(caplog):
    used = (100, 799, 800, 949, 950)
    script = Script(*[answer(500 if used == 799 else 200, X_Usage=f"{used}/1000") for used in used])

    async def use(door):
        results = [await outcome(door, READ) for _ in range(5)]
        return results, door.quota, door.metrics.calls

    results, quota, calls = at_door(
        script, use, dialect=with_quota(), options=HttpOptions(attempts=3)
    )
    error = results[-1]
    assert [type(result).__name__ for result in results] == ["Reply"] * 4 + ["RateLimited"]
    assert not error.worth_waiting
    assert "950 of 1000 calls" in str(error)
    assert (quota, calls) == (Quota(950, 1000), 5)
    warnings = [record for record in caplog.records if record.levelno == logging.WARNING]
    assert [(record.used, record.allowed) for record in warnings] == [(800, 1000)]


def test_calls_in_flight_count_against_the_quota():
    script = Script(answer(X_Usage="947/1000"), *[answer(X_Usage="950/1000")] * 3)

    async def use(door):
        await door.send(READ)
        return await asyncio.gather(*(outcome(door, READ) for _ in range(6)))

    results = at_door(script, use, dialect=with_quota())
    kinds = [type(result).__name__ for result in results]
    assert kinds == ["Reply"] * 3 + ["RateLimited"] * 3


# A system that cannot, or will not.


def test_a_refusal_holds_up_all_calls_of_the_door_as_long_as_was_asked():
    script = Script(answer(429, Retry_After="0.3"), *[answer()] * 4)

    async def use(door):
        begun = time.monotonic()
        first = asyncio.create_task(outcome(door, WRITE))
        await asyncio.sleep(0.1)
        idle = door.idle
        await asyncio.gather(*(door.send(READ) for _ in range(4)))
        return await first, idle, time.monotonic() - begun

    with stamina.set_testing(False):
        error, idle, seconds = at_door(script, use)
    assert (type(error), idle) == (RateLimited, 0)
    assert 0.3 < seconds < 4 * 0.3  # all at once, not each in its turn


@pytest.mark.parametrize(("status", "idle"), [(200, 1), (400, 0)])
def test_the_place_of_a_good_answer_is_free_before_it_is_read(status, idle):
    seen = []

    async def use(door):
        def decode(content):
            seen.append(door.idle)
            return json.loads(content)

        door.dialect = replace(door.dialect, decode=decode)
        await outcome(door, READ)
        return door.idle

    assert at_door(Script(answer(status)), use, options=HttpOptions(concurrency=1)) == 1
    assert seen == [idle]


def test_what_is_not_worth_waiting_for_holds_up_nobody():
    script = Script(answer(403, '{"code": "too many"}'), answer())

    async def use(door):
        return await outcome(door, READ), door.idle

    with stamina.set_testing(False):
        error, idle = at_door(script, use)
    assert (type(error), error.worth_waiting, idle) == (RateLimited, False, 8)


def test_a_system_that_fails_again_and_again_is_left_alone_for_a_while():
    options = HttpOptions(attempts=1, breaker_failures=3, cool_down_seconds=0.2, retry_seconds=0.1)
    script = Script(answer(503), HANG_UP, answer(500), answer())

    async def use(door):
        errors = [await outcome(door, READ) for _ in range(3)]
        refused = await outcome(door, WRITE)
        idle = door.idle
        await asyncio.sleep(0.2)
        return errors, refused, idle, await outcome(door, READ), door.idle

    with stamina.set_testing(False):
        errors, refused, idle, reply, after = at_door(script, use, options=options)
    assert {type(error) for error in errors} == {Transient}
    assert type(refused) is CircuitOpen
    assert refused.retry_after <= 0.2
    assert (idle, reply.status, after) == (0, 200, 8)


def test_calls_that_can_wait_outlive_an_outage_without_a_storm():
    """Eight calls go out and fail; two probes fail; then all ten go through."""
    options = HttpOptions(attempts=5, breaker_failures=4, cool_down_seconds=0.2)
    script = Script(*[answer(503)] * 10, *[answer()] * 10)

    async def use(door):
        return await asyncio.gather(*(outcome(door, READ) for _ in range(10)))

    with stamina.set_testing(False):
        replies = at_door(script, use, options=options)
    assert {reply.status for reply in replies} == {200}
    assert len(script.requests) == 20


def test_refusals_of_single_calls_do_not_open_the_circuit():
    options = HttpOptions(attempts=1, breaker_failures=2)
    locked = answer(400, '{"code": "locked"}')
    script = Script(*[answer(429), answer(404), locked, answer(409), answer(403)] * 2)
    errors = play(script, [READ] * 10, options=options)
    assert CircuitOpen not in {type(error) for error in errors}


def test_a_pause_that_is_longer_than_the_patience_is_not_begun():
    options = HttpOptions(retry_seconds=5)
    with stamina.set_testing(False):
        begun = time.monotonic()
        (error,) = play(Script(answer(503, Retry_After="30")), [READ], options=options)
    assert type(error) is Transient
    assert time.monotonic() - begun < 1


def test_waiting_for_a_turn_costs_no_patience():
    """The last call waits longer for its turn than all its attempts may take."""
    options = HttpOptions(concurrency=1, retry_seconds=0.25, attempts=3)
    script = Script(*[answer()] * 6, answer(503), answer(), seconds=0.1)
    replies = play(script, [READ] * 7, options=options, concurrent=True)
    assert [reply.status for reply in replies] == [200] * 7


# What is left of it for people.


def records(caplog):
    return [record for record in caplog.records if record.name == "extractors.http"]


def test_each_attempt_leaves_one_record(caplog):
    script = Script(answer(500, '{"code": "x", "message": "no"}'), HANG_UP, answer())
    with caplog.at_level(logging.DEBUG):
        play(script, [Call("GET", "/things/t_1", params=[("q", "v")], correlation_id="q2c_1")])
    seen = [vars(record) for record in records(caplog)]
    assert [record["attempt"] for record in seen] == [1, 2, 3]
    assert [record["status"] for record in seen] == [500, None, 200]
    assert [record.get("error") for record in seen] == ["Transient", "Transient", None]
    assert [record["request_id"] for record in seen] == ["req_1", None, "req_1"]
    assert [record["bytes"] for record in seen] == [30, 0, 2]
    for record in seen:
        assert (record["system"], record["method"]) == ("billing", "GET")
        assert record["endpoint"] == "/things/{id}"
        assert record["correlation_id"] == "q2c_1"
        assert 0 <= record["seconds"] < 1
    assert seen[0]["code"] == "x"


def test_the_door_counts_what_it_did():
    script = Script(answer(503), answer(body='{"a": 1}'), answer(404), HANG_UP)

    async def use(door):
        for call in (READ, Call("GET", "/things/7"), WRITE):
            await outcome(door, call)
        return door.metrics.as_dict()

    metrics = at_door(script, use)
    assert (metrics["calls"], metrics["retries"], metrics["bytes"]) == (4, 1, 12)
    assert metrics["seconds"] >= 0.03
    read = metrics["endpoints"]["GET /thing"]
    assert (read["calls"], read["retries"]) == (2, 1)
    assert read["statuses"] == {"2xx": 1, "5xx": 1}
    assert read["errors"] == {"Transient": 1}
    assert 0 < read["p50_seconds"] <= metrics["seconds"]
    assert metrics["endpoints"]["GET /things/{id}"]["statuses"] == {"4xx": 1}
    assert metrics["endpoints"]["PATCH /thing"]["statuses"] == {"none": 1}
    assert said(metrics)


@pytest.mark.parametrize(
    ("path", "endpoint"),
    [
        ("/services/data/v62.0/query", "/services/data/v62.0/query"),
        ("/services/data/v62.0/query/01gD0000002HU6KIAW-2000", "/services/data/v62.0/query/{id}"),
        ("/data/v62.0/sobjects/Account/Ext_Id__c/A-1", "/data/v62.0/sobjects/Account/Ext_Id__c/{id}"),
        ("/services/oauth2/token", "/services/oauth2/token"),
        ("/v1/customers/cus_NffrFeUfNV?expand[]=x", "/v1/customers/{id}"),
        ("/v1/subscription_items", "/v1/subscription_items"),
        ("/record/v1/customer/eid:ACME", "/record/v1/customer/{id}"),
        ("/record/v1/salesOrder/12/!transform/invoice", "/record/v1/salesOrder/{id}/!transform/invoice"),
        ("https://host:8443/crm/objects/2026-09/contacts", "/crm/objects/2026-09/contacts"),
        ("/a/Zo%C3%AB/x", "/a/{id}/x"),
    ],
)  # fmt: skip
def test_an_endpoint_is_a_path_without_ids(path, endpoint):
    assert endpoint_of(path) == endpoint


def test_a_label_names_what_the_path_does_not():
    call = Call("POST", "/erp/rpc/", label="account.invoice.read")
    assert call.endpoint == "account.invoice.read"
    (error,) = play(Script(answer(404)), [call])
    assert str(error).startswith("billing: POST account.invoice.read was answered 404")
