"""What the three servers have in common: the clock on their answers, limits, faults, and counts.

Beside the vendor's own paths each server has a side door, which no client of a vendor knows:
`GET /__sandbox/stats` tells what was asked (see meter.py); `POST /__sandbox/stats/reset` tells it
for the last time, and counts anew.
"""

import asyncio
import json
from collections.abc import Iterable
from datetime import timedelta
from decimal import Decimal
from email.utils import format_datetime
from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Match
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from extractors.sandbox.carriage import (
    Kept,
    Sent,
    again,
    cut_off,
    nowhere,
    send_half,
    send_whole,
    trickled,
    whole_body,
)
from extractors.sandbox.faults import (
    Chaos,
    Fault,
    Weather,
    lag_hours,
    take_request_fault,
    weather,
)
from extractors.sandbox.limits import DAILY_CALLS, DailyCalls, Gate, Limits, limits_of
from extractors.sandbox.meter import Meter
from extractors.sandbox.refusals import REFUSALS, Refusal, passing
from extractors.sandbox.repeats import Answer, Asked, Repeats
from extractors.sandbox.schema import System
from extractors.sandbox.store import Store

SIDE_DOOR = "/__sandbox"
USAGE = "sandbox.usage"
_LAG = "sandbox.lag_hours"

# Where sessions are opened: governed by no limit, and the same call whatever its body.
_LOGINS = ("/oauth2/token", "/oauth2/v1/token")
_READ_BY_POST = "/suiteql"
_SALESFORCE_DATA = "/services/data"
# What a placeholder of these names stands for is a kind of thing and not one thing.
_KINDS = {"plural", "name", "kind", "object", "version"}


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
        sent = Sent(send)
        try:
            await self._govern(endpoint, scope, receive, sent)
        finally:
            governed = not _is_login(scope)
            self._meter.end(endpoint, began, sent.outcome, sent.length, is_governed=governed)

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
            await self._app(scope, receive, nowhere)
            await cut_off(scope, receive)
        else:
            refusal = passing(self._system, fault.status, fault.retry_after)
            await _refused(refusal)(scope, receive, dated)

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
        answer = _refused(REFUSALS[self._system][name])
        await answer(scope, receive, self._dated(scope, send))

    async def _disturbed(self, chaos: Chaos, scope: Scope, receive: Receive, send: Send) -> None:
        """Let a profile's faults befall the call."""
        body = await whole_body(receive)
        asked = Asked.of(scope["path"], scope["query_string"], body)
        course = chaos.next(
            line=hash((scope["method"], asked.path, scope["query_string"], _told(scope, body))),
            is_read=_is_read(scope),
            token=None if self._system == "stripe" else _token(scope),
            can_repeat=self._repeats.known(asked),
            is_login=_is_login(scope),
        )
        if course.delay:
            await asyncio.sleep(course.delay)
        anew = again(body, receive)
        let_out = trickled(send) if course.trickles else send
        if course.fault is None:
            await self._send_noted(asked, scope, anew, let_out)
        else:
            self._meter.fault(course.fault.profile)
            await self._suffer(course.fault, asked, scope, anew, let_out)

    async def _send_noted(self, asked: Asked, scope: Scope, receive: Receive, send: Send) -> None:
        answer = await self._answer(scope, receive)
        if answer is not None:
            self._repeats.note(asked, answer)
            await send_whole(answer, send)

    async def _suffer(
        self, fault: Fault, asked: Asked, scope: Scope, receive: Receive, send: Send
    ) -> None:
        if fault.how == "refuse":
            await self._refuse(fault.refusal, scope, receive, send)
        elif fault.how == "close":
            await cut_off(scope, receive)
        elif fault.how == "commit":
            await self._answer(scope, receive)
            if fault.refusal:
                await self._refuse(fault.refusal, scope, receive, send)
            else:
                await cut_off(scope, receive)
        elif fault.how == "repeat":
            await self._repeat(asked, scope, receive, send, is_whole=fault.is_whole)
        else:
            answer = await self._answer(scope, receive)
            if answer is not None:
                await send_half(answer, send)
                await cut_off(scope, receive, resets=fault.how == "reset")

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
        await send_whole(shown, send)

    async def _answer(self, scope: Scope, receive: Receive) -> Answer | None:
        """The vendor's answer; None where a fault of this single request took it."""
        kept = Kept()
        await self._exchange(scope, receive, kept)
        return kept.answer


def _refused(refusal: Refusal) -> Response:
    return Response(refusal.content, refusal.status, dict(refusal.headers), refusal.media_type)


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
