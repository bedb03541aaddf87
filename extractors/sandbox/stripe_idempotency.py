"""Stripe's promise that a POST with the same Idempotency-Key takes effect once within a day."""

import hashlib
from datetime import timedelta
from typing import Any

from extractors.sandbox import documents
from extractors.sandbox.store import Store
from extractors.sandbox.stripe_forms import StripeError

LONGEST_KEY = 255
KEPT = timedelta(hours=24)

CREATE_STATEMENT = (
    "CREATE TABLE IF NOT EXISTS stripe_idempotency (key TEXT PRIMARY KEY, "
    "created INTEGER NOT NULL, fingerprint TEXT NOT NULL, body TEXT NOT NULL)"
)


def fingerprint(method: str, path: str, body: bytes) -> str:
    return hashlib.sha256(b"\n".join((method.encode(), path.encode(), body))).hexdigest()


def recall(store: Store, key: str, print_: str) -> dict[str, Any] | None:
    """The answer given to this key within the last day (sandbox time), if any."""
    if len(key) > LONGEST_KEY:
        message = f"Idempotency keys can have at most {LONGEST_KEY} characters"
        raise StripeError(message, None, None, 400, "idempotency_error")
    oldest = int((store.now() - KEPT).timestamp())
    store.execute("DELETE FROM stripe_idempotency WHERE created < ?", (oldest,))
    sql = "SELECT fingerprint, body FROM stripe_idempotency WHERE key = ?"
    for known, body in store.query(sql, (key,)):
        if known != print_:
            message = (
                "Keys for idempotent requests can only be used with the same parameters they were "
                f"first used with. Try using a key other than '{key}' if you meant to execute a "
                "different request."
            )
            raise StripeError(message, None, None, 400, "idempotency_error")
        return documents.load(body)
    return None


def remember(store: Store, key: str, print_: str, body: dict[str, Any]) -> None:
    created = int(store.now().timestamp())
    row = (key, created, print_, documents.dump(body))
    store.execute("INSERT INTO stripe_idempotency VALUES (?, ?, ?, ?)", row)
