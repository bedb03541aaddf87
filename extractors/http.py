"""The one door to the outside: authenticate, limit, send, classify, retry, log.

The only user of stamina. What a vendor's errors mean is told by its `Dialect`; nothing else
about a vendor belongs here. Secrets are never logged, and neither are bodies.
"""

import asyncio
import json
import logging
import time
import uuid
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from http import HTTPStatus
from ipaddress import ip_address
from typing import Any, Self

import httpx
import stamina
from stamina.instrumentation import set_on_retry_hooks

from extractors.calls import Call, Dialect, Reply, kind_of, retry_after
from extractors.errors import (
    EXCERPT_LENGTH,
    ContractBroken,
    SourceError,
    Transient,
    UnknownOutcome,
)
from extractors.limiter import Limiter
from extractors.metrics import Metrics

log = logging.getLogger(__name__)

# Attempts are logged here with what an operator needs; stamina's own hook would print them.
set_on_retry_hooks([])

NEVER_SENT = (
    httpx.ConnectError,
    httpx.ConnectTimeout,
    httpx.PoolTimeout,
    httpx.ProxyError,
    httpx.LocalProtocolError,
    httpx.UnsupportedProtocol,
)


@dataclass(frozen=True)
class HttpOptions:
    """Patience with one system. Seconds; `concurrency` bounds requests in flight.

    `per_second` bounds how many calls go out in a second.
    """

    connect_seconds: float = 5
    read_seconds: float = 60
    write_seconds: float = 30
    pool_seconds: float = 60
    concurrency: int = 8
    per_second: float | None = None
    attempts: int = 5
    retry_seconds: float = 180
    longest_wait_seconds: float = 60


class Token:
    """A bearer token that is fetched once for all who wait for it, and again when refused."""

    def __init__(self, fetch: Callable[["HttpDoor"], Awaitable[str]]) -> None:
        self._fetch = fetch
        self._lock = asyncio.Lock()
        self._value: str | None = None

    async def value(self, door: "HttpDoor", refused: str | None = None) -> str:
        """The token in use; a new one when the one in use is the `refused` one."""
        async with self._lock:
            if self._value is None or self._value == refused:
                self._value = await self._fetch(door)
            return self._value


