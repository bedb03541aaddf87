"""What the three servers have in common: the clock on their answers, limits, faults, and counts.

Beside the vendor's own paths each server has a side door, which no client of a vendor knows:
`GET /__sandbox/stats` tells what was asked (see meter.py); `POST /__sandbox/stats/reset` tells it
for the last time, and counts anew.
"""

import asyncio
import json
import socket
import struct
from collections.abc import Iterable, Mapping
from datetime import timedelta
from decimal import Decimal
from email.utils import format_datetime
from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Match
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from extractors.sandbox.faults import (
    Chaos,
    Fault,
    RequestFault,
    Weather,
    lag_hours,
    take_request_fault,
    weather,
)
from extractors.sandbox.limits import DAILY_CALLS, DailyCalls, Gate, Limits, limits_of
from extractors.sandbox.meter import Meter
from extractors.sandbox.refusals import REFUSALS
from extractors.sandbox.repeats import Answer, Asked, Repeats
from extractors.sandbox.schema import System
from extractors.sandbox.store import Store

SIDE_DOOR = "/__sandbox"
TRANSPORT = "sandbox.transport"
USAGE = "sandbox.usage"
_LAG = "sandbox.lag_hours"

# Where sessions are opened: governed by no limit, and the same call whatever its body.
_LOGINS = ("/oauth2/token", "/oauth2/v1/token")
_READ_BY_POST = "/suiteql"
_SALESFORCE_DATA = "/services/data"
# What a placeholder of these names stands for is a kind of thing and not one thing.
_KINDS = {"plural", "name", "kind", "object", "version"}
_PIECES = 8
_PIECE_SECONDS = 0.01

_FAULT_BODIES: dict[System, Any] = {
    "salesforce": [{"message": "Try again later", "errorCode": "SERVER_UNAVAILABLE"}],
    "stripe": {"error": {"type": "api_error", "message": "Try again later"}},
    "netsuite": {
        "type": "https://www.rfc-editor.org/rfc/rfc9110.html#section-15",
        "title": "Try again later",
        "o:errorDetails": [{"detail": "Try again later", "o:errorCode": "UNEXPECTED_ERROR"}],
    },
}


class JSONAnswer(Response):
    """JSON that may hold decimals."""

    media_type = "application/json"

    def render(self, content: Any) -> bytes:
        return json.dumps(content, default=_number, separators=(",", ":")).encode()


def _number(value: Any) -> int | float:
    if isinstance(value, Decimal):
        return int(value) if value == value.to_integral_value() else float(value)
    raise TypeError(f"{value!r} cannot be sent as JSON")


def read_as_of_replica(request: Request, store: Store, system: System, kind: str) -> None:
    """Let the answer carry the Date of the replica that the object is read from."""
    hours = max(request.scope.get(_LAG, 0), lag_hours(store, system, kind))
    request.scope[_LAG] = hours


