"""How Salesforce speaks: its errors, its numbers, its count of calls."""

import json
import re
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

import httpx

from extractors.calls import Dialect, Explanation, Quota, kind_of
from extractors.errors import (
    Conflict,
    NotFound,
    RateLimited,
    SourceError,
    Transient,
    Unauthorized,
)

SYSTEM = "salesforce"

_KINDS: dict[str, type[SourceError]] = {
    "REQUEST_LIMIT_EXCEEDED": RateLimited,
    "LIMIT_EXCEEDED": RateLimited,
    "UNABLE_TO_LOCK_ROW": Transient,
    "SERVER_UNAVAILABLE": Transient,
    "TXN_SECURITY_METERING_ERROR": Transient,
    "QUERY_TIMEOUT": Transient,
    "DUPLICATE_VALUE": Conflict,
    "ENTITY_IS_DELETED": NotFound,
    "INVALID_SESSION_ID": Unauthorized,
    "invalid_client": Unauthorized,
    "invalid_client_id": Unauthorized,
    "invalid_grant": Unauthorized,
}
# Seconds do not bring a day's quota back; too many calls at once pass.
_OF_THE_DAY = frozenset({"REQUEST_LIMIT_EXCEEDED", "LIMIT_EXCEEDED"})
_AT_ONCE = "ConcurrentRequests"
_USAGE = re.compile(r"api-usage=(\d+)/(\d+)")


def explain(status: int, body: Any, headers: httpx.Headers) -> Explanation:  # noqa: ARG001
    """Data errors are a list of {errorCode, message}; login errors an object.

    300 lists the addresses of all records that share an external id. A batch fails as a whole where
    a call in it may succeed a little later.
    """
    if status == httpx.codes.MULTIPLE_CHOICES:
        return Explanation("the external id is not unique", "DUPLICATE_EXTERNAL_ID", Conflict)
    passing = _passing_failure(body)
    if passing is not None:
        return passing
    first = body[0] if isinstance(body, list) and body else body
    if not isinstance(first, Mapping):
        return Explanation("no explanation given")
    code = first.get("errorCode") or first.get("error") or first.get("statusCode")
    message = str(first.get("message") or first.get("error_description") or "no explanation given")
    worth_waiting = code not in _OF_THE_DAY or _AT_ONCE in message
    return Explanation(message, code, _KINDS.get(str(code)), worth_waiting)


def _passing_failure(body: Any) -> Explanation | None:
    """Why a batch should be sent again: the first failure among its results that may pass."""
    if not isinstance(body, Mapping) or body.get("hasErrors") is not True:
        return None
    for part in body["results"]:
        status = int(part["statusCode"])
        if status < httpx.codes.BAD_REQUEST:
            continue
        told = explain(status, part["result"], httpx.Headers())
        kind = told.kind or kind_of(status, "read")
        if issubclass(kind, Transient):
            return Explanation(told.message, told.code, kind, told.worth_waiting)
    return None


def _is_failed(body: Any) -> bool:
    return _passing_failure(body) is not None


def plain_number(text: str) -> str:
    """A number without an exponent: from ten millions on the vendor writes 1.23E8."""
    if "E" not in text and "e" not in text:
        return text
    plain = format(Decimal(text).normalize(), "f")
    return plain if "." in plain else f"{plain}.0"


def _decode(content: bytes) -> Any:
    """JSON in which every number is text, as it was sent but for exponents."""
    return json.loads(content, parse_float=plain_number, parse_int=str)


def _quota(headers: httpx.Headers) -> Quota | None:
    """Calls of the last 24 hours; other counts may follow in the same header."""
    found = _USAGE.search(headers.get("sforce-limit-info", ""))
    return Quota(int(found[1]), int(found[2])) if found else None


DIALECT = Dialect(
    system=SYSTEM,
    explain=explain,
    decode=_decode,
    request_id_header=("x-sfdc-request-id", "sforce-request-id"),
    quota=_quota,
    failed=_is_failed,
)
