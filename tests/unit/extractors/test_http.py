"""The one door: what is tried again, what never is, and what a failure is called.

The other side is a socket that plays a script: bytes to answer, or what to do instead.
"""

import asyncio
import contextlib
import logging
from datetime import UTC, datetime

import pytest
import stamina

from extractors.calls import Call, Dialect, Explanation, decode_exact, kind_of
from extractors.errors import (
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
from extractors.http import HttpDoor, HttpOptions, Token

HANG_UP, HANG, HALF = "hang up", "hang", "half"
READ = Call("GET", "/thing")
WRITE = Call("PATCH", "/thing", json={"a": 1}, kind="write", repeatable=False)
KEYED = Call("POST", "/thing", form=[("a", "b")], kind="write", headers={"Idempotency-Key": "k"})


def answer(status=200, body="{}", **headers):
    headers = {"Date": "Sun, 01 Mar 2026 02:00:00 GMT", "Request-Id": "req_1", **headers}
    lines = [f"HTTP/1.1 {status} x", *(f"{k.replace('_', '-')}: {v}" for k, v in headers.items())]
    lines += [f"Content-Length: {len(body)}", "Connection: close", "", body]
    return "\r\n".join(lines).encode()


class Script:
    """A server that plays its steps, one per request, and keeps what it was sent."""

    def __init__(self, *steps):
        self.steps = list(steps)
        self.requests = []
        self.in_flight = self.most_in_flight = 0

    async def serve(self, reader, writer):
        head = (await reader.readuntil(b"\r\n\r\n")).decode()
        headers = dict(
            line.lower().split(": ", 1) for line in head.split("\r\n")[1:] if ": " in line
        )
        body = await reader.readexactly(int(headers.get("content-length", 0)))
        self.requests.append((head.split("\r\n")[0], headers, body.decode()))
        step = self.steps.pop(0)
        self.in_flight += 1
        self.most_in_flight = max(self.in_flight, self.most_in_flight)
        await asyncio.sleep(0.01)
        self.in_flight -= 1
        if step == HANG:
            await asyncio.sleep(30)
        elif step == HALF:
            writer.write(answer(body="{" + " " * 50 + "}")[:-20])
        elif step != HANG_UP:
            writer.write(step)
        with contextlib.suppress(ConnectionError):
            await writer.drain()
        writer.close()


def explain(status, body, headers):
    body = body if isinstance(body, dict) else {}
    kinds = {"locked": Transient}
    return Explanation(body.get("message", ""), body.get("code"), kinds.get(body.get("code")))


def play(script, calls, *, token=None, options=None, concurrent=False):
    """Send the calls to the script; the answers, an error in place of one that was raised."""

    async def run():
        server = await asyncio.start_server(script.serve, "127.0.0.1", 0)
        port = server.sockets[0].getsockname()[1]
        dialect = Dialect("billing", explain, decode_exact, "request-id")
        door = HttpDoor(
            f"http://127.0.0.1:{port}",
            dialect,
            options or HttpOptions(read_seconds=0.2),
            auth=token,
            headers={"X-Secret": "hush"},
        )

        async def one(call):
            try:
                return await door.send(call)
            except SourceError as error:
                return error

        async with door:
            if concurrent:
                results = await asyncio.gather(*(one(call) for call in calls))
            else:
                results = [await one(call) for call in calls]
        server.close()
        return results

    return asyncio.run(run())


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
        dialect = Dialect("billing", explain, decode_exact, "request-id")
        async with HttpDoor("http://127.0.0.1:9", dialect, HttpOptions()) as door:
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
    dialect = Dialect("billing", explain, decode_exact, "request-id")
    assert HttpDoor("http://127.0.0.1:9", dialect, HttpOptions())._wait(READ, error) == seconds


def test_what_waiting_cannot_help_is_not_tried_again():
    door = HttpDoor(
        "http://127.0.0.1:9", Dialect("billing", explain, decode_exact, "x"), HttpOptions()
    )
    error = RateLimited("billing", "the day's quota is used up")
    error.worth_waiting = False
    assert door._wait(READ, error) is False


def make_token(values):
    calls = []

    async def fetch(door):
        await asyncio.sleep(0.01)
        calls.append(door)
        return values[min(len(calls), len(values)) - 1]

    return Token(fetch), calls


def test_all_who_wait_for_a_token_share_one_login():
    token, logins = make_token(["t1"])
    script = Script(*[answer()] * 5)
    play(script, [READ] * 5, token=token, concurrent=True)
    assert len(logins) == 1
    assert {request[1]["authorization"] for request in script.requests} == {"bearer t1"}


def test_a_refused_token_is_renewed_once_for_all():
    token, logins = make_token(["old", "new"])
    script = Script(answer(401), answer(401), answer(401), *[answer()] * 3)
    replies = play(script, [READ] * 3, token=token, concurrent=True)
    assert [reply.status for reply in replies] == [200, 200, 200]
    assert len(logins) == 2


def test_a_token_that_is_refused_when_new_is_the_end():
    token, logins = make_token(["a", "b", "c"])
    (error,) = play(Script(answer(401), answer(401)), [READ], token=token)
    assert type(error) is Unauthorized
    assert len(logins) == 2


def test_a_write_refused_for_its_token_is_sent_with_a_new_one():
    token, _ = make_token(["old", "new"])
    script = Script(answer(401), answer())
    (reply,) = play(script, [WRITE], token=token)
    assert reply.status == 200
    assert [request[1]["authorization"] for request in script.requests] == [
        "bearer old",
        "bearer new",
    ]


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


def test_nothing_secret_is_logged(caplog):
    token, _ = make_token(["tok_secret"])
    with caplog.at_level(logging.DEBUG, logger="extractors"):
        play(Script(answer(), answer(500), HANG_UP, HANG_UP), [KEYED, WRITE], token=token)
    text = "".join(str(vars(record)) for record in caplog.records)
    assert "/thing" in text
    assert "tok_secret" not in text
    assert "hush" not in text


@pytest.mark.parametrize("status", range(300, 600))
@pytest.mark.parametrize("sent", ["read", "write"])
def test_every_status_has_a_meaning(status, sent):
    kind = kind_of(status, sent)
    assert issubclass(kind, SourceError)
    assert not (sent == "write" and status >= 500 and issubclass(kind, Transient))
