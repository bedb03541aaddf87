"""Stands between a connector and its system: sees every call, and breaks what it is told to break.

A plain relay of HTTP/1.1, one connection per call, so that nothing about a system is assumed.
"""

import asyncio
import threading
from collections.abc import Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import Literal
from urllib.parse import urlsplit

# drop: closed unseen by the system. lose: carried out, not answered. cut: half of the answer.
# stall: not answered for as long as the client waits. refuse: answered here, not carried out.
How = Literal["drop", "lose", "cut", "stall", "refuse"]
HEAD_END = b"\r\n\r\n"
STALL_SECONDS = 30


@dataclass
class Trouble:
    """What happens to the next `times` calls that contain `match` in their line or body."""

    how: How
    times: int = 1
    match: str = ""
    status: int = 503
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Seen:
    """One call as it came, and the status that it was answered with (None: no answer)."""

    method: str
    path: str
    head: str
    body: str
    status: int | None
    zipped: bool


@dataclass
class Wire:
    """The relay's address, what it saw, and what it is to break."""

    upstream: str
    url: str = ""
    delay: float = 0
    calls: list[Seen] = field(default_factory=list)
    troubles: list[Trouble] = field(default_factory=list)
    in_flight: int = 0
    most_in_flight: int = 0

    def trouble(self, how: How, times: int = 1, match: str = "", status: int = 503, **headers):
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        self.troubles.append(Trouble(how, times, match, status, named))

    def clear(self):
        """Forget what was seen, and break nothing more."""
        self.calls, self.troubles, self.delay = [], [], 0
        self.most_in_flight = self.in_flight

    def matching(self, text: str) -> list[Seen]:
        return [one for one in self.calls if text in f"{one.method} {one.path}\n{one.body}"]

    async def handle(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.in_flight += 1
        self.most_in_flight = max(self.most_in_flight, self.in_flight)
        try:
            with suppress(ConnectionError, asyncio.IncompleteReadError):
                await self._relay(reader, writer)
        finally:
            self.in_flight -= 1
            writer.close()

    async def _relay(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(HEAD_END)
        length = _header(head, b"content-length")
        body = await reader.readexactly(int(length or 0))
        line = head.partition(b"\r\n")[0].decode()
        method, path, _ = line.split(" ", 2)
        trouble = self._trouble(f"{method} {path}\n{body.decode('utf-8', 'replace')}")
        if self.delay:
            await asyncio.sleep(self.delay)
        answer = await self._answer(trouble, head, body, reader)
        status = int(answer.split(b" ", 2)[1]) if answer else None
        texts = (head.decode("latin-1"), body.decode("utf-8", "replace"))
        zipped = _header(answer.partition(HEAD_END)[0], b"content-encoding") == b"gzip"
        self.calls.append(Seen(method, path, *texts, status, zipped))
        writer.write(answer)
        await writer.drain()

    async def _answer(
        self, trouble: Trouble | None, head: bytes, body: bytes, reader: asyncio.StreamReader
    ) -> bytes:
        how = trouble.how if trouble else None
        if how == "drop":
            return b""
        if how == "stall":
            with suppress(TimeoutError):
                await asyncio.wait_for(reader.read(1), STALL_SECONDS)
            return b""
        if how == "refuse":
            assert trouble is not None
            return _refusal(trouble)
        answer = await self._forward(head, body)
        if how == "lose":
            return b""
        return (
            answer[: len(answer) // 2 + len(answer.partition(HEAD_END)[0]) // 2] if how else answer
        )

    async def _forward(self, head: bytes, body: bytes) -> bytes:
        where = urlsplit(self.upstream)
        reader, writer = await asyncio.open_connection(where.hostname, where.port)
        line, *headers = head[: -len(HEAD_END)].split(b"\r\n")
        kept = [one for one in headers if not one.lower().startswith(b"connection:")]
        writer.write(b"\r\n".join([line, *kept, b"Connection: close"]) + HEAD_END + body)
        await writer.drain()
        answer = await reader.read()
        writer.close()
        return answer

    def _trouble(self, text: str) -> Trouble | None:
        for trouble in self.troubles:
            if trouble.match in text:
                trouble.times -= 1
                if trouble.times == 0:
                    self.troubles.remove(trouble)
                return trouble
        return None


@contextmanager
def relaying(upstream: str):
    """A relay to `upstream` in a thread of its own, until the end."""
    wire = Wire(upstream)
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever)
    thread.start()
    server = asyncio.run_coroutine_threadsafe(
        asyncio.start_server(wire.handle, "127.0.0.1", 0, limit=2**20), loop
    ).result()
    wire.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    try:
        yield wire
    finally:
        loop.call_soon_threadsafe(server.close)
        asyncio.run_coroutine_threadsafe(_end(), loop).result(5)
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()


async def _end() -> None:
    others = asyncio.all_tasks() - {asyncio.current_task()}
    for task in others:
        task.cancel()
    await asyncio.gather(*others, return_exceptions=True)


def _header(head: bytes, name: bytes) -> bytes | None:
    for line in head.split(b"\r\n")[1:]:
        key, _, value = line.partition(b":")
        if key.strip().lower() == name:
            return value.strip()
    return None


def _refusal(trouble: Trouble) -> bytes:
    headers = {"Content-Type": "application/json", "Content-Length": "2", **trouble.headers}
    lines = [f"HTTP/1.1 {trouble.status} Refused", *(f"{k}: {v}" for k, v in headers.items())]
    return "\r\n".join([*lines, "Connection: close", "", "{}"]).encode()
