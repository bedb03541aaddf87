"""What can be wrong with single objects of a Stripe account, whatever the wire does.

`stripe.trouble` (meta): {id: {"error", "times"}}, where `times` is how often it still happens, for
ever where it is left out. Errors: `lock_timeout` (another process holds the object), `api_error`
(the request fails when it has begun to take effect), `card_declined` (of a customer).
"""

from collections.abc import Iterable

from extractors.sandbox.store import Store
from extractors.sandbox.stripe_errors import SERVER_ERROR, TOO_MANY, StripeError

TROUBLE = "stripe.trouble"
EXECUTION_SECONDS = "stripe.execution_seconds"
"""Meta key: how long a write takes (real time), for requests that meet."""


def require_untroubled(store: Store, ids: Iterable[str]) -> None:
    """Refuse a write to an object that is locked, or fail it."""
    if not store.meta(TROUBLE):
        return
    for record_id in ids:
        if _meets(store, record_id, "lock_timeout"):
            raise _locked()
        if _meets(store, record_id, "api_error"):
            message = "An unknown error occurred"
            raise StripeError(message, None, None, SERVER_ERROR, "api_error")


def is_declined(store: Store, customer: str | None) -> bool:
    """Whether a customer's card is refused."""
    return customer is not None and _meets(store, customer, "card_declined")


def _meets(store: Store, record_id: str, error: str) -> bool:
    known = store.meta(TROUBLE, {})
    found = known.get(record_id)
    if found is None or found["error"] != error:
        return False
    if "times" in found:
        left = {**found, "times": found["times"] - 1}
        rest = {key: value for key, value in known.items() if key != record_id}
        store.set_meta(TROUBLE, rest | ({record_id: left} if left["times"] else {}) or None)
    return True


def _locked() -> StripeError:
    message = (
        "This object cannot be accessed right now because another API request or Stripe process "
        "is currently accessing it. If you see this error intermittently, retry the request. If "
        "you see this error frequently and are making multiple concurrent requests to a single "
        "object, make your requests serially or at a lower rate. For more details, see "
        "https://stripe.com/docs/rate-limits#object-lock-timeouts."
    )
    return StripeError(message, "lock_timeout", None, TOO_MANY, should_retry=True)