class HttpDoor:
    """The way to one system; an async context manager."""

    def __init__(
        self,
        base_url: str,
        dialect: Dialect,
        options: HttpOptions,
        *,
        token: Token | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        self.base_url = base_url.rstrip("/")
        self.dialect = dialect
        self.options = options
        self._token = token
        self._limiter = Limiter(options.concurrency, options.per_second)
        self.metrics = Metrics()
        self._client = httpx.AsyncClient(
            base_url=self.base_url,
            headers={"Accept": "application/json", **(headers or {})},
            timeout=httpx.Timeout(
                connect=options.connect_seconds,
                read=options.read_seconds,
                write=options.write_seconds,
                pool=options.pool_seconds,
            ),
            limits=httpx.Limits(max_connections=options.concurrency),
            trust_env=not _is_loopback(self.base_url),
        )

    @property
    def system(self) -> str:
        return self.dialect.system

    @property
    def idle(self) -> int:
        """How many more calls could be in flight now."""
        return self._limiter.idle

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *error: object) -> None:
        await self._client.aclose()

    async def send(self, call: Call) -> Reply:
        """The answer to `call`, after as many attempts as it allows."""
        correlation_id = call.correlation_id or uuid.uuid4().hex
        attempts = stamina.retry_context(
            on=lambda error: self._wait(call, error),
            attempts=self.options.attempts if call.repeatable else 1,
            timeout=self.options.retry_seconds,
            wait_initial=0.5,
            wait_max=self.options.longest_wait_seconds,
        )
        async for attempt in attempts:
            with attempt:
                return await self.attempt(call, correlation_id)
        raise AssertionError("stamina ends with an answer or an error")

    async def attempt(self, call: Call, correlation_id: str | None = None) -> Reply:
        """One attempt at `call`: a refused token is renewed once, anything else is raised."""
        correlation_id = correlation_id or uuid.uuid4().hex
        if self._token is None or not call.authorized:
            return self._read(call, await self._exchange(call, correlation_id), correlation_id)
        value = await self._token.value(self)
        response = await self._exchange(call, correlation_id, value)
        if response.status_code == HTTPStatus.UNAUTHORIZED:
            value = await self._token.value(self, refused=value)
            response = await self._exchange(call, correlation_id, value)
        return self._read(call, response, correlation_id)

    def _wait(self, call: Call, error: Exception) -> bool | float:
        """Whether to try again, and after how many seconds if the server said so."""
        if not call.repeatable or not isinstance(error, Transient | UnknownOutcome):
            return False
        if not error.worth_waiting:
            return False
        if error.retry_after is None:
            return True
        return min(error.retry_after, self.options.longest_wait_seconds)

    async def _exchange(
        self, call: Call, correlation_id: str, token: str | None = None
    ) -> httpx.Response:
        headers = {"X-Correlation-Id": correlation_id, **call.headers}
        if token is not None:
            headers["Authorization"] = f"Bearer {token}"
        request = self._client.build_request(
            call.method,
            call.path,
            params=httpx.QueryParams(list(call.params)) if call.params else None,
            **_content(call, headers),
        )
        await self._limiter.acquire(self._limiter.turn())
        started = time.monotonic()
        status = None
        try:
            response = await self._client.send(request)
            status = response.status_code
        except httpx.RequestError as error:
            raise self._unanswered(call, error, correlation_id) from error
        finally:
            self._limiter.release()
            self.metrics.count(call.method, call.path, status, time.monotonic() - started)
        log.debug(
            "answer",
            extra=self._facts(call, correlation_id)
            | {"status": response.status_code, "seconds": round(time.monotonic() - started, 3)},
        )
        return response

    def _unanswered(
        self, call: Call, error: httpx.RequestError, correlation_id: str
    ) -> SourceError:
        lost = call.kind == "write" and not isinstance(error, NEVER_SENT)
        log.info(
            "no answer",
            extra=self._facts(call, correlation_id) | {"error": type(error).__name__},
        )
        kind = UnknownOutcome if lost else Transient
        return kind(
            self.system,
            f"{call.method} {call.path} got no answer ({type(error).__name__})",
            correlation_id=correlation_id,
        )

    def _read(self, call: Call, response: httpx.Response, correlation_id: str) -> Reply:
        request_id = response.headers.get(self.dialect.request_id_header)
        excerpt = response.text[:EXCERPT_LENGTH]
        try:
            body = self.dialect.decode(response.content) if response.content else None
        except ValueError:
            body = None
            if response.is_success:
                raise self._unreadable(call, excerpt, request_id, correlation_id) from None
        if not response.is_success:
            raise self._failure(call, response, body, correlation_id)
        return Reply(self.system, response.status_code, response.headers, body, excerpt, request_id)

    def _unreadable(
        self, call: Call, excerpt: str, request_id: str | None, correlation_id: str
    ) -> SourceError:
        kind = UnknownOutcome if call.kind == "write" else ContractBroken
        return kind(
            self.system,
            f"{call.method} {call.path} was answered with something other than JSON",
            request_id=request_id,
            correlation_id=correlation_id,
            body_excerpt=excerpt,
        )

    def _failure(
        self, call: Call, response: httpx.Response, body: Any, correlation_id: str
    ) -> SourceError:
        status = response.status_code
        told = self.dialect.explain(status, body, response.headers)
        kind = told.kind or kind_of(status, call.kind)
        error = kind(
            self.system,
            f"{call.method} {call.path} was answered {status} {told.code or ''}: {told.message}",
            status=status,
            code=told.code,
            request_id=response.headers.get(self.dialect.request_id_header),
            correlation_id=correlation_id,
            body_excerpt=response.text,
        )
        error.worth_waiting = told.worth_waiting
        error.retry_after = retry_after(response.headers)
        facts = {"status": status, "code": told.code, "error": kind.__name__}
        log.info("refused", extra=self._facts(call, correlation_id) | facts)
        return error

    def _facts(self, call: Call, correlation_id: str) -> dict[str, Any]:
        return {
            "system": self.system,
            "method": call.method,
            "path": call.path,
            "correlation_id": correlation_id,
        }


def _content(call: Call, headers: dict[str, str]) -> dict[str, Any]:
    """Body and headers of a request; exact decimals go out as text."""
    if call.form is not None:
        headers["Content-Type"] = "application/x-www-form-urlencoded"
        return {"content": str(httpx.QueryParams(list(call.form))), "headers": headers}
    if call.json is not None:
        headers["Content-Type"] = "application/json"
        return {"content": json.dumps(call.json, default=str), "headers": headers}
    return {"headers": headers}


def _is_loopback(base_url: str) -> bool:
    """Whether the host is this machine; a proxy from the environment is then left aside."""
    host = httpx.URL(base_url).host
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
