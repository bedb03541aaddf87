"""A server that plays a script: bytes to answer, or what to do instead; and a door to it."""

import asyncio
import contextlib
import gzip
import json

from extractors.calls import Call, Dialect, Explanation, decode_exact
from extractors.errors import RateLimited, SourceError, Transient
from extractors.http import HttpDoor, HttpOptions

HANG_UP, HANG, HALF, TRICKLE = "hang up", "hang", "half", "trickle"
READ = Call("GET", "/thing")
WRITE = Call("PATCH", "/thing", json={"a": 1}, kind="write", repeatable=False)
KEYED = Call("POST", "/thing", form=[("a", "b")], kind="write", headers={"Idempotency-Key": "k"})


def answer(status=200, body="{}", **headers):
    content = body if isinstance(body, bytes) else body.encode()
    headers = {"Date": "Sun, 01 Mar 2026 02:00:00 GMT", "Request-Id": "req_1", **headers}
    lines = [f"HTTP/1.1 {status} x", *(f"{k.replace('_', '-')}: {v}" for k, v in headers.items())]
    lines += [f"Content-Length: {len(content)}", "Connection: close", "", ""]
    return "\r\n".join(lines).encode() + content


def packed(body, *, cut=0, **headers):
    content = gzip.compress(body.encode())
    return answer(body=content[: len(content) - cut], **{"Content_Encoding": "gzip", **headers})


class Script:
    """Plays its steps, one per request, and keeps what it was sent.

    A step may be a function of the request (its line, headers and body) that gives the step.
    """

    def __init__(self, *steps, seconds=0.01):
        self.steps = list(steps)
        self.seconds = seconds
        self.requests = []
        self.in_flight = self.most_in_flight = 0

    @property
    def lingers(self):
        """Whether the end of an answer is to be waited for in vain."""
        return any(step in (HANG, HALF, TRICKLE) for step in self.steps)

    async def serve(self, reader, writer):
        head = (await reader.readuntil(b"\r\n\r\n")).decode()
        headers = dict(
            line.lower().split(": ", 1) for line in head.split("\r\n")[1:] if ": " in line
        )
        body = await reader.readexactly(int(headers.get("content-length", 0)))
        self.requests.append((head.split("\r\n")[0], headers, body.decode()))
        step = self.steps.pop(0)
        if callable(step):
            step = step(head, body.decode())
        self.in_flight += 1
        self.most_in_flight = max(self.in_flight, self.most_in_flight)
        await asyncio.sleep(self.seconds)
        self.in_flight -= 1
        with contextlib.suppress(ConnectionError):
            await self._play(step, writer)
        writer.close()

    async def _play(self, step, writer):
        if step == HANG:
            await asyncio.sleep(30)
        elif step == HALF:
            writer.write(answer(body="{" + " " * 50 + "}")[:-20])
        elif step == TRICKLE:
            writer.write(answer(body=" " * 10_000)[:-9_000])
            for _ in range(1_000):
                await asyncio.sleep(0.02)
                writer.write(b" ")
                await writer.drain()
        elif step != HANG_UP:
            writer.write(step)
        await writer.drain()


def explain(status, body, headers):
    body = body if isinstance(body, dict) else {}
    kinds = {"locked": Transient, "too many": RateLimited}
    return Explanation(
        str(body.get("message", "")),
        body.get("code"),
        kinds.get(body.get("code")),
        worth_waiting=body.get("code") != "too many",
    )


def dialect(**hooks):
    return Dialect("billing", explain, decode_exact, "request-id", **hooks)


def at_door(script, use, *, options=None, dialect=dialect(), **given):  # noqa: B008
    """What `use(door)` gives, of a door that leads to the script."""

    async def run():
        server = await asyncio.start_server(script.serve, "127.0.0.1", 0)
        port = server.sockets[0].getsockname()[1]
        # long enough for a busy machine, where nobody has to be waited for
        options_ = options or HttpOptions(read_seconds=0.2 if script.lingers else 5)
        door = HttpDoor(f"http://127.0.0.1:{port}", dialect, options_, **given)
        try:
            async with door:
                return await use(door)
        finally:
            server.close()

    return asyncio.run(run())


async def outcome(door, call):
    """The reply, or the error in its place."""
    try:
        return await door.send(call)
    except SourceError as error:
        return error


def play(script, calls, *, concurrent=False, **given):
    """Send the calls to the script; the answers, an error in place of one that was raised."""

    async def use(door):
        if concurrent:
            return await asyncio.gather(*(outcome(door, call) for call in calls))
        return [await outcome(door, call) for call in calls]

    return at_door(script, use, **given)


def said(body):
    return json.dumps(body)
