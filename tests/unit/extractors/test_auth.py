"""Tokens: fetched once for all, renewed when refused or old, and not begged for."""

import asyncio
import hashlib
import hmac

import pytest
import stamina

from extractors.auth import Grant, Token
from extractors.calls import Call
from extractors.errors import Transient, Unauthorized
from extractors.http import HttpOptions
from tests.scripted import READ, WRITE, Script, answer, at_door, outcome, play


@pytest.fixture(autouse=True)
def no_waiting():
    with stamina.set_testing(True, attempts=3, cap=True):
        yield


def make_token(values, **given):
    """A token whose logins give the values one after the other, the last one for ever."""
    logins = []

    async def fetch(door):
        await asyncio.sleep(0.01)
        logins.append(door)
        value = values[min(len(logins), len(values)) - 1]
        if isinstance(value, Exception):
            raise value
        return value

    return Token(fetch, **given), logins


def sent(script):
    return [request[1].get("authorization") for request in script.requests]


def test_all_who_wait_for_a_token_share_one_login():
    token, logins = make_token(["t1"])
    script = Script(*[answer()] * 5)
    play(script, [READ] * 5, auth=token, concurrent=True)
    assert len(logins) == 1
    assert set(sent(script)) == {"bearer t1"}


def test_a_refused_token_is_renewed_once_for_all():
    token, logins = make_token(["old", "new"])
    script = Script(answer(401), answer(401), answer(401), *[answer()] * 3)
    replies = play(script, [READ] * 3, auth=token, concurrent=True)
    assert [reply.status for reply in replies] == [200, 200, 200]
    assert len(logins) == 2


def test_a_token_that_another_task_has_renewed_is_not_renewed_again():
    """The second refusal of the old token arrives long after the new one came into use."""
    token, logins = make_token(["old", "new"])

    def judge(head, body):
        return answer(401) if "old" in head else answer()

    async def use(door):
        await token.headers(door, None, None)
        late = asyncio.create_task(outcome(door, READ))
        await asyncio.sleep(0.005)
        await door.send(READ)
        return await late

    script = Script(*[judge] * 4)
    assert at_door(script, use, auth=token).status == 200
    assert len(logins) == 2


def test_a_token_that_is_refused_when_new_is_the_end():
    token, logins = make_token(["a", "b", "c"])
    (error,) = play(Script(answer(401), answer(401)), [READ], auth=token)
    assert type(error) is Unauthorized
    assert len(logins) == 2


def test_a_login_that_gives_the_refused_token_again_is_the_end():
    token, logins = make_token(["same"])
    script = Script(answer(401))
    (error,) = play(script, [READ], auth=token)
    assert type(error) is Unauthorized
    assert (len(logins), len(script.requests)) == (2, 1)


def test_a_write_refused_for_its_token_is_sent_with_a_new_one():
    token, _ = make_token(["old", "new"])
    script = Script(answer(401), answer())
    (reply,) = play(script, [WRITE], auth=token)
    assert reply.status == 200
    assert sent(script) == ["bearer old", "bearer new"]


def test_a_login_that_failed_for_the_moment_fails_for_all_at_once_and_is_tried_again():
    token, logins = make_token([Transient("billing", "down"), "t"])
    script = Script(*[answer()] * 4)
    replies = play(script, [READ] * 4, auth=token, concurrent=True)
    assert {reply.status for reply in replies} == {200}
    assert len(logins) == 2


def test_refused_credentials_are_not_tried_again():
    """Vendors lock out who insists."""
    token, logins = make_token([Unauthorized("billing", "unknown client")])
    errors = play(Script(), [READ] * 3, auth=token)
    assert {type(error) for error in errors} == {Unauthorized}
    assert len(logins) == 1


@pytest.mark.parametrize(("life", "after", "renewed"), [(3_600, 3_539, 1), (3_600, 3_541, 2),
                                                       (60, 53, 1), (60, 55, 2), (None, 1e9, 1)])  # fmt: skip
