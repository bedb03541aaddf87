"""What is sent to a system and what comes back: calls, replies, and how its failures read.

No vendor is named here; each describes itself by a `Dialect`.
"""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import Decimal
from email.utils import parsedate_to_datetime
from http import HTTPStatus
from typing import Any, Literal

import httpx

from extractors.errors import (
    Conflict,
    ContractBroken,
    NotFound,
    RateLimited,
    Rejected,
    SourceError,
    Transient,
    Unauthorized,
    UnknownOutcome,
)

Params = Sequence[tuple[str, str]]


@dataclass(frozen=True)
class Call:
    """One request. `repeatable` is said of reads, and of writes whose key the vendor honours."""

    method: str
    path: str
    params: Params = ()
    form: Params | None = field(default=None, repr=False)
    json: Any = field(default=None, repr=False)
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    kind: Literal["read", "write"] = "read"
    repeatable: bool = True
    authorized: bool = True
    correlation_id: str | None = None


@dataclass(frozen=True)
class Reply:
    """An answer with a success status; `body` is decoded JSON, or None when there was none."""

    system: str
    status: int
    headers: httpx.Headers
    body: Any
    excerpt: str
    request_id: str | None

    @property
    def served_at(self) -> datetime:
        """The source's own clock (UTC) when it answered."""
        text = self.headers.get("date")
        if text is None:
            raise ContractBroken(self.system, "the answer has no Date header to take its time from")
        return parsedate_to_datetime(text).astimezone(UTC)

    def member(self, name: str) -> Any:
        """A member that the body must have."""
        if not isinstance(self.body, dict) or name not in self.body:
            raise ContractBroken(
                self.system, f"the answer has no {name!r}", body_excerpt=self.excerpt
            )
        return self.body[name]


@dataclass(frozen=True)
class Explanation:
    """What a failed answer means; without `kind` its status decides."""

    message: str
    code: str | None = None
    kind: type[SourceError] | None = None
    worth_waiting: bool = True


@dataclass(frozen=True)
class Dialect:
    """How a system speaks: its errors, its numbers, the header that names a request."""

    system: str
    explain: Callable[[int, Any, httpx.Headers], Explanation]
    decode: Callable[[bytes], Any]
    request_id_header: str


def decode_exact(content: bytes) -> Any:
    """JSON in which a number with a fraction is a Decimal."""
    return json.loads(content, parse_float=Decimal)


def decode_text(content: bytes) -> Any:
    """JSON in which every number is its own text, as it was sent."""
    return json.loads(content, parse_float=str, parse_int=str)


def kind_of(status: int, sent: Literal["read", "write"]) -> type[SourceError]:
    """The error that a status stands for when the body does not say more.

    A write that ends in a 5xx may have been committed before something in between gave up.
    """
    known: dict[int, type[SourceError]] = {
        401: Unauthorized,
        403: Unauthorized,
        404: NotFound,
        408: Transient,
        409: Conflict,
        410: NotFound,
        412: Conflict,
        423: Transient,
        429: RateLimited,
    }
    if status in known:
        return known[status]
    if status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        return UnknownOutcome if sent == "write" else Transient
    return Rejected if status >= HTTPStatus.BAD_REQUEST else ContractBroken


def retry_after(headers: httpx.Headers) -> float | None:
    """Seconds to wait, from either form of the header (seconds, or a date)."""
    text = headers.get("retry-after", "").strip()
    if not text:
        return None
    try:
        return max(0.0, float(text))
    except ValueError:
        pass
    try:
        due = parsedate_to_datetime(text)
        now = parsedate_to_datetime(headers["date"]) if "date" in headers else datetime.now(UTC)
        return max(0.0, (due - now).total_seconds())
    except (ValueError, TypeError):
        return None
