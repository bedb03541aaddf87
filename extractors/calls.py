"""What is sent to a system and what comes back: calls, replies, and how its failures read.

No vendor is named here; each describes itself by a `Dialect`.
"""

import json
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import Decimal
from email.utils import parsedate_to_datetime
from functools import lru_cache
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
from extractors.redaction import excerpt_of

Params = Sequence[tuple[str, str]]

_ORIGIN = re.compile(r"\w+://[^/]*")
# What is a name of the interface although it has a digit: v1, v62.0, 2026-09, oauth2.
_VERSION = re.compile(r"v\d+(\.\d+)?|\d{4}-\d{2}|oauth[12]")
_ID = re.compile(r".*[\d:%@ ]|[a-z]+_\w*[A-Z]")


@dataclass(frozen=True)
class Call:
    """One request. `repeatable` is said of reads, and of writes whose key the vendor honours.

    `label` names it for people where the path does not say what is asked for. The repr is fit
    for a log: neither ids nor values.
    """

    method: str
    path: str
    params: Params = ()
    form: Params | None = None
    json: Any = None
    headers: Mapping[str, str] = field(default_factory=dict)
    kind: Literal["read", "write"] = "read"
    expects: Literal["json", "bytes"] = "json"
    repeatable: bool = True
    authorized: bool = True
    correlation_id: str | None = None
    label: str | None = None

    def __repr__(self) -> str:
        return f"Call({self.method} {self.endpoint} {self.kind})"

    @property
    def endpoint(self) -> str:
        """What is called: the label, or the path without ids and query."""
        return self.label or endpoint_of(self.path)


@lru_cache(maxsize=4096)
def endpoint_of(path: str) -> str:
    """`/v1/charges/ch_1` is a call of `/v1/charges/{id}`."""
    parts = _ORIGIN.sub("", path.partition("?")[0]).split("/")
    return "/".join(
        "{id}" if _ID.match(part) and not _VERSION.fullmatch(part) else part for part in parts
    )


@lru_cache(maxsize=64)
def _instant(text: str) -> datetime:
    """The instant of a Date header; many answers come within its one second."""
    told = parsedate_to_datetime(text)
    return told.replace(tzinfo=UTC) if told.tzinfo is None else told.astimezone(UTC)


@dataclass(frozen=True)
class Reply:
    """An answer with a success status; `body` is the decoded JSON, None where bytes were asked."""

    system: str
    status: int
    headers: httpx.Headers = field(repr=False)
    body: Any = field(repr=False)
    content: bytes = field(repr=False)
    request_id: str | None

    @property
    def excerpt(self) -> str:
        """The beginning of the answer, for people."""
        return excerpt_of(self.content)

    @property
    def served_at(self) -> datetime:
        """The source's own clock (UTC) when it answered."""
        text = self.headers.get("date", "")
        try:
            return _instant(text)
        except ValueError as error:
            raise ContractBroken(
                self.system, f"the answer has no Date to take its time from, but {text!r}"
            ) from error

    def member(self, name: str) -> Any:
        """A member that the body must have."""
        if not isinstance(self.body, dict) or name not in self.body:
            raise ContractBroken(
                self.system, f"the answer has no {name!r}", body_excerpt=self.excerpt
            )
        return self.body[name]


@dataclass(frozen=True)
class Explanation:
    """What a failed answer means; without `kind` its status decides.

    `endpoint_only` is said of a limit that other endpoints do not share.
    """

    message: str
    code: str | None = None
    kind: type[SourceError] | None = None
    worth_waiting: bool = True
    endpoint_only: bool = False


@dataclass(frozen=True)
class Quota:
    """Calls that the vendor has counted, and how many it allows, in its own period."""

    used: int
    allowed: int


def _no_quota(headers: httpx.Headers) -> Quota | None:  # noqa: ARG001
    return None


def _never_failed(body: Any) -> bool:  # noqa: ARG001
    return False


@dataclass(frozen=True)
class Dialect:
    """How a system speaks: its errors, its numbers, the headers that name a request.

    `quota` reads what an answer of any status tells of calls used up. `failed` says whether a
    body under a success status tells a failure; `explain` is then asked with that status.
    """

    system: str
    explain: Callable[[int, Any, httpx.Headers], Explanation]
    decode: Callable[[bytes], Any]
    request_id_header: str | tuple[str, ...]
    quota: Callable[[httpx.Headers], Quota | None] = _no_quota
    failed: Callable[[Any], bool] = _never_failed

    def request_id(self, headers: httpx.Headers) -> str | None:
        """The vendor's id of a call, under the first of its names that is there."""
        names = self.request_id_header
        for name in (names,) if isinstance(names, str) else names:
            if name in headers:
                return headers[name]
        return None


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
