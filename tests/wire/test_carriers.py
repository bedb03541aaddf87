"""What carries calls, on real sockets: what is an answer, what is lost, what never left."""

import asyncio
import socket
import struct
from contextlib import asynccontextmanager

import httpx
import pytest

from extractors.answers import NEVER_SENT
from extractors.carriers import FAILURES, OneEach
from extractors.http import HttpDoor, HttpOptions
from tests.scripted import READ, Script, answer, dialect

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
EMPTY = b"HTTP/1.1 204 No Content\r\n\r\n"
CHUNKED = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\none\r\n0\r\n\r\n"
HANG_UP, RESET = "hang up", "reset"
SECONDS = httpx.Timeout(5, read=0.1).as_dict()


class Server:
    """Each connection plays the steps of all in turn: a list of bytes to write, or what to do."""

    def __init__(self, *steps):
        self.steps = list(steps)
        self.connections = 0
        self.requests = 0

    async def serve(self, reader, writer):
        self.connections += 1
        try:
            while True:
                await reader.readuntil(b"\r\n\r\n")
                self.requests += 1
                for piece in self.steps.pop(0):
                    await self._do(piece, writer)
        except (asyncio.IncompleteReadError, ConnectionError):
            writer.close()

    async def _do(self, piece, writer):
        if isinstance(piece, bytes):
            writer.write(piece)
            await writer.drain()
            return await asyncio.sleep(0)
        if isinstance(piece, float):
            return await asyncio.sleep(piece)
        if piece == RESET:
            linger = struct.pack("ii", 1, 0)
            writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
        writer.close()
        raise ConnectionError


@asynccontextmanager
async def calling(server):
    """A function that makes one call: the status and the body, or the class of the error."""
    listening = await asyncio.start_server(server.serve, "127.0.0.1", 0)
    port = listening.sockets[0].getsockname()[1]
    carrier = OneEach(httpx.create_ssl_context)

    async def told(port=port, **headers):
        request = httpx.Request(
            "GET", f"http://127.0.0.1:{port}/", headers=headers, extensions={"timeout": SECONDS}
        )
        try:
            answer = await carrier.handle_async_request(request)
        except httpx.TransportError as error:
            return type(error)
        return answer.status_code, await answer.aread()

    async with listening:
        yield told
        await carrier.aclose()


def ask(server, calls):
    async def run():
        async with calling(server) as told:
            return [await told() for _ in range(calls)]

    return asyncio.run(run())


def test_calls_that_follow_each_other_go_over_one_connection():
    server = Server([OK], [CHUNKED], [EMPTY])
    assert ask(server, 3) == [(200, b"ok"), (200, b"one"), (204, b"")]
    assert server.connections == 1


def test_calls_at_once_have_a_connection_each_and_those_after_them_no_more():
    server = Server([0.05, OK], [0.05, OK], [OK])

    async def run():
        async with calling(server) as told:
            await asyncio.gather(told(), told())
            await told()

    asyncio.run(run())
    assert server.connections == 2


@pytest.mark.parametrize(
    ("steps", "error"),
    [
        ([HANG_UP], httpx.RemoteProtocolError),
        ([RESET], httpx.ReadError),
        ([OK[:10], HANG_UP], httpx.RemoteProtocolError),
        ([OK[:-1], HANG_UP], httpx.RemoteProtocolError),
        ([OK[:-1], RESET], httpx.ReadError),
        ([CHUNKED[:-2], HANG_UP], httpx.RemoteProtocolError),
        ([b"220 mail.example ESMTP\r\n\r\n"], httpx.RemoteProtocolError),
        ([0.3], httpx.ReadTimeout),
        ([OK[:-1], 0.3], httpx.ReadTimeout),
    ],
)
@pytest.mark.parametrize("before", [[], [EMPTY]])
def test_an_answer_that_is_lost_is_none_and_may_have_been_taken(before, steps, error):
    """On a new connection as on one that brought an answer before, which is not told again."""
    server = Server(*([before] if before else []), steps, [OK])
    answers = ask(server, len(server.steps))
    assert answers[-2:] == [error, (200, b"ok")]
    assert not issubclass(error, NEVER_SENT)
    assert server.requests == len(answers)


def test_a_connection_that_was_hung_up_while_idle_is_not_used():
    server = Server([OK, HANG_UP], [OK, HANG_UP], [OK, RESET], [OK])
    assert ask(server, 4) == [(200, b"ok")] * 4
    assert server.connections == 4


def test_what_never_left_says_so():
    server = Server([OK])

    async def run():
        with socket.create_server(("127.0.0.1", 0)) as free:
            nobody = free.getsockname()[1]
        async with calling(server) as told:
            return [await told(**{"X-Id": "1\r\nX-Other: 2"}), await told(nobody), await told()]

    broken, refused, taken = asyncio.run(run())
    assert (broken, refused) == (httpx.LocalProtocolError, httpx.ConnectError)
    assert {broken, refused} <= {*NEVER_SENT}
    assert (taken, server.requests) == ((200, b"ok"), 1)


def test_every_failure_of_a_connection_has_the_name_of_one_of_httpx():
    kinds = [*FAILURES, *(kind for one in FAILURES for kind in one.__subclasses__())]
    for kind in kinds:
        assert issubclass(getattr(httpx, kind.__name__), httpx.TransportError)


def test_an_address_that_is_not_of_the_web_is_not_called():
    async def run():
        request = httpx.Request("GET", "ftp://127.0.0.1/")
        await OneEach(httpx.create_ssl_context).handle_async_request(request)

    with pytest.raises(httpx.UnsupportedProtocol):
        asyncio.run(run())


def test_an_idle_connection_is_not_used_for_another_system():
    async def run():
        async with calling(Server([OK], [OK])) as told:
            other = await asyncio.start_server(Server([EMPTY]).serve, "127.0.0.1", 0)
            async with other:
                return await told(), await told(other.sockets[0].getsockname()[1]), await told()

    assert asyncio.run(run()) == ((200, b"ok"), (204, b""), (200, b"ok"))


def test_a_proxy_of_the_environment_is_called_in_the_place_of_the_system(monkeypatch):
    script = Script(answer())

    async def run():
        proxy = await asyncio.start_server(script.serve, "127.0.0.1", 0)
        port = proxy.sockets[0].getsockname()[1]
        monkeypatch.setenv("http_proxy", f"http://127.0.0.1:{port}")
        async with proxy, HttpDoor("http://erp.example", dialect(), HttpOptions()) as door:
            return await door.send(READ)

    assert asyncio.run(run()).status == 200
    assert script.requests[0][0] == "GET http://erp.example/thing HTTP/1.1"
