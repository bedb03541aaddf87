"""Our own HTTP/1.1 on real sockets: what is an answer, what is lost, what never left."""

import asyncio
import socket
import struct
from contextlib import asynccontextmanager

import httpx
import pytest

from extractors.answers import NEVER_SENT
from extractors.http import HttpDoor, HttpOptions
from extractors.http1 import KEEP_ALIVE_SECONDS, Http1Transport
from tests.scripted import READ, Script, answer, dialect

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
OFFERING = OK.replace(
    b"\r\n\r\n", b"\r\nUpgrade: h2,h2c\r\nConnection: Upgrade, Keep-Alive\r\n\r\n"
)
EMPTY = b"HTTP/1.1 204 No Content\r\n\r\n"
CHUNKED = (
    b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nX-Id: 7 \r\n\r\n"
    b"3\r\none\r\n6;x=y\r\n, two,\r\n0\r\nX-Trailer: t\r\n\r\n"
)
HANG_UP, RESET = "hang up", "reset"


class Server:
    """Each connection plays the steps of all in turn: a list of bytes to write, or what to do."""

    def __init__(self, *steps):
        self.steps = list(steps)
        self.connections = 0
        self.requests = []

    async def serve(self, reader, writer):
        self.connections += 1
        try:
            while True:
                head = await reader.readuntil(b"\r\n\r\n")
                length = int((head.lower().partition(b"content-length: ")[2] or b"0").split()[0])
                self.requests.append((head, await reader.readexactly(length)))
                for piece in self.steps.pop(0):
                    await self._do(piece, writer)
        except (asyncio.IncompleteReadError, ConnectionError):
            writer.close()

    async def _do(self, piece, writer):
        if isinstance(piece, bytes):
            writer.write(piece)
            await writer.drain()
            await asyncio.sleep(0)
        elif isinstance(piece, float):
            await asyncio.sleep(piece)
        else:
            if piece == RESET:
                linger = struct.pack("ii", 1, 0)
                writer.get_extra_info("socket").setsockopt(
                    socket.SOL_SOCKET, socket.SO_LINGER, linger
                )
            writer.close()
            raise ConnectionError


@asynccontextmanager
async def client_of(server, *, most=4, **seconds):
    listening = await asyncio.start_server(server.serve, "127.0.0.1", 0)
    port = listening.sockets[0].getsockname()[1]
    timeout = httpx.Timeout(5, **seconds)
    transport = Http1Transport(httpx.create_ssl_context(), most)
    client = httpx.AsyncClient(
        base_url=f"http://127.0.0.1:{port}", transport=transport, timeout=timeout
    )
    async with listening, client:
        yield client
    assert not transport._idle


async def told(client, method="GET", **given):
    """The status and the body, or the class of the error."""
    try:
        answer = await client.request(method, "/", **given)
    except httpx.TransportError as error:
        return type(error)
    return answer.status_code, answer.content


def ask(server, calls=1, **given):
    async def run():
        async with client_of(server, **given) as client:
            return [await told(client) for _ in range(calls)]

    return asyncio.run(run())


def test_calls_follow_each_other_on_one_connection():
    server = Server([OK], [CHUNKED], [EMPTY], [OFFERING], [OK])
    answers = ask(server, 5)
    assert answers == [(200, b"ok"), (200, b"one, two,"), (204, b""), (200, b"ok"), (200, b"ok")]
    assert server.connections == 1


def test_a_call_is_sent_as_it_was_made():
    server = Server([OK])

    async def run():
        async with client_of(server) as client:
            headers = [(b"X-Name", "Zoë".encode())]
            await told(client, "PATCH", params={"q": "a b"}, headers=headers, content=b"body")

    asyncio.run(run())
    ((head, body),) = server.requests
    assert head.startswith(b"PATCH /?q=a+b HTTP/1.1\r\nHost: 127.0.0.1:")
    assert "X-Name: Zoë\r\n".encode() in head
    assert body == b"body"


def test_an_answer_may_come_in_any_pieces():
    split = [[CHUNKED[:at], CHUNKED[at:]] for at in range(1, len(CHUNKED))]
    split.append([CHUNKED[at : at + 1] for at in range(len(CHUNKED))])
    server = Server(*split)

    async def run():
        async with client_of(server) as client:
            return [await client.get("/") for _ in split]

    for seen in asyncio.run(run()):
        assert seen.content == b"one, two,"
        assert seen.headers.multi_items() == [("transfer-encoding", "chunked"), ("x-id", "7")]


def test_a_word_in_between_is_not_the_answer():
    between = b"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n"
    assert ask(Server([between, OK])) == [(200, b"ok")]
    assert ask(Server([between, HANG_UP])) == [httpx.RemoteProtocolError]


def test_an_answer_without_a_length_ends_with_its_connection():
    server = Server([b"HTTP/1.1 200 OK\r\n\r\nall", b" of it", HANG_UP], [OK])
    assert ask(server, 2) == [(200, b"all of it"), (200, b"ok")]