def test_a_token_is_renewed_a_little_before_it_expires(life, after, renewed):
    now = [100.0]
    token, logins = make_token([Grant("t", life)], clock=lambda: now[0])

    async def use(door):
        await token.headers(door, None, None)
        now[0] += after
        await token.headers(door, None, None)

    asyncio.run(use(None))
    assert len(logins) == renewed


def test_a_call_takes_the_session_that_was_begun_before_it():
    token, logins = make_token(["t"])
    script = Script(answer())

    async def use(door):
        begun = asyncio.create_task(door.log_in())
        reply = await door.send(READ)
        await begun
        await door.log_in()
        return reply

    assert at_door(script, use, auth=token).status == 200
    assert (sent(script), len(logins)) == (["bearer t"], 1)


def test_what_stands_against_a_login_is_told_by_the_call_that_needs_it():
    token, logins = make_token([Unauthorized("billing", "unknown client")])

    async def use(door):
        await door.log_in()
        return await outcome(door, READ)

    error = at_door(Script(), use, auth=token)
    assert (type(error), error.message, len(logins)) == (Unauthorized, "unknown client", 1)


def test_a_key_that_cannot_be_read_is_told_by_the_call_that_needs_it():
    token, logins = make_token([ValueError("no key in there")])

    async def use(door):
        await door.log_in()
        with pytest.raises(ValueError, match="no key in there"):
            await door.send(READ)

    at_door(Script(), use, auth=token)
    assert len(logins) == 2


def test_who_gives_up_waiting_does_not_take_the_login_away_from_others():
    async def run():
        token, logins = make_token(["t"])
        first = asyncio.create_task(token.headers(None, None, None))
        second = asyncio.create_task(token.headers(None, None, None))
        await asyncio.sleep(0)
        first.cancel()
        return await second, len(logins)

    assert asyncio.run(run()) == ({"Authorization": "Bearer t"}, 1)


def test_a_token_goes_under_the_scheme_of_its_system():
    token, _ = make_token(["abc"], scheme="Session")
    script = Script(answer())
    play(script, [READ], auth=token)
    assert sent(script) == ["session abc"]


def test_a_login_needs_no_turn_of_its_own():
    """With one call at a time, the call that waits for the login holds the only turn."""

    async def fetch(door):
        reply = await door.attempt(Call("POST", "/login", authorized=False))
        return reply.member("token")

    script = Script(answer(body='{"token": "t"}'), answer())
    options = HttpOptions(concurrency=1)
    (reply,) = play(script, [READ], auth=Token(fetch), options=options)
    assert reply.status == 200
    assert sent(script) == [None, "bearer t"]


def signature(method, url, number):
    said = f"{method} {url} {number}".encode()
    return hmac.new(b"key", said, hashlib.sha256).hexdigest()


class Signer:
    """Signs what is sent, as it is sent; a signature that was refused is not made again."""

    signed = 0

    async def headers(self, door, request, refused):  # noqa: ARG002
        if refused is not None:
            return refused
        self.signed += 1
        return {"Authorization": signature(request.method, request.url, self.signed)}

    async def log_in(self, door):
        """There are no sessions."""


def test_a_signature_is_made_for_each_request_from_what_is_sent():
    script = Script(answer(503), answer())
    call = Call("GET", "/thing?a=1", params=[("b", "2 3")])
    signer = Signer()

    async def use(door):
        await door.send(call)
        return door.base_url

    base_url = at_door(script, use, auth=signer)
    paths = [request[0].split()[1] for request in script.requests]
    assert paths[0] == paths[1]
    signatures = [signature("GET", base_url + paths[0], number) for number in (1, 2)]
    assert sent(script) == signatures


def test_a_refused_signature_is_the_end():
    script = Script(answer(401))
    (error,) = play(script, [READ], auth=Signer())
    assert type(error) is Unauthorized
    assert len(script.requests) == 1
