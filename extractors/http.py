"""The one door to the outside: authorise, pace, send, classify, retry, log.

The only user of stamina. What a vendor's errors mean is told by its `Dialect`; nothing else
about a vendor belongs here. Secrets are never logged, and neither are bodies.
"""

import asyncio
import json
import logging
import time
import uuid
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from http import HTTPStatus
from typing import Any, Self

import httpx
import stamina
from stamina.instrumentation import set_on_retry_hooks

from extractors.answers import Sent
from extractors.auth import Auth, Grant, Token
from extractors.breaker import Breaker
from extractors.calls import Call, Dialect, Quota, Reply
from extractors.carriers import carrier
from extractors.errors import (
    CircuitOpen,
    ContractBroken,
    RateLimited,
    SourceError,
    Transient,
    Unauthorized,
    UnknownOutcome,
)
from extractors.limiter import Limiter, Turn
from extractors.metrics import Metrics
from extractors.telemetry import answered, request_span

__all__ = ["Auth", "Grant", "HttpDoor", "HttpOptions", "Token"]

log = logging.getLogger(__name__)

# Attempts are logged here with what an operator needs; stamina's own hook would print them.
set_on_retry_hooks([])

# These print addresses with their query, or headers with the token in them.
for _name in ("httpx", "httpcore.connection", "httpcore.http11", "httpcore.http2",
              "httpcore.proxy", "httpcore.socks", "hpack.hpack", "hpack.table"):  # fmt: skip
    logging.getLogger(_name).addFilter(lambda record: record.levelno >= logging.WARNING)

QUOTA_WARNING = 0.8
# Two answers of one system differ by so much where one of them is old.
LAG = timedelta(minutes=10)
# An answer of this size is read in a thread, so that other calls go on meanwhile.
BIG_ANSWER = 1_000_000


@dataclass(frozen=True)
class HttpOptions:
    """Patience with one system. Seconds.

    `attempt_seconds` bounds one attempt as a whole, `retry_seconds` all of them with the pauses
    between; waiting for a turn is not counted. `concurrency` bounds requests in flight,
    `per_second` how many go out, `per_second_endpoint` how many to the same endpoint. After
    `breaker_failures` in a row nothing is sent for `cool_down_seconds`. `quota_reserve` is the
    share of the vendor's quota that is left to others. `transport` carries the calls; None is the
    network.
    """

    connect_seconds: float = 5
    read_seconds: float = 60
    write_seconds: float = 30
    pool_seconds: float = 60
    attempt_seconds: float = 300
    concurrency: int = 8
    per_second: float | None = None
    per_second_endpoint: float | None = None
    attempts: int = 5
    retry_seconds: float = 180
    longest_wait_seconds: float = 60
    breaker_failures: int = 10
    cool_down_seconds: float = 15
    quota_reserve: float = 0.05
    http2: bool = False
    transport: httpx.AsyncBaseTransport | None = None


