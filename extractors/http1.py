"""HTTP/1.1 straight to a host, as a transport of httpx: asyncio carries it, llhttp reads it.

httpx's own transport takes several times the processor time: at each call it asks the socket of
every idle connection. Proxies and HTTP/2 are left to it; there is no HEAD.
"""

import asyncio
import re
import select
import ssl
from collections import defaultdict
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from http import HTTPStatus

import httptools
import httpx

# Past so many idle seconds the other side may be about to hang up; httpx's own default.
KEEP_ALIVE_SECONDS = 5.0
# The head start of an address over the next one of the same host (RFC 8305).
NEXT_ADDRESS_SECONDS = 0.25
PORTS = {"http": 80, "https": 443}
_BREAK = re.compile(rb"[\0\r\n]")
Origin = tuple[str, str, int]


class Http1Transport(httpx.AsyncBaseTransport):
    """Keeps connections alive, at most `most` in use at once; reads each answer to its end.

    What never left fails as in httpx: ConnectError, ConnectTimeout, PoolTimeout,
    LocalProtocolError, UnsupportedProtocol. Any other error means that it may have been taken.
    Nothing is sent twice.
    """

    def __init__(self, certificates: ssl.SSLContext, most: int) -> None:
        self._certificates = certificates
        self._places = asyncio.Semaphore(most)
        self._idle: defaultdict[Origin, list[_Connection]] = defaultdict(list)

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        url, seconds, message = request.url, request.extensions["timeout"], _message(request)
        origin = (url.scheme, url.raw_host.decode(), url.port or PORTS[url.scheme])
        async with self._place(seconds["pool"]):
            connection = self._kept(origin) or await self._opened(origin, seconds["connect"])
            try:
                return await connection.exchange(message, seconds["read"], seconds["write"])
            finally:
                if connection.is_reusable:
                    self._idle[origin].append(connection)
                else:
                    connection.close()

    async def aclose(self) -> None:
        for kept in self._idle.values():
            for connection in kept:
                connection.close()
        self._idle.clear()
        await asyncio.sleep(0)  # the sockets are closed in the next round of the loop

    @asynccontextmanager
    async def _place(self, seconds: float) -> AsyncIterator[None]:
        try:
            async with asyncio.timeout(seconds):
                await self._places.acquire()
        except TimeoutError as error:
            raise httpx.PoolTimeout("all connections are in use") from error
        try:
            yield
        finally:
            self._places.release()

    def _kept(self, origin: Origin) -> "_Connection | None":
        kept = self._idle[origin]
        while kept:
            connection = kept.pop()
            if connection.is_fit():
                return connection
            connection.close()
        return None

    async def _opened(self, origin: Origin, seconds: float) -> "_Connection":
        scheme, host, port = origin
        try:
            async with asyncio.timeout(seconds):
                _, connection = await asyncio.get_running_loop().create_connection(
                    _Connection,
                    host,
                    port,
                    ssl=self._certificates if scheme == "https" else None,
                    happy_eyeballs_delay=NEXT_ADDRESS_SECONDS,
                )
        except TimeoutError as error:
            raise httpx.ConnectTimeout("no connection in time") from error
        except OSError as error:
            raise httpx.ConnectError(str(error)) from error
        return connection


