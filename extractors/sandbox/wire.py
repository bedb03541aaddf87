"""What the three servers have in common: the Date header, wire faults, JSON bodies."""

import json
from collections.abc import Mapping
from datetime import timedelta
from decimal import Decimal
from email.utils import format_datetime
from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from extractors.sandbox.faults import RequestFault, lag_hours, take_request_fault
from extractors.sandbox.schema import System
from extractors.sandbox.store import Store

_LAG = "sandbox.lag_hours"

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
    """The outermost layer: dates answers by the sandbox's clock and plays the wire's faults."""

    def __init__(self, app: ASGIApp, store: Store, system: System) -> None:
        self._app = app
        self._store = store
        self._system: System = system

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        # The clock is read before the data is, so that the Date never claims what was not read.
        at = self._store.now()

        async def dated(message: Message) -> None:
            if message["type"] == "http.response.start":
                seen = at - timedelta(hours=scope.get(_LAG, 0))
                date = format_datetime(seen, usegmt=True).encode()
                message["headers"] = [*message["headers"], (b"date", date)]
            await send(message)

        # Clients call with and without a trailing slash.
        scope["path"] = scope["path"].rstrip("/") or "/"
        fault = take_request_fault(self._store, self._system, scope["method"], scope["path"])
        if fault is None:
            await self._app(scope, receive, dated)
        elif fault.lose_answer:
            await self._app(scope, receive, _nowhere)
            await _break_off(dated)
        else:
            await self._refusal(fault)(scope, receive, dated)

    def _refusal(self, fault: RequestFault) -> Response:
        headers: Mapping[str, str] = (
            {} if fault.retry_after is None else {"Retry-After": str(fault.retry_after)}
        )
        return JSONAnswer(_FAULT_BODIES[self._system], status_code=fault.status, headers=headers)


async def _nowhere(message: Message) -> None:
    """Swallow an answer."""


async def _break_off(send: Send) -> None:
    """Promise a body and return without it, upon which the server closes the connection."""
    headers = [(b"content-length", b"1")]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
