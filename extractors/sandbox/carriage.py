"""How requests and answers are carried: taken in whole, let out in pieces, cut off on their way."""

import asyncio
import socket
import struct

from starlette.types import Message, Receive, Scope, Send

from extractors.sandbox.repeats import Answer

TRANSPORT = "sandbox.transport"
_PIECES = 8
_PIECE_SECONDS = 0.01


class Sent:
    """Passes an answer on, and keeps what the meter wants to know of it."""

    def __init__(self, send: Send) -> None:
        self._send = send
        self._status = 0
        self._is_whole = False
        self.length = 0

    @property
    def outcome(self) -> str:
        return str(self._status) if self._is_whole else "broken"

    async def __call__(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self._status = message["status"]
        else:
            self.length += len(message.get("body", b""))
            self._is_whole = not message.get("more_body", False)
        await self._send(message)


class Kept:
    """Takes an answer in instead of sending it."""

    def __init__(self) -> None:
        self._start: Message | None = None
        self._body = bytearray()

    @property
    def answer(self) -> Answer | None:
        if self._start is None:
            return None
        headers = tuple((name.lower(), value) for name, value in self._start["headers"])
        return Answer(self._start["status"], headers, bytes(self._body))

    async def __call__(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self._start = message
        else:
            self._body += message.get("body", b"")


async def nowhere(message: Message) -> None:
    """Swallow an answer."""


def _start(answer: Answer) -> Message:
    headers = list(answer.headers)
    return {"type": "http.response.start", "status": answer.status, "headers": headers}


async def send_whole(answer: Answer, send: Send) -> None:
    await send(_start(answer))
    await send({"type": "http.response.body", "body": answer.body})


async def send_half(answer: Answer, send: Send) -> None:
    await send(_start(answer))
    half = answer.body[: len(answer.body) // 2]
    await send({"type": "http.response.body", "body": half, "more_body": True})


def trickled(send: Send) -> Send:
    """`send` that lets a body out in small pieces, with pauses."""

    async def in_pieces(message: Message) -> None:
        body = message.get("body", b"")
        size = -(-len(body) // _PIECES)
        while len(body) > size:
            piece, body = body[:size], body[size:]
            await send({"type": "http.response.body", "body": piece, "more_body": True})
            await asyncio.sleep(_PIECE_SECONDS)
        await send({**message, "body": body} if "body" in message else message)

    return in_pieces


async def cut_off(scope: Scope, receive: Receive, *, resets: bool = False) -> None:
    """Close the connection where it stands; with `resets` not in the orderly way."""
    transport = scope["extensions"][TRANSPORT]
    if resets:
        with socket.socket(fileno=socket.dup(transport.get_extra_info("socket").fileno())) as own:
            # Lingering for no time is what makes a close a reset.
            own.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        transport.abort()
    else:
        transport.close()
    while (await receive())["type"] != "http.disconnect":
        pass


async def whole_body(receive: Receive) -> bytes:
    body = bytearray()
    while True:
        message = await receive()
        body += message.get("body", b"")
        if not message.get("more_body", False):
            return bytes(body)


def again(body: bytes, receive: Receive) -> Receive:
    """`receive` of a request whose body has been read already."""
    waiting = [{"type": "http.request", "body": body, "more_body": False}]

    async def from_the_first() -> Message:
        return waiting.pop() if waiting else await receive()

    return from_the_first
