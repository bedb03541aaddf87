"""Who calls: which account is meant, what the key may do, and in which shape answers are wanted."""

import base64
import binascii
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from starlette.requests import Request

from extractors.sandbox import documents
from extractors.sandbox.credentials import credentials
from extractors.sandbox.store import Store
from extractors.sandbox.stripe_eras import CHANGED, PINNED, SERVED, is_older, older
from extractors.sandbox.stripe_errors import FORBIDDEN, UNAUTHORIZED, StripeError
from extractors.sandbox.stripe_events import DEFAULT_VERSION
from extractors.sandbox.stripe_expand import expanded_kinds, expansion
from extractors.sandbox.stripe_shapes import Document, Tree, render

ACCOUNT = "acct_1NorthwindCloud"
"""The company's own account."""
CONNECTED = "stripe.connected"
"""Meta key: ids of the accounts that are connected to it."""
RESTRICTED_KEYS = "stripe.restricted_keys"
"""Meta key: {key: {resource: "read" or "write"}}; a resource that is not named may not be read."""

# The resource in the permissions of restricted keys that guards a kind of object.
RESOURCES = {
    "account": "connected_account",
    "billing.meter": "billing_meter",
    "billing.meter_event": "billing_meter_event",
    "balance_transaction": "balance",
    "invoice_payment": "invoice",
    "invoiceitem": "invoice_item",
    "line_item": "invoice",
    "price": "plan",
    "refund": "charge",
    "subscription_item": "subscription",
    "subscription_schedule": "subscription",
    "credit_note_line_item": "credit_note",
    "tax_id": "customer",
}


@dataclass(frozen=True)
class Caller:
    """`allowed` is None for a key that may do everything."""

    store: Store
    version: str
    key: str
    allowed: Mapping[str, str] | None

    @property
    def is_old(self) -> bool:
        return is_older(self.version)

    def require(self, kind: str, verb: str) -> None:
        """Refuse what the key is not made for: `verb` is "read" or "write"."""
        resource = RESOURCES.get(kind, kind)
        if self.allowed is None or self.allowed.get(resource) in {verb, "write"}:
            return
        message = (
            f"The provided key '{_masked(self.key)}' does not have the required permissions for "
            f"this endpoint on account '{self.store.account or ACCOUNT}'. Having the "
            f"'rak_{resource}_{verb}' permission would allow this request to continue."
        )
        raise StripeError(message, None, None, FORBIDDEN)

    def expansion(self, paths: Sequence[str] | None, kind: str, *, is_list: bool = False) -> Tree:
        """The tree of the paths asked for, all of which the key may read."""
        tree = expansion(paths or [], kind, is_list=is_list, is_old=self.is_old)
        for other in sorted(expanded_kinds(tree, kind, is_old=self.is_old)):
            self.require(other, "read")
        return tree

    def changes(self, kind: str, tree: Tree) -> bool:
        """Whether an object's answer is another than what is kept to be sent."""
        return bool(tree) or (self.is_old and kind in CHANGED)

    def sent(self, kind: str, document: Document, tree: Tree) -> Document:
        books = documents.DocumentBooks(self.store)
        sent = render(kind, document, tree, books)
        return older(sent, books, tree) if self.is_old and kind != "event" else sent


class Door:
    """Lets callers in; one per server."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._key = credentials(store)["stripe"]["api_key"]
        self._stores = {"": store, ACCOUNT: store}

    def caller(self, request: Request) -> Caller:
        key, allowed = self._key_of(request)
        version = self.version(request)
        if "stripe-version" in request.headers and version not in SERVED:
            raise StripeError(f"Invalid Stripe API version: {version}")
        return Caller(self._store_of(request, key), version, key, allowed)

    def version(self, request: Request) -> str:
        """The version that a request asks for, by default that of the account."""
        asked = request.headers.get("stripe-version")
        return _plain(asked) if asked else self._store.meta(DEFAULT_VERSION) or PINNED

    def _key_of(self, request: Request) -> tuple[str, Mapping[str, str] | None]:
        key = _key_in(request.headers.get("authorization", ""))
        if not key:
            message = (
                "You did not provide an API key. You need to provide your API key in the "
                "Authorization header, using Bearer auth (e.g. 'Authorization: Bearer "
                "YOUR_SECRET_KEY')."
            )
            raise StripeError(message, None, None, UNAUTHORIZED)
        if key == self._key:
            return key, None
        restricted = self._store.meta(RESTRICTED_KEYS, {})
        if key in restricted:
            return key, restricted[key]
        message = f"Invalid API Key provided: {_masked(key)}"
        raise StripeError(message, None, None, UNAUTHORIZED)

    def _store_of(self, request: Request, key: str) -> Store:
        account = request.headers.get("stripe-account", "")
        if account not in self._stores:
            if account not in self._store.meta(CONNECTED, []):
                message = (
                    f"The provided key '{_masked(key)}' does not have access to account "
                    f"'{_plain(account)}' (or that account does not exist). Application access "
                    "may have been revoked."
                )
                raise StripeError(message, "account_invalid", None, FORBIDDEN)
            self._stores[account] = Store(self._store.path, account)
        return self._stores[account]


def _key_in(authorization: str) -> str:
    """The key of Bearer authorization, or of Basic, where it is the user without a password."""
    scheme, _, credentials_ = authorization.partition(" ")
    if scheme.lower() != "basic":
        return credentials_ if scheme.lower() == "bearer" else ""
    try:
        return base64.b64decode(credentials_, validate=True).decode().partition(":")[0]
    except (binascii.Error, UnicodeDecodeError):
        return credentials_


def _masked(key: str) -> str:
    shown = 8 if len(key) > 12 else 0  # noqa: PLR2004
    return f"{_plain(key[:shown])}{'*' * 12}{_plain(key[-4:]) if shown else ''}"


def _plain(text: str) -> str:
    """What a header may show again."""
    return "".join(char for char in text if char.isascii() and (char.isalnum() or char in "._-"))