class Wire:
    """The outermost layer of one server."""

    def __init__(self, app: ASGIApp, store: Store, system: System) -> None:
        self._app = app
        self._routes: Iterable[BaseRoute] = getattr(app, "routes", ())
        self._store = store
        self._system: System = system
        self._meter = Meter()
        self._today = DailyCalls()
        self._gate = Gate(Limits())
        self._weather: Weather | None = None
        self._chaos: Chaos | None = None
        self._repeats = Repeats(system)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        # Clients call with and without a trailing slash.
        scope["path"] = scope["path"].rstrip("/") or "/"
        if scope["path"].startswith(SIDE_DOOR):
            await self._side_door(scope)(scope, receive, send)
            return
        endpoint = _endpoint(self._routes, scope)
        began = self._meter.begin()
        sent = _Sent(send)
        try:
            await self._govern(endpoint, scope, receive, sent)
        finally:
            self._meter.end(endpoint, began, sent.outcome, sent.length)

    def _side_door(self, scope: Scope) -> Response:
        asked = (scope["method"], scope["path"].removeprefix(SIDE_DOOR))
        if asked not in {("GET", "/stats"), ("POST", "/stats/reset")}:
            return Response(status_code=404)
        report = {"system": self._system, **self._meter.report()}
        if asked[0] == "POST":
            self._meter.reset()
        return JSONAnswer(report)

    async def _govern(self, endpoint: str, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a call on, unless a limit refuses it."""
        limits = limits_of(self._store, self._system)
        if limits != self._gate.limits:
            self._gate = Gate(limits)
        refused = None if _is_login(scope) else self._refused_by(endpoint, scope)
        if refused is not None:
            self._meter.refused(refused)
            await self._refuse(refused, scope, receive, send)
            return
        if limits.latency_ms:
            await asyncio.sleep(limits.latency_ms / 1000)
        known = weather(self._store, self._system)
        if known is None:
            self._weather = self._chaos = None
            await self._exchange(scope, receive, send)
        else:
            if known != self._weather or self._chaos is None:
                self._weather, self._chaos = known, Chaos(self._system, known)
                self._repeats = Repeats(self._system)
            await self._disturbed(self._chaos, scope, receive, send)

    def _refused_by(self, endpoint: str, scope: Scope) -> str | None:
        count = self._today.count
        if self._system != "salesforce" or scope["path"].startswith(_SALESFORCE_DATA):
            count = self._today.add(self._store.now().date())
        scope[USAGE] = (count, self._gate.limits.daily_calls or DAILY_CALLS)
        return self._gate.refuses(
            is_read=_is_read(scope),
            endpoint=endpoint,
            in_flight=self._meter.in_flight,
            calls_today=count,
        )

    async def _exchange(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Let the vendor's server answer, but for faults of single requests."""
        dated = self._dated(scope, send)
        fault = take_request_fault(self._store, self._system, scope["method"], scope["path"])
        if fault is None:
            await self._app(scope, receive, dated)
        elif fault.lose_answer:
            await self._app(scope, receive, _nowhere)
            await _cut_off(scope, receive)
        else:
            await self._single_refusal(fault)(scope, receive, dated)

    def _single_refusal(self, fault: RequestFault) -> Response:
        headers: Mapping[str, str] = (
            {} if fault.retry_after is None else {"Retry-After": str(fault.retry_after)}
        )
        return JSONAnswer(_FAULT_BODIES[self._system], status_code=fault.status, headers=headers)

    def _dated(self, scope: Scope, send: Send) -> Send:
        """`send` with the sandbox's time, and with the quota where the vendor tells it.

        The clock is read before the data is, so that the Date never claims what was not read.
        """
        at = self._store.now()

        async def dated(message: Message) -> None:
            if message["type"] == "http.response.start":
                seen = at - timedelta(hours=scope.get(_LAG, 0))
                added = {b"date": format_datetime(seen, usegmt=True).encode()}
                if self._system == "salesforce" and USAGE in scope:
                    used, allowed = scope[USAGE]
                    added[b"sforce-limit-info"] = f"api-usage={used}/{allowed}".encode()
                kept = [pair for pair in message["headers"] if pair[0] not in added]
                message["headers"] = [*kept, *added.items()]
            await send(message)

        return dated

    async def _refuse(self, name: str, scope: Scope, receive: Receive, send: Send) -> None:
        refusal = REFUSALS[self._system][name]
        answer = Response(
            refusal.content, refusal.status, dict(refusal.headers), refusal.media_type
        )
        await answer(scope, receive, self._dated(scope, send))

    async def _disturbed(self, chaos: Chaos, scope: Scope, receive: Receive, send: Send) -> None:
        """Let a profile's faults befall the call."""
        body = await _whole_body(receive)
        asked = Asked.of(scope["path"], scope["query_string"], body)
        course = chaos.next(
            line=hash((scope["method"], asked.path, scope["query_string"], _told(scope, body))),
            is_read=_is_read(scope),
            token=None if self._system == "stripe" else _token(scope),
            can_repeat=self._repeats.known(asked),
        )
        if course.delay:
            await asyncio.sleep(course.delay)
        again = _again(body, receive)
        let_out = _trickled(send) if course.trickles else send
        if course.fault is None:
            await self._send_noted(asked, scope, again, let_out)
        else:
            self._meter.fault(course.fault.profile)
            await self._suffer(course.fault, asked, scope, again, let_out)

    async def _send_noted(self, asked: Asked, scope: Scope, receive: Receive, send: Send) -> None:
        answer = await self._answer(scope, receive)
        if answer is not None:
            self._repeats.note(asked, answer)
            await _send_whole(answer, send)

    async def _suffer(
        self, fault: Fault, asked: Asked, scope: Scope, receive: Receive, send: Send
    ) -> None:
        if fault.how == "refuse":
            await self._refuse(fault.refusal, scope, receive, send)
        elif fault.how == "close":
            await _cut_off(scope, receive)
        elif fault.how == "commit":
            await self._answer(scope, receive)
            if fault.refusal:
                await self._refuse(fault.refusal, scope, receive, send)
            else:
                await _cut_off(scope, receive)
        elif fault.how == "repeat":
            await self._repeat(asked, scope, receive, send, is_whole=fault.is_whole)
        else:
            answer = await self._answer(scope, receive)
            if answer is not None:
                await _send_half(answer, send)
                await _cut_off(scope, receive, resets=fault.how == "reset")

    async def _repeat(
        self, asked: Asked, scope: Scope, receive: Receive, send: Send, *, is_whole: bool
    ) -> None:
        shown = self._repeats.whole(asked) if is_whole else None
        if shown is None:
            answer = await self._answer(scope, receive)
            if answer is None:
                return
            shown = self._repeats.border(asked, answer) or answer
            self._repeats.note(asked, shown)
        await _send_whole(shown, send)

    async def _answer(self, scope: Scope, receive: Receive) -> Answer | None:
        """The vendor's answer; None where a fault of this single request took it."""
        kept = _Kept()
        await self._exchange(scope, receive, kept)
        return kept.answer


class _Sent:
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


class _Kept:
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


async def _nowhere(message: Message) -> None:
    """Swallow an answer."""


def _start(answer: Answer) -> Message:
    headers = list(answer.headers)
    return {"type": "http.response.start", "status": answer.status, "headers": headers}


async def _send_whole(answer: Answer, send: Send) -> None:
    await send(_start(answer))
    await send({"type": "http.response.body", "body": answer.body})


async def _send_half(answer: Answer, send: Send) -> None:
    await send(_start(answer))
    half = answer.body[: len(answer.body) // 2]
    await send({"type": "http.response.body", "body": half, "more_body": True})


def _trickled(send: Send) -> Send:
    """`send` that lets a body out in small pieces, with pauses."""

    async def trickled(message: Message) -> None:
        body = message.get("body", b"")
        size = -(-len(body) // _PIECES)
        while len(body) > size:
            piece, body = body[:size], body[size:]
            await send({"type": "http.response.body", "body": piece, "more_body": True})
            await asyncio.sleep(_PIECE_SECONDS)
        await send({**message, "body": body} if "body" in message else message)

    return trickled


async def _cut_off(scope: Scope, receive: Receive, *, resets: bool = False) -> None:
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


async def _whole_body(receive: Receive) -> bytes:
    body = bytearray()
    while True:
        message = await receive()
        body += message.get("body", b"")
        if not message.get("more_body", False):
            return bytes(body)


def _again(body: bytes, receive: Receive) -> Receive:
    """`receive` of a request whose body has been read already."""
    waiting = [{"type": "http.request", "body": body, "more_body": False}]

    async def again() -> Message:
        return waiting.pop() if waiting else await receive()

    return again


def _endpoint(routes: Iterable[BaseRoute], scope: Scope) -> str:
    """Method and path, in which ids and other values are placeholders."""
    for route in routes:
        match, found = route.matches(scope)
        if match is Match.FULL:
            path = str(getattr(route, "path", scope["path"]))
            for name, value in found.get("path_params", {}).items():
                if name in _KINDS:
                    path = path.replace(f"{{{name}}}", str(value))
            return f"{scope['method']} {path}"
    return f"{scope['method']} (none)"


def _is_login(scope: Scope) -> bool:
    return str(scope["path"]).endswith(_LOGINS)


def _is_read(scope: Scope) -> bool:
    return scope["method"] in {"GET", "HEAD"} or scope["path"].endswith(_READ_BY_POST)


def _told(scope: Scope, body: bytes) -> bytes:
    """The part of the body that is the same when the request is made again."""
    return b"" if _is_login(scope) else body


def _token(scope: Scope) -> str | None:
    """The session that a request is made in, if it is made in one."""
    for name, value in scope["headers"]:
        if name == b"authorization":
            scheme, _, token = value.decode("latin-1").partition(" ")
            return token if scheme.lower() == "bearer" and token else None
    return None
