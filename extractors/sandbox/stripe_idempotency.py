"""Stripe's promise that a POST with the same Idempotency-Key takes effect once within a day.

The first answer is kept once the request has begun to take effect, be it a failure; refusals of
what was asked are not. A key stands for one path and one set of parameters of one account.
"""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from extractors.sandbox.store import Store
from extractors.sandbox.stripe_errors import CONFLICT, StripeError
from extractors.sandbox.stripe_operations import now

LONGEST_KEY = 255
KEPT = timedelta(hours=24)

CREATE_STATEMENT = (
    "CREATE TABLE IF NOT EXISTS stripe_idempotency (account TEXT NOT NULL, key TEXT NOT NULL, "
    "created INTEGER NOT NULL, path TEXT NOT NULL, parameters TEXT NOT NULL, "
    "status INTEGER NOT NULL, body BLOB NOT NULL, request TEXT NOT NULL, "
    "PRIMARY KEY (account, key))"
)


@dataclass(frozen=True)
class Outcome:
    """An answer as it was given the first time, and the id of the request that it answered."""

    status: int
    body: bytes
    request_id: str


@dataclass(frozen=True)
class Asked:
    """A request that names a key."""

    key: str
    path: str
    parameters: str

    @classmethod
    def of(cls, key: str, path: str, parameters: Mapping[str, Any]) -> "Asked":
        if len(key) > LONGEST_KEY:
            message = f"Idempotency keys can have at most {LONGEST_KEY} characters"
            raise StripeError(message, None, None, 400, "idempotency_error")
        told = json.dumps(parameters, sort_keys=True)
        return cls(key, path, hashlib.sha256(told.encode()).hexdigest())


def recall(store: Store, asked: Asked) -> Outcome | None:
    """The answer given to this key within the last day (sandbox time), if any."""
    oldest = now(store) - int(KEPT.total_seconds())
    store.execute("DELETE FROM stripe_idempotency WHERE created < ?", (oldest,))
    sql = (
        "SELECT path, parameters, status, body, request FROM stripe_idempotency "
        "WHERE account = ? AND key = ?"
    )
    for path, parameters, status, body, request_id in store.query(sql, (store.account, asked.key)):
        if path != asked.path:
            raise _other_use(
                "for the same endpoint they were first used for "
                f"('{asked.path}' vs '{path}'). Try using a key other than '{asked.key}' if you "
                "meant to execute a different request."
            )
        if parameters != asked.parameters:
            raise _other_use(
                "with the same parameters they were first used with. Try using a key other than "
                f"'{asked.key}' if you meant to execute a different request."
            )
        return Outcome(status, body, request_id)
    return None


def remember(store: Store, asked: Asked, outcome: Outcome) -> None:
    row = (store.account, asked.key, now(store), asked.path, asked.parameters)
    sql = "INSERT INTO stripe_idempotency VALUES (?, ?, ?, ?, ?, ?, ?, ?)"
    store.execute(sql, (*row, outcome.status, outcome.body, outcome.request_id))


def in_use(asked: Asked) -> StripeError:
    message = (
        "There is currently another in-progress request using this Idempotent Key (that probably "
        "means you submitted twice, and the other request is still going through): "
        f"{asked.key}. Please try again later."
    )
    code = "idempotency_key_in_use"
    return StripeError(message, code, None, CONFLICT, "idempotency_error", should_retry=True)


def _other_use(rest: str) -> StripeError:
    message = f"Keys for idempotent requests can only be used {rest}"
    return StripeError(message, None, None, 400, "idempotency_error")