class _Connection(asyncio.Protocol):
    """Carries one exchange at a time. The methods `on_...` are called by the parser."""

    _transport: asyncio.Transport

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._parser = httptools.HttpResponseParser(self)
        self._poll = select.poll()
        self._headers: list[tuple[bytes, bytes]] = []
        self._body: list[bytes] = []
        self._has_head = self._is_open_ended = False
        self._read_seconds = self._write_seconds = self._moved_at = 0.0
        self._answer: asyncio.Future[httpx.Response] = self._loop.create_future()
        self._answer.cancel()  # nobody has asked yet
        self._is_stuck = False  # the other side does not take what we write
        self.is_reusable = False

    async def exchange(
        self, message: bytes, read_seconds: float, write_seconds: float
    ) -> httpx.Response:
        """The answer to a message. The seconds bound how long nothing may move."""
        if self._transport.is_closing():
            raise httpx.ConnectError("hung up before anything was sent")
        self.is_reusable = self._is_open_ended = False
        self._read_seconds, self._write_seconds = read_seconds, write_seconds
        self._answer = self._loop.create_future()
        self._transport.write(message)
        self._moved_at = self._loop.time()
        self._timer = self._loop.call_at(self._due, self._watch)
        try:
            return await self._answer
        finally:
            self._timer.cancel()

    def is_fit(self) -> bool:
        """Whether a call may go out on it, idle as it is: what could be read now is a hang-up."""
        is_old = self._loop.time() - self._moved_at > KEEP_ALIVE_SECONDS
        return self.is_reusable and not is_old and not self._poll.poll(0)

    def close(self) -> None:
        self.is_reusable = False
        self._transport.abort()

    @property
    def _due(self) -> float:
        return self._moved_at + (self._write_seconds if self._is_stuck else self._read_seconds)

    def _watch(self) -> None:
        """Give up when nothing has moved for too long."""
        if self._due > self._loop.time():
            self._timer = self._loop.call_at(self._due, self._watch)
        elif self._is_stuck:
            self._fail(httpx.WriteTimeout("the call was not taken in time"))
        else:
            self._fail(httpx.ReadTimeout("no answer in time"))

    def _fail(self, error: httpx.TransportError) -> None:
        self.close()
        if not self._answer.done():
            self._answer.set_exception(error)

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        self._poll.register(transport.get_extra_info("socket"), select.POLLIN)

    def connection_lost(self, error: Exception | None) -> None:
        if error is not None:
            self._fail(httpx.ReadError(str(error)))
        elif self._is_open_ended:
            self.on_message_complete()
        else:
            self._fail(httpx.RemoteProtocolError("hung up before the answer was complete"))

    def pause_writing(self) -> None:
        self._is_stuck = True

    def resume_writing(self) -> None:
        self._is_stuck, self._moved_at = False, self._loop.time()

    def data_received(self, data: bytes) -> None:
        self._moved_at = self._loop.time()
        try:
            self._parser.feed_data(data)
        except (httptools.HttpParserError, httptools.HttpParserUpgrade) as error:
            self._fail(httpx.RemoteProtocolError(f"no answer in HTTP/1.1: {error}"))

    def on_message_begin(self) -> None:
        if self._answer.done():
            self.close()  # an answer that nobody asked for
        self._headers, self._body, self._has_head = [], [], False

    def on_header(self, name: bytes, value: bytes) -> None:
        if not self._has_head:  # a trailer is not told
            self._headers.append((name, value.rstrip(b" \t")))

    def on_headers_complete(self) -> None:
        names = {name.lower() for name, _ in self._headers}
        self._has_head = True
        self._is_open_ended = not names & {b"content-length", b"transfer-encoding"}
        self._keeps_alive = self._parser.should_keep_alive()

    def on_body(self, piece: bytes) -> None:
        self._body.append(piece)

    def on_message_complete(self) -> None:
        self._is_open_ended = False
        status = self._parser.get_status_code()
        if status < HTTPStatus.OK or self._answer.done():
            return
        self.is_reusable = self._keeps_alive and not self._transport.get_write_buffer_size()
        body = httpx.ByteStream(b"".join(self._body))
        self._answer.set_result(httpx.Response(status, headers=self._headers, stream=body))


def _message(request: httpx.Request) -> bytes:
    """What is sent, in one piece: most calls fit into one packet."""
    url = request.url
    if url.scheme not in PORTS or request.method == "HEAD":
        raise httpx.UnsupportedProtocol(f"{request.method} by {url.scheme}")
    lines = [request.method.encode() + b" " + url.raw_path + b" HTTP/1.1"]
    lines += [name + b": " + value for name, value in request.headers.raw]
    if any(_BREAK.search(line) for line in lines):
        raise httpx.LocalProtocolError("a header with a line break in it")
    return b"\r\n".join([*lines, b"", request.content])