@pytest.mark.parametrize(
    ("steps", "error"),
    [
        ([HANG_UP], httpx.RemoteProtocolError),
        ([RESET], httpx.ReadError),
        ([OK[:10], HANG_UP], httpx.RemoteProtocolError),
        ([OK[:-1], HANG_UP], httpx.RemoteProtocolError),
        ([OK[:-1], RESET], httpx.ReadError),
        ([CHUNKED[:-2], HANG_UP], httpx.RemoteProtocolError),
        ([b"HTTP/1.1 200 OK\r\n\r\nopen", RESET], httpx.ReadError),
        ([b"220 mail.example ESMTP\r\n"], httpx.RemoteProtocolError),
        ([b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n12"], httpx.RemoteProtocolError),
        ([b"HTTP/1.1 101 Switching\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n"], httpx.RemoteProtocolError),
        ([0.3], httpx.ReadTimeout),
        ([OK[:-1], 0.3], httpx.ReadTimeout),
    ],
)  # fmt: skip
@pytest.mark.parametrize("before", [[], [EMPTY]])
def test_an_answer_that_is_lost_is_none_and_may_have_been_taken(before, steps, error):
    """On a new connection as on one that brought an answer before, which is not told again."""
    server = Server(*([before] if before else []), steps, [OK])
    answers = ask(server, len(server.steps), read=0.1)
    assert answers[-2:] == [error, (200, b"ok")]
    assert not issubclass(error, NEVER_SENT)
    assert len(server.requests) == len(answers)


def test_a_connection_that_was_hung_up_while_idle_is_not_used():
    server = Server([OK, HANG_UP], [OK, HANG_UP], [OK, RESET], [OK])
    assert ask(server, 4) == [(200, b"ok")] * 4
    assert server.connections == 4


class Leaving(Server):
    """Hangs up in the same moment in which it answers, and does not say so."""

    async def serve(self, reader, writer):
        self.connections += 1
        await reader.readuntil(b"\r\n\r\n")
        writer.write(OK)
        writer.close()


def test_a_hang_up_that_came_with_the_answer_is_seen_before_the_next_call():
    server = Leaving()
    assert ask(server, 5) == [(200, b"ok")] * 5
    assert server.connections == 5


def test_a_connection_that_is_old_or_to_be_closed_is_not_used(monkeypatch):
    closing = OK.replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n")
    server = Server([closing], [OK], [OK])

    async def run():
        async with client_of(server) as client:
            await told(client)
            await told(client)
            monkeypatch.setattr("extractors.http1.KEEP_ALIVE_SECONDS", 0.0)
            await told(client)

    asyncio.run(run())
    assert server.connections == 3
    assert KEEP_ALIVE_SECONDS > 0


@pytest.mark.parametrize("more", [OK, b"\r\nrubbish"])
def test_what_nobody_asked_for_is_no_answer_to_the_next_call(more):
    server = Server([OK + more], [EMPTY])
    assert ask(server, 2) == [(200, b"ok"), (204, b"")]
    assert server.connections == 2


def test_the_late_answer_to_a_call_that_was_given_up_goes_to_nobody():
    server = Server([0.1, OK], [EMPTY])

    async def run():
        async with client_of(server, most=1) as client:
            with pytest.raises(TimeoutError):
                async with asyncio.timeout(0.05):
                    await told(client)
            await asyncio.sleep(0.1)
            return await told(client)

    assert asyncio.run(run()) == (204, b"")
    assert server.connections == 2


def test_an_answer_that_keeps_moving_may_take_longer_than_a_pause_may():
    trickle = [piece for n in range(len(OK)) for piece in (OK[n : n + 1], 0.01)]
    assert ask(Server(trickle), read=0.2) == [(200, b"ok")]


class Deaf(Server):
    """Takes no body."""

    async def serve(self, reader, writer):
        await reader.readuntil(b"\r\n\r\n")
        await asyncio.sleep(0.5)
        writer.transport.abort()


def test_what_the_other_side_does_not_take_is_given_up():
    async def run():
        async with client_of(Deaf(), write=0.1) as client:
            return await told(client, "POST", content=b"x" * 50_000_000)

    assert asyncio.run(run()) is httpx.WriteTimeout


class Hasty(Server):
    """Answers before it has read the body, of which it reads no more then."""

    async def serve(self, reader, writer):
        self.connections += 1
        await reader.readuntil(b"\r\n\r\n")
        writer.write(OK)
        await asyncio.sleep(0.5)
        writer.transport.abort()


def test_an_answer_may_come_before_the_call_was_taken_and_ends_its_connection():
    server = Hasty()

    async def run():
        async with client_of(server, write=0.1) as client:
            return await told(client, "POST", content=b"x" * 50_000_000), await told(client)

    assert asyncio.run(run()) == ((200, b"ok"), (200, b"ok"))
    assert server.connections == 2


def test_what_never_left_says_so():
    server = Server([0.2, OK])

    async def run():
        async with client_of(server, most=1, pool=0.05) as client:
            head = await told(client, "HEAD")
            broken = await told(client, headers={"X-Id": "1\r\nX-Other: 2"})
            first = asyncio.create_task(told(client))
            await asyncio.sleep(0.02)
            seen = [head, broken, await told(client), await first]
            with socket.create_server(("127.0.0.1", 0)) as free:
                port = free.getsockname()[1]
            client.base_url = f"http://127.0.0.1:{port}"
            return [*seen, await told(client)]

    head, broken, full, first, refused = asyncio.run(run())
    assert head is httpx.UnsupportedProtocol
    assert (broken, full) == (httpx.LocalProtocolError, httpx.PoolTimeout)
    assert (first, refused) == ((200, b"ok"), httpx.ConnectError)
    assert {head, broken, full, refused} <= {*NEVER_SENT}
    assert len(server.requests) == 1


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
