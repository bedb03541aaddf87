"""What came of a request: a reply, or the error that says what to do about it.

An answer that is not as it should be is one of two things:

- A body that ends early (hung up, too short, a cut gzip stream, JSON that breaks off) may be
  whole the next time: `Transient` for a read, `UnknownOutcome` for a write.
- A success that is not JSON at all is a page for people, of something in between: a login, a
  notice. It would be shown again: `ContractBroken`; for a write `UnknownOutcome`.
"""

import gzip
import json
import zlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

import httpx

from extractors.calls import Call, Dialect, Reply, kind_of, retry_after
from extractors.errors import ContractBroken, RateLimited, SourceError, Transient, UnknownOutcome
from extractors.redaction import excerpt_of, redact, secrets_in

NEVER_SENT = (
    httpx.ConnectError,
    httpx.ConnectTimeout,
    httpx.PoolTimeout,
    httpx.ProxyError,
    httpx.LocalProtocolError,
    httpx.UnsupportedProtocol,
)
_CUT = (EOFError, zlib.error, gzip.BadGzipFile)


@dataclass(frozen=True)
class Sent:
    """A request that went out.

    Errors are handed back, not raised: they carry no cause, whose text could hold a secret.
    """

    dialect: Dialect
    call: Call
    request: httpx.Request
    correlation_id: str

    def unanswered(self, error: Exception) -> SourceError:
        lost = self.call.kind == "write" and not isinstance(error, NEVER_SENT)
        detail = f": {error}" if str(error) else ""
        return self._error(
            UnknownOutcome if lost else Transient,
            f"got no answer ({type(error).__name__}{detail})",
        )

    def answered(self, response: httpx.Response, raw: bytes) -> Reply | SourceError:
        """Reads an answer of any status; `raw` is what came over the wire."""
        broken: SourceError | None = None
        content, body = raw, None
        try:
            content = _unpacked(response, raw)
        except _CUT as error:
            broken = self._cut(response, f"a compressed body that is damaged ({error})", b"")
        except ValueError as error:
            broken = self._alien(response, str(error), b"")
        if broken is None and content and (self.call.expects == "json" or response.is_error):
            try:
                body = self.dialect.decode(content)
            except ValueError:
                broken = self._not_json(response, content)
        if not response.is_success or (body is not None and self.dialect.failed(body)):
            return self._refused(response, body, content)
        if broken is None and self.call.expects == "bytes" and _is_page(response):
            broken = self._alien(response, "a page for people", content)
        return broken or self._reply(response, body, content)

    def part(self, status: int, headers: Mapping[str, str], body: Any) -> Reply | SourceError:
        """Reads what one of several calls in a request was answered; `body` is decoded already."""
        response = httpx.Response(status, headers=headers)
        if response.is_success:
            return self._reply(response, body, b"")
        return self._refused(response, body, json.dumps(body).encode())

    def _reply(self, response: httpx.Response, body: Any, content: bytes) -> Reply:
        return Reply(
            system=self.dialect.system,
            status=response.status_code,
            headers=response.headers,
            body=body,
            content=content,
            request_id=self.dialect.request_id(response.headers),
        )

    def _refused(self, response: httpx.Response, body: Any, content: bytes) -> SourceError:
        status = response.status_code
        told = self.dialect.explain(status, body, response.headers)
        # A failure under a success status that is not explained is one of the server.
        meant = HTTPStatus.INTERNAL_SERVER_ERROR if response.is_success else status
        error = self._error(
            told.kind or kind_of(meant, self.call.kind),
            f"was answered {status} {told.code or ''}: {told.message}",
            response,
            content,
            code=told.code,
        )
        error.worth_waiting = told.worth_waiting
        error.retry_after = retry_after(response.headers)
        error.location = response.headers.get("location")
        if isinstance(error, RateLimited):
            error.endpoint_only = told.endpoint_only
        return error

    def _not_json(self, response: httpx.Response, content: bytes) -> SourceError:
        if content.lstrip()[:1] in (b"{", b"["):
            return self._cut(response, "JSON that breaks off or is damaged", content)
        return self._alien(response, "something other than JSON", content)

    def _cut(self, response: httpx.Response, seen: str, content: bytes) -> SourceError:
        kind = UnknownOutcome if self.call.kind == "write" else Transient
        return self._error(kind, f"was answered with {seen}", response, content)

    def _alien(self, response: httpx.Response, seen: str, content: bytes) -> SourceError:
        kind = UnknownOutcome if self.call.kind == "write" else ContractBroken
        named = response.headers.get("content-type", "of no type")
        return self._error(kind, f"was answered with {seen} ({named})", response, content)

    def _error(
        self,
        kind: type[SourceError],
        message: str,
        response: httpx.Response | None = None,
        content: bytes = b"",
        *,
        code: str | None = None,
    ) -> SourceError:
        secrets = set(self._secrets())
        place = self.call.label or self.call.path.partition("?")[0]
        request_id = self.dialect.request_id(response.headers) if response is not None else None
        return kind(
            self.dialect.system,
            redact(f"{self.call.method} {place} {message}", secrets),
            status=response.status_code if response is not None else None,
            code=redact(str(code), secrets) if code else None,
            request_id=redact(request_id, secrets) if request_id else None,
            correlation_id=self.correlation_id,
            body_excerpt=excerpt_of(content, secrets),
        )

    def _secrets(self) -> Iterator[str]:
        """Everything sent that a server may echo and nobody may read."""
        for sent in (
            list(self.request.headers.items()),
            self.request.url.params.multi_items(),
            self.call.form,
            self.call.json,
        ):
            yield from secrets_in(sent)
        yield self.request.url.password


def _unpacked(response: httpx.Response, raw: bytes) -> bytes:
    """The body as it was before it was packed for the way; whole, or an error.

    httpx takes a gzip stream that was cut for a whole one.
    """
    packing = response.headers.get("content-encoding", "identity").strip().lower()
    if packing in {"gzip", "x-gzip"}:
        return gzip.decompress(raw)
    if packing in {"", "identity"}:
        return raw
    raise ValueError(f"a body packed as {packing!r}, which was not asked for")


def _is_page(response: httpx.Response) -> bool:
    return response.headers.get("content-type", "").lower().startswith("text/html")