class HttpDoor:
    """The way to one system; an async context manager."""

    def __init__(
        self,
        base_url: str,
        dialect: Dialect,
        options: HttpOptions,
        *,
        auth: Auth | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        self.base_url = base_url.rstrip("/")
        self._home = _origin(httpx.URL(self.base_url))
        self.dialect = dialect
        self.options = options
        self.metrics = Metrics()
        self.quota: Quota | None = None
        self._newest_at: datetime | None = None
        self._quota_warned = False
        self._auth = auth
        # Where stamina is told to try again without waiting, nothing else waits either.
        cool_down = 0.0 if stamina.is_testing() else options.cool_down_seconds
        breaker = Breaker(dialect.system, options.breaker_failures, cool_down)
        self._limiter = Limiter(
            breaker, options.concurrency, options.per_second, options.per_second_endpoint
        )
        self._headers = {"User-Agent": "tieout", "Accept-Encoding": "gzip", **(headers or {})}
        timeout = httpx.Timeout(
            connect=options.connect_seconds,
            read=options.read_seconds,
            write=options.write_seconds,
            pool=options.pool_seconds,
        )
        self._extensions = {"timeout": timeout.as_dict()}
        self._carrier = options.transport or carrier(
            self.base_url, timeout, options.concurrency, http2=options.http2
        )

    @property
    def system(self) -> str:
        return self.dialect.system

    @property
    def idle(self) -> int:
        """How many more calls could be in flight now."""
        return self._limiter.idle

    @property
    def room(self) -> int:
        """The same, with others waiting, so that the place of an answer is taken at once."""
        return self._limiter.room(self._limiter.width - 1)

    @property
    def newest_at(self) -> datetime | None:
        """The latest time (UTC) of the system's own clock on any answer."""
        return self._newest_at

    def is_behind(self, served_at: datetime) -> bool:
        """Whether an answer is older than another one was: it came from a replica that lags."""
        return self._newest_at is not None and self._newest_at - served_at > LAG

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *error: object) -> None:
        await self._carrier.aclose()

    async def log_in(self) -> None:
        """Begin a session; what stands against it is told by the call that needs it."""
        if self._auth is not None:
            with suppress(Exception):  # a key that cannot be read, too
                await self._auth.log_in(self)

    async def send(self, call: Call) -> Reply:
        """The answer to `call`, after as many attempts as it allows."""
        correlation_id = call.correlation_id or uuid.uuid4().hex
        turn = self._limiter.turn(f"{call.method} {call.endpoint}", self.options.retry_seconds)
        try:
            return await self._in_turn(turn, call, correlation_id, 1)
        except SourceError as error:
            failure = error
        return await self._sent_again(turn, call, correlation_id, failure)

    async def _sent_again(
        self, turn: Turn, call: Call, correlation_id: str, failure: SourceError
    ) -> Reply:
        """What further attempts bring; stamina takes the failure of the first for its own first."""
        failed_at = 0.0
        lost: UnknownOutcome | None = None

        def again(error: Exception) -> bool | float:
            nonlocal failed_at, lost
            failed_at = time.monotonic()
            lost = error if isinstance(error, UnknownOutcome) else lost
            wait = self._wait(call, error)
            return wait if turn.patience > (0.0 if wait is True else wait) else False

        attempts = stamina.retry_context(
            on=again,
            attempts=self.options.attempts if call.repeatable else 1,
            timeout=None,  # the turn's patience is: it does not run out in the queue
            wait_initial=0.5,
            wait_max=self.options.longest_wait_seconds,
        )
        try:
            async for attempt in attempts:
                with attempt:
                    if attempt.num == 1:
                        raise failure
                    paused = time.monotonic() - failed_at
                    turn.patience -= paused
                    self.metrics.retried(call.method, call.endpoint, paused)
                    return await self._in_turn(turn, call, correlation_id, attempt.num)
        except (Transient, Unauthorized):
            # That the last attempt was not taken does not tell what became of the one before.
            if lost is not None:
                raise lost.with_traceback(None) from None
            raise
        raise AssertionError("stamina ends with an answer or an error")

    def part(
        self, whole: Reply, call: Call, status: int, headers: Mapping[str, str], body: Any
    ) -> Reply | SourceError:
        """What one of several calls in a request was answered, read as if it had come alone."""
        sent = self._sent(call, call.correlation_id or uuid.uuid4().hex)
        outcome = sent.part(status, {**whole.headers, **headers}, body)
        self._log(sent, outcome)
        return outcome

    async def attempt(self, call: Call) -> Reply:
        """One attempt, at once: for the call that logs in, by which another call is held up."""
        return await self._authorised(self._sent(call, call.correlation_id or uuid.uuid4().hex), 1)

    def _wait(self, call: Call, error: Exception) -> bool | float:
        """Whether to try again, and after how many seconds if the server said so."""
        if not call.repeatable or not isinstance(error, Transient | UnknownOutcome):
            return False
        if not error.worth_waiting or isinstance(error, CircuitOpen):
            return False
        if error.retry_after is None:
            return True
        return min(error.retry_after, self.options.longest_wait_seconds)

    async def _in_turn(self, turn: Turn, call: Call, correlation_id: str, number: int) -> Reply:
        sent = self._sent(call, correlation_id)  # made while waiting: a turn costs its seconds
        asked_at = time.monotonic()
        await self._limiter.acquire(turn)
        started = time.monotonic()
        self.metrics.queued_seconds += started - asked_at
        try:
            self._keep_reserve(call, correlation_id)
            reply = await self._authorised(sent, number, turn)
        except SourceError as error:
            self._learn(turn, error)
            raise
        else:
            self._limiter.answered()
            return reply
        finally:
            turn.patience -= time.monotonic() - started
            self._limiter.release(turn)

    def _learn(self, turn: Turn, error: SourceError) -> None:
        """What a failure says about the system; a refusal of this one call says that it is well."""
        in_trouble = error.status is None or error.status >= HTTPStatus.INTERNAL_SERVER_ERROR
        if isinstance(error, RateLimited):
            if error.worth_waiting:
                told = error.retry_after
                wait = None if told is None else min(told, self.options.longest_wait_seconds)
                if stamina.is_testing():
                    wait = 0.0
                self._limiter.refused(turn, wait, endpoint_only=error.endpoint_only)
        elif isinstance(error, Transient | UnknownOutcome) and in_trouble:
            self._limiter.failed(turn)
        elif error.status is not None:
            self._limiter.answered()

    def _keep_reserve(self, call: Call, correlation_id: str) -> None:
        """Park before the vendor's quota is eaten up: the rest belongs to other applications."""
        quota = self.quota
        if quota is None:
            return
        if quota.used + self._limiter.in_flight <= quota.allowed * (1 - self.options.quota_reserve):
            return
        error = RateLimited(
            self.system,
            f"{call.method} {call.endpoint} was not sent: {quota.used} of {quota.allowed} calls of "
            f"the quota are used, and a reserve of {self.options.quota_reserve:.0%} is kept",
            correlation_id=correlation_id,
        )
        error.worth_waiting = False
        raise error

    def _note_quota(self, headers: httpx.Headers) -> None:
        quota = self.dialect.quota(headers)
        if quota is None:
            return
        self.quota = quota
        if quota.used >= quota.allowed * QUOTA_WARNING and not self._quota_warned:
            self._quota_warned = True
            log.warning(
                "%s: %d of %d calls of the quota are used",
                self.system,
                quota.used,
                quota.allowed,
                extra={"system": self.system, "used": quota.used, "allowed": quota.allowed},
            )

    def _sent(self, call: Call, correlation_id: str) -> Sent:
        return Sent(self.dialect, call, self._request(call, correlation_id), correlation_id)

    async def _authorised(self, sent: Sent, number: int, turn: Turn | None = None) -> Reply:
        """The answer to a call of ours; a refused authorisation is renewed once."""
        request = sent.request
        if self._auth is None or not sent.call.authorized:
            return await self._exchange(sent, number, turn)
        headers = await self._auth.headers(self, request, None)
        request.headers.update(_encoded(headers))
        try:
            return await self._exchange(sent, number, turn)
        except SourceError as error:
            refusal = error
        if refusal.status != HTTPStatus.UNAUTHORIZED:
            raise refusal
        renewed = await self._auth.headers(self, request, headers)
        if renewed == headers:
            raise refusal
        request.headers.update(_encoded(renewed))
        return await self._exchange(sent, number, turn)

    def _request(self, call: Call, correlation_id: str) -> httpx.Request:
        """The request without its authorisation; exact decimals go out as text."""
        headers = {
            **self._headers,
            "Accept": "application/json" if call.expects == "json" else "*/*",
            "X-Correlation-Id": correlation_id,
        }
        content = None
        if call.form is not None:
            headers["Content-Type"] = "application/x-www-form-urlencoded"
            content = str(httpx.QueryParams(list(call.form)))
        elif call.json is not None:
            headers["Content-Type"] = "application/json"
            content = json.dumps(call.json, default=str)
        request = None
        with suppress(httpx.InvalidURL):
            request = httpx.Request(
                call.method,
                self._address(call),
                content=content,
                headers=_encoded({**headers, **call.headers}),
                extensions=self._extensions,
            )
        if request is None or (call.authorized and _origin(request.url) != self._home):
            raise ContractBroken(
                self.system,
                f"{call.method} {call.endpoint} is not an address of this system",
                correlation_id=correlation_id,
            )
        return request

    def _address(self, call: Call) -> str:
        """A path of this system, or an address as some vendors tell the next one."""
        path, _, query = call.path.partition("?")
        if "://" not in path:
            path = f"{self.base_url}/{path.removeprefix('/')}"
        query = "&".join(filter(None, (query, str(httpx.QueryParams(list(call.params))))))
        return f"{path}?{query}" if query else path

    async def _exchange(self, sent: Sent, number: int, turn: Turn | None) -> Reply:
        """One request and its answer, told to the log, to the metrics and to the trace."""
        call = sent.call
        with request_span(self.system, call.method, call.endpoint, sent.correlation_id) as span:
            outcome = await self._outcome(sent, number, turn)
            failure = type(outcome).__name__ if isinstance(outcome, SourceError) else None
            answered(span, outcome.status, number, outcome.request_id, failure)
        if isinstance(outcome, SourceError):
            raise outcome
        return outcome

    async def _outcome(self, sent: Sent, number: int, turn: Turn | None) -> Reply | SourceError:
        """The next call goes out before a good answer is read, not after."""
        started = time.monotonic()
        answer = await self._answer(sent.request)
        seconds = time.monotonic() - started
        raw = b""
        outcome: Reply | SourceError
        if isinstance(answer, Exception):
            outcome = sent.unanswered(answer)
        else:
            response, raw = answer
            self._note_quota(response.headers)
            if turn is not None and response.is_success:
                self._limiter.release(turn)
            if len(raw) > BIG_ANSWER:
                outcome = await asyncio.to_thread(sent.answered, response, raw)
            else:
                outcome = sent.answered(response, raw)
        if isinstance(outcome, Reply):
            with suppress(ContractBroken):
                self._newest_at = max(self._newest_at or outcome.served_at, outcome.served_at)
        self._note(sent, outcome, number, seconds, len(raw))
        return outcome

    async def _answer(self, request: httpx.Request) -> tuple[httpx.Response, bytes] | Exception:
        """The answer as it came over the wire; what kept it away is handed back."""
        try:
            async with asyncio.timeout(self.options.attempt_seconds):
                response = await self._carrier.handle_async_request(request)
                assert isinstance(response.stream, httpx.AsyncByteStream)
                try:
                    return response, b"".join([chunk async for chunk in response.stream])
                finally:
                    await response.aclose()
        except (httpx.RequestError, TimeoutError) as error:
            return error

    def _note(
        self, sent: Sent, outcome: Reply | SourceError, number: int, seconds: float, size: int
    ) -> None:
        call = sent.call
        failure = type(outcome).__name__ if isinstance(outcome, SourceError) else None
        self.metrics.count(call.method, call.endpoint, outcome.status, failure, seconds, size)
        self._log(sent, outcome, seconds=round(seconds, 3), attempt=number, bytes=size)

    def _log(self, sent: Sent, outcome: Reply | SourceError, **more: float) -> None:
        call = sent.call
        failure = type(outcome).__name__ if isinstance(outcome, SourceError) else None
        level = logging.INFO if failure else logging.DEBUG
        if not log.isEnabledFor(level):
            return
        facts = {
            "system": self.system,
            "method": call.method,
            "endpoint": call.endpoint,
            "status": outcome.status,
            "correlation_id": sent.correlation_id,
            "request_id": outcome.request_id,
            **more,
        }
        if isinstance(outcome, SourceError):
            facts |= {"error": failure, "code": outcome.code}
        told = failure or outcome.status
        log.log(level, "%s %s %s: %s", self.system, call.method, call.endpoint, told, extra=facts)


def _encoded(headers: Mapping[str, str]) -> list[tuple[bytes, bytes]]:
    """As bytes: what is no ASCII is for the vendor to refuse, not for an error that quotes it."""
    return [(name.encode(), value.encode()) for name, value in headers.items()]


def _origin(url: httpx.URL) -> tuple[str, bytes]:
    return url.scheme, url.netloc
