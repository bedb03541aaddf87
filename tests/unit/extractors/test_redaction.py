"""No secret is shown: not in errors, their causes, logs, or what objects print of themselves."""

import asyncio
import base64
import html
import io
import json
import logging
import time
import traceback
from urllib.parse import quote, quote_plus

import pytest
import stamina
from hypothesis import given, settings
from hypothesis import strategies as st

from extractors.auth import Grant, Token
from extractors.calls import Call
from extractors.errors import SourceError
from extractors.http import HttpOptions
from extractors.redaction import HIDDEN, excerpt_of, redact, secrets_in
from tests.effort import examples
from tests.scripted import HANG_UP, Script, answer, at_door, outcome

JWT = "eyJhbGciOiJQUzI1NiJ9.eyJpc3MiOiJtZSJ9.c2lnbmF0dXJlLXNpZ25hdHVyZQ"
# No secret is a piece of what we print anyway: each begins as no word does.
# What can stand in a header is printable, and has no blank at an end.
IN_HEADERS = st.text(
    st.characters(min_codepoint=33, max_codepoint=126), min_size=6, max_size=60
).map("Zq".__add__)
ANYTHING = st.text(
    st.characters(min_codepoint=32, max_codepoint=0x2FFF, exclude_categories=["Cs"]),
    min_size=6,
    max_size=60,
).map("Zq".__add__)


class Everything(logging.Handler):
    """All records of all loggers, printed in full."""

    def __init__(self):
        super().__init__(logging.DEBUG)
        self.text = io.StringIO()

    def emit(self, record):
        print(record.getMessage(), vars(record), file=self.text)


class listening:  # noqa: N801
    """Every logger of the process at its most talkative."""

    def __enter__(self):
        self.handler = Everything()
        self.names = ["httpx", "httpcore", "hpack", "extractors", "asyncio"]
        self.levels = {name: logging.getLogger(name).level for name in ["", *self.names]}
        for name in self.levels:
            logging.getLogger(name).setLevel(logging.DEBUG)
        logging.getLogger().addHandler(self.handler)
        return self.handler.text

    def __exit__(self, *error):
        logging.getLogger().removeHandler(self.handler)
        for name, level in self.levels.items():
            logging.getLogger(name).setLevel(level)


def told(error):
    """All that can be printed of an error, of its causes and of what it happened in."""
    texts = ["".join(traceback.format_exception(error))]
    while error is not None:
        texts += [str(error), repr(error), repr(error.args), repr(vars(error))]
        error = error.__cause__ or error.__context__
    return "\n".join(texts)


SPELLINGS = [
    str,
    lambda text: quote(text, safe=""),
    quote_plus,
    html.escape,
    lambda text: json.dumps({"got": text}),
    lambda text: json.dumps({"got": text}, ensure_ascii=False),
    lambda text: "x" * 480 + text + "x" * 100,
]


def everything_sent(secrets, spelling, status):
    """The worst server: it says back every header and the body, anywhere in its answer."""

    def echo(head, sent):
        text = "\n".join([head, sent, *map(spelling, [f"Bearer {secrets[0]}", *secrets])])
        body = json.dumps({"message": text, "code": "".join(secrets)}, ensure_ascii=False)
        body = f"<html>{text}</html>" if status == 200 else body
        return answer(status, body, Request_Id=secrets[0])

    return echo


@settings(max_examples=examples(40), deadline=None)
@given(
    token=IN_HEADERS,
    key=IN_HEADERS,
    sent=ANYTHING,
    spelling=st.sampled_from(SPELLINGS),
    status=st.sampled_from([200, 400, 401, 403, 429, 500]),
    where=st.sampled_from(["form", "json", "query"]),
    kind=st.sampled_from(["read", "write"]),
)
def test_a_server_that_echoes_all_it_was_sent_makes_us_tell_no_secret(  # noqa: PLR0917
    token, key, sent, spelling, status, where, kind
):
    call = {
        "form": Call("POST", "/form", form=[("client_secret", sent), ("a", "b")], kind=kind),
        "json": Call("POST", "/json", json={"params": ["me", {"password": sent}]}, kind=kind),
        "query": Call("GET", "/query?x=1", params=[("access_token", sent)], kind=kind),
    }[where]
    secrets = [token, key, sent]

    async def login(door):
        return Grant(token, 60)

    async def use(door):
        return await outcome(door, call), repr(door)

    script = Script(*[everything_sent(secrets, spelling, status)] * 2, seconds=0)
    given_ = {"auth": Token(login), "headers": {"X-Api-Key": key}}
    with listening() as log:
        error, printed = at_door(script, use, options=HttpOptions(attempts=1), **given_)
    assert isinstance(error, SourceError)
    seen = "\n".join([told(error), repr(call), printed, log.getvalue()])
    for secret in secrets:
        for text in {secret, quote(secret, safe=""), quote_plus(secret), html.escape(secret)}:
            assert text not in seen


@pytest.mark.parametrize("header", ["with\nline break", "with\rreturn", "with\0null"])
def test_a_secret_that_cannot_be_sent_is_not_told_by_the_library_that_refuses_it(header):
    async def login(door):
        return f"s3cret-{header}"

    async def use(door):
        return await outcome(door, Call("GET", "/thing"))

    error = at_door(Script(), use, options=HttpOptions(attempts=1), auth=Token(login))
    assert isinstance(error, SourceError)
    assert "s3cret" not in told(error)
    assert (error.__cause__, error.__context__) == (None, None)


