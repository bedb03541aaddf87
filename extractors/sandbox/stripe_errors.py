"""Stripe's refusals, in its own words."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

_LOGS = "https://dashboard.stripe.com/logs"
_CODES = "https://stripe.com/docs/error-codes"

BAD_REQUEST, UNAUTHORIZED, PAYMENT_REQUIRED, FORBIDDEN, NOT_FOUND = 400, 401, 402, 403, 404
CONFLICT, TOO_MANY, SERVER_ERROR = 409, 429, 500

_NAMES = {
    "billing.meter": "billing meter",
    "billing.meter_event_summary": "billing meter event summary",
    "invoiceitem": "invoice item",
    "line_item": "invoice line item",
}


@dataclass(eq=False)
class StripeError(Exception):
    """A refusal.

    `should_retry` is what the vendor advises where it does. `keeps` says that what was done until
    then stays: a card was charged in vain, and the attempt is on record.
    """

    message: str
    code: str | None = None
    param: str | None = None
    status: int = BAD_REQUEST
    type: str = "invalid_request_error"
    should_retry: bool | None = None
    keeps: bool = False
    extra: Mapping[str, Any] = field(default_factory=dict)

    @property
    def was_executed(self) -> bool:
        """Whether the request had begun to take effect: then its answer is remembered."""
        return self.status == PAYMENT_REQUIRED or self.status >= SERVER_ERROR

    def body(self, request_id: str, at: int) -> dict[str, Any]:
        said = {
            "code": self.code,
            "doc_url": f"{_CODES}/{self.code.replace('_', '-')}" if self.code else None,
            "message": self.message,
            "param": self.param,
            "request_log_url": None if self._is_at_the_door else f"{_LOGS}/{request_id}?t={at}",
            "type": self.type,
            **self.extra,
        }
        return {"error": {name: value for name, value in said.items() if value is not None}}

    @property
    def _is_at_the_door(self) -> bool:
        """Whether nobody is logged in to whom a log could be shown."""
        return self.status == UNAUTHORIZED


def missing(kind: str, record_id: str, param: str = "id", status: int = NOT_FOUND) -> StripeError:
    name = _NAMES.get(kind, kind.replace("_", " "))
    return StripeError(f"No such {name}: '{record_id}'", "resource_missing", param, status)


def unrecognized(method: str, path: str) -> StripeError:
    message = (
        f"Unrecognized request URL ({method}: {path}). If you are trying to list objects, remove "
        "the trailing slash. If you are trying to retrieve an object, make sure you passed a valid "
        "(non-empty) identifier in your code."
    )
    return StripeError(message, None, None, NOT_FOUND)


def only_one_of(asked: Mapping[str, Any], *names: str) -> None:
    if sum(asked.get(name) is not None for name in names) > 1:
        message = f"You may only specify one of these parameters: {', '.join(names)}."
        raise StripeError(message, None, names[0])


def not_allowed(message: str, code: str | None = None, param: str | None = None) -> StripeError:
    """The object is in no state for what was asked."""
    return StripeError(message, code, param)
