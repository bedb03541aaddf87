"""How each vendor says no for now: too many calls, trouble of its own, a session that ended."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from extractors.sandbox.schema import System

_JSON = "application/json"
_HTML = "text/html"


@dataclass(frozen=True)
class Refusal:
    """An answer that has no effect behind it."""

    status: int
    body: Any
    headers: Mapping[str, str] = field(default_factory=dict)

    @property
    def content(self) -> bytes:
        text = self.body if isinstance(self.body, str) else json.dumps(self.body)
        return text.encode()

    @property
    def media_type(self) -> str:
        return _HTML if isinstance(self.body, str) else _JSON


def _salesforce(status: int, code: str, message: str) -> Refusal:
    return Refusal(status, [{"message": message, "errorCode": code}])


def _stripe(
    status: int, kind: str, message: str, code: str | None = None, **headers: str
) -> Refusal:
    error = {"type": kind, "message": message} | ({"code": code} if code else {})
    spelled = {name.replace("_", "-"): value for name, value in headers.items()}
    return Refusal(status, {"error": error}, spelled)


def _netsuite(status: int, title: str, code: str, detail: str) -> Refusal:
    problem = {"detail": detail, "o:errorCode": code}
    section = "https://www.rfc-editor.org/rfc/rfc9110.html#section-15"
    body = {"type": section, "title": title, "status": status, "o:errorDetails": [problem]}
    return Refusal(status, body)


def _too_fast(reason: str, **headers: str) -> Refusal:
    message = "Request rate limit exceeded: slow down, and try again a little later."
    told = {"Stripe_Rate_Limited_Reason": reason, **headers}
    return _stripe(429, "invalid_request_error", message, "rate_limit", **told)


_BAD_GATEWAY = Refusal(
    502,
    "<html>\n<head><title>502 Bad Gateway</title></head>\n<body>\n"
    "<center><h1>502 Bad Gateway</h1></center>\n</body>\n</html>\n",
)
_LATER = "The service cannot be reached at the moment; try again later."

REFUSALS: Mapping[System, Mapping[str, Refusal]] = {
    "salesforce": {
        "busy": _salesforce(503, "SERVER_UNAVAILABLE", _LATER),
        "error": _salesforce(500, "UNKNOWN_EXCEPTION", "An unexpected error occurred."),
        "gateway": _BAD_GATEWAY,
        # One code for two limits, of which only the first passes within moments.
        "concurrency": _salesforce(
            403,
            "REQUEST_LIMIT_EXCEEDED",
            "ConcurrentRequests (Concurrent API Requests) Limit exceeded.",
        ),
        "daily": _salesforce(403, "REQUEST_LIMIT_EXCEEDED", "TotalRequests Limit exceeded."),
        "session": _salesforce(401, "INVALID_SESSION_ID", "Session expired or invalid"),
    },
    "stripe": {
        "busy": _stripe(503, "api_error", _LATER),
        "error": _stripe(500, "api_error", "An unknown error occurred."),
        "gateway": _BAD_GATEWAY,
        "global-rate": _too_fast("global-rate"),
        "endpoint-rate": _too_fast("endpoint-rate"),
        "concurrency": _too_fast("global-concurrency"),
        "told-when": _too_fast("global-rate", Retry_After="1"),
        "told-whether": _too_fast("endpoint-rate", Stripe_Should_Retry="true"),
        "lock": _stripe(
            429,
            "invalid_request_error",
            "This object cannot be accessed right now because another request holds its lock.",
            "lock_timeout",
        ),
    },
    "netsuite": {
        "busy": _netsuite(503, "Service Unavailable", "UNEXPECTED_ERROR", _LATER),
        "error": _netsuite(
            500, "Internal Server Error", "UNEXPECTED_ERROR", "An unexpected error occurred."
        ),
        "gateway": _BAD_GATEWAY,
        "concurrency": _netsuite(
            429,
            "Too Many Requests",
            "CONCURRENCY_LIMIT_EXCEEDED",
            "Concurrent request limit exceeded. Request blocked.",
        ),
        "session": _netsuite(
            401,
            "Unauthorized",
            "INVALID_LOGIN",
            "Invalid login attempt. For more details, see the Login Audit Trail.",
        ),
    },
}


def passing(system: System, status: int, retry_after: int | None) -> Refusal:
    """Trouble with a status of the caller's choice."""
    made = {
        "salesforce": _salesforce(status, "SERVER_UNAVAILABLE", _LATER),
        "stripe": _stripe(status, "api_error", _LATER),
        "netsuite": _netsuite(status, "Service Unavailable", "UNEXPECTED_ERROR", _LATER),
    }[system]
    return made if retry_after is None else replace(made, headers={"Retry-After": str(retry_after)})


# Refusals by their names above: of a server that has too much to do, and of one in trouble.
OVERLOADED: Mapping[System, tuple[str, ...]] = {
    "salesforce": ("busy", "concurrency"),
    "stripe": ("global-rate", "endpoint-rate", "told-when", "told-whether", "lock"),
    "netsuite": ("concurrency",),
}
DISTURBED: Mapping[System, tuple[str, ...]] = dict.fromkeys(
    ("salesforce", "stripe", "netsuite"), ("busy", "error", "gateway")
)