def test_a_secret_that_is_no_ascii_is_for_the_vendor_to_refuse():
    async def login(door):
        return "s3cret-schlüssel"

    async def use(door):
        return await outcome(door, Call("GET", "/thing", headers={"X-Token": "s3cret-ключ"}))

    def echo(head, sent):
        return answer(401, json.dumps({"message": head}))

    script = Script(echo, echo)
    error = at_door(script, use, auth=Token(login), headers={"X-Api-Key": "s3cret-clé"})
    assert isinstance(error, SourceError)
    assert error.status == 401
    assert "s3cret" not in told(error)


@pytest.mark.parametrize("step", [HANG_UP, answer(body='{"a": "s3cret'), answer(500, "s3cret")])
def test_no_error_has_a_cause_whose_text_could_tell(step):
    async def use(door):
        return await outcome(door, Call("GET", "/thing", params=[("token", "s3cret")]))

    with stamina.set_testing(True, attempts=2):
        error = at_door(Script(*[step] * 2), use)
    assert "s3cret" not in told(error)
    assert error.__cause__ is None


def test_libraries_print_no_addresses_and_no_headers_whatever_they_are_asked():
    async def use(door):
        return await door.send(Call("GET", "/thing", params=[("token", "s3cret")]))

    with listening() as log:
        at_door(Script(answer(Set_Cookie="sid=s3cret")), use)
    assert "/thing" in log.getvalue()
    assert "s3cret" not in log.getvalue()


def test_a_login_that_went_wrong_shows_neither_what_was_sent_nor_what_came():
    granted = json.dumps({"id_token": JWT, "refresh_token": "5Aep861..rest", "scope": "api"})

    async def login(door):
        form = [("grant_type", "jwt-bearer"), ("assertion", JWT)]
        call = Call("POST", "/token", form=form, authorized=False)
        return (await door.attempt(call)).member("access_token")

    async def use(door):
        return await outcome(door, Call("GET", "/thing"))

    error = at_door(Script(answer(body=granted)), use, auth=Token(login))
    assert "has no 'access_token'" in str(error)
    assert '"scope": "api"' in error.body_excerpt
    for secret in (JWT, JWT.split(".")[2], "5Aep861"):
        assert secret not in told(error)


@pytest.mark.parametrize(
    "text",
    [
        "Authorization: Bearer abc.def-123",
        "Basic dXNlcjpwYXNz",
        f"the assertion {JWT} has expired",
        "Invalid API Key provided: sk_live_" + "a1" * 12,
        "rk_test_" + "b2" * 12,
        "session 00Dxx0000001gPL!AR8AQJXg5oj8jXSgxJfA0lBog is gone",
        'client_secret=abc123&x=1, "access_token": "abc123"',
    ],
)
def test_what_looks_like_a_secret_is_hidden_though_nobody_sent_it(text):
    hidden = redact(text)
    assert HIDDEN in hidden
    for part in ("abc", "dXNl", "eyJ", "a1a1", "b2b2", "AR8A"):
        assert part not in hidden


@pytest.mark.parametrize(
    "text",
    [
        "No such customer: 'cus_NffrFeUfNV2Hib'",
        "Keys for idempotent requests can only be used for the same endpoint; key 9f2-c4",
        "UNABLE_TO_LOCK_ROW: unable to obtain exclusive access to this record",
        "Session expired or invalid",
        "the token is not valid",
    ],
)
def test_what_a_vendor_says_stays_readable(text):
    assert redact(text, ["hunter2-hunter2"]) == text


def test_credentials_are_found_inside_of_what_packs_them():
    basic = base64.b64encode(b"user-name:pass:word").decode()
    found = set(secrets_in([("authorization", f"Basic {basic}")]))
    assert {basic, "user-name:pass:word", "user-name"} <= found
    oauth = 'OAuth realm="123", oauth_token="t0ken-t0ken", oauth_signature="c2ln%3D"'
    assert {"t0ken-t0ken", "c2ln%3D"} <= set(secrets_in([("Authorization", oauth)]))


def test_an_excerpt_is_cut_after_secrets_are_hidden():
    text = "x" * 495 + "secret-of-some-length" + "y" * 100
    assert "secre" not in excerpt_of(text.encode(), ["secret-of-some-length"])


def test_short_values_are_words_and_stay():
    assert redact("a user of a day", ["a", "user"]) == "a user of a day"


def test_what_holds_secrets_prints_none():
    async def fetch(door):
        return "t0ken-t0ken"

    token = Token(fetch)
    asyncio.run(token.headers(None, None, None))
    call = Call("POST", "/a/1?token=t0ken-t0ken", form=[("password", "t0ken-t0ken")])
    printed = f"{token!r} {Grant('t0ken-t0ken', 1)!r} {call!r}"
    assert "t0ken" not in printed
    assert "/a/{id}" in printed


@pytest.mark.parametrize("text", ["a" * 10**6, "eyJ-" * 10**5, "Bearer " * 10**5, "token" * 10**5])
def test_a_hostile_text_does_not_hold_us_up(text):
    begun = time.process_time()
    redact(text, ["some-secret"] * 5)
    assert time.process_time() - begun < 1
