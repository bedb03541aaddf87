"""The door on a real server over TLS, of HTTP/2 and HTTP/1.1: hypercorn, with a certificate."""

import asyncio
import json
import socket
import threading
from contextlib import contextmanager

import pytest
import trustme
from hypercorn.asyncio import serve
from hypercorn.config import Config

from extractors.calls import Call
from extractors.errors import Transient, UnknownOutcome
from extractors.http import HttpDoor, HttpOptions
from tests.scripted import dialect, outcome


async def app(scope, receive, send):
    """Says which protocol was spoken, and by whom."""
    if scope["type"] != "http":
        return
    body = b""
    more = True
    while more:
        message = await receive()
        body += message.get("body", b"")
        more = message.get("more_body", False)
    if scope["path"] == "/broken":
        headers = [(b"content-type", b"application/json"), (b"content-length", b"5000")]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": b'{"half":', "more_body": True})
        raise ConnectionResetError
    await asyncio.sleep(0.05)
    told = {
        "version": scope["http_version"],
        "from": scope["client"][1],
        "query": scope["query_string"].decode(),
        "body": body.decode(),
        "authorization": dict(scope["headers"]).get(b"authorization", b"").decode(),
    }
    headers = [(b"content-type", b"application/json"), (b"request-id", b"req_1")]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": json.dumps(told).encode()})


@contextmanager
def running(**settings):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        port = taken.getsockname()[1]
    config = Config()
    config.bind = [f"127.0.0.1:{port}"]
    config.graceful_timeout = 0
    config.keep_alive_timeout = 0.3
    config.errorlog = None
    for name, value in settings.items():
        setattr(config, name, value)
    loop = asyncio.new_event_loop()
    stop = asyncio.Event()
    started = threading.Event()

    async def until_stopped():
        started.set()
        await stop.wait()

    serving = serve(app, config, shutdown_trigger=until_stopped)
    thread = threading.Thread(target=lambda: loop.run_until_complete(serving))
    thread.start()
    started.wait(10)
    try:
        yield port
    finally:
        loop.call_soon_threadsafe(stop.set)
        thread.join(10)
        loop.close()


@pytest.fixture(scope="module")
def certificate(tmp_path_factory):
    folder = tmp_path_factory.mktemp("certificate")
    authority = trustme.CA()
    issued = authority.issue_cert("127.0.0.1")
    issued.private_key_pem.write_to_path(folder / "key.pem")
    issued.cert_chain_pems[0].write_to_path(folder / "chain.pem")
    authority.cert_pem.write_to_path(folder / "root.pem")
    return folder


@pytest.fixture(scope="module")
def tls_port(certificate):
    paths = {"certfile": certificate / "chain.pem", "keyfile": certificate / "key.pem"}
    with running(**{name: str(path) for name, path in paths.items()}) as port:
        yield port


@pytest.fixture
def trusted(monkeypatch, certificate):
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate / "root.pem"))


def told(base_url, calls, **options):
    async def run():
        options_ = HttpOptions(attempts=1, **options)
        headers = {"Authorization": "Bearer t"}
        async with HttpDoor(base_url, dialect(), options_, headers=headers) as door:
            return await asyncio.gather(*(outcome(door, call) for call in calls))

    return asyncio.run(run())


def test_all_calls_share_one_connection_where_http_2_is_spoken(tls_port, trusted):
    calls = [Call("POST", f"/n/{n}", params=[("n", str(n))], form=[("a", "b")]) for n in range(20)]
    replies = told(f"https://127.0.0.1:{tls_port}", calls, http2=True, concurrency=20)
    assert {reply.body["version"] for reply in replies} == {"2"}
    assert len({reply.body["from"] for reply in replies}) == 1
    assert {reply.body["query"] for reply in replies} == {f"n={n}" for n in range(20)}
    assert {reply.body["body"] for reply in replies} == {"a=b"}
    assert {reply.body["authorization"] for reply in replies} == {"Bearer t"}
    assert {reply.request_id for reply in replies} == {"req_1"}


def test_the_pool_has_a_connection_per_call_in_flight_where_it_is_not(tls_port, trusted):
    calls = [Call("GET", "/")] * 12
    replies = told(f"https://127.0.0.1:{tls_port}", calls, concurrency=4)
    assert {reply.body["version"] for reply in replies} == {"1.1"}
    assert len({reply.body["from"] for reply in replies}) == 4


def test_a_certificate_for_another_name_is_not_spoken_to(tls_port, trusted):
    calls = [Call("POST", "/", kind="write", repeatable=False)]
    (error,) = told(f"https://localhost:{tls_port}", calls)
    assert type(error) is Transient
    assert "certificate verify failed" in str(error)


def test_cleartext_stays_http_1():
    with running() as port:
        (reply,) = told(f"http://127.0.0.1:{port}", [Call("GET", "/")], http2=True)
    assert reply.body["version"] == "1.1"


@pytest.mark.parametrize("http2", [True, False])
@pytest.mark.parametrize(("kind", "error"), [("read", Transient), ("write", UnknownOutcome)])
def test_a_connection_that_ends_in_the_middle_of_an_answer_is_a_lost_answer(
    tls_port, trusted, kind, error, http2
):
    calls = [Call("POST", "/broken", kind=kind, repeatable=False)]
    (seen,) = told(f"https://127.0.0.1:{tls_port}", calls, http2=http2)
    assert type(seen) is error


@pytest.mark.parametrize("http2", [True, False])
def test_a_certificate_that_nobody_vouches_for_is_not_spoken_to(tls_port, http2):
    calls = [Call("POST", "/", kind="write", repeatable=False)]
    (error,) = told(f"https://127.0.0.1:{tls_port}", calls, http2=http2)
    assert type(error) is Transient
    assert "certificate verify failed" in str(error)
