"""Reads Stripe: pinned version, lists in parallel parts, changes from one scan of the events.

There is no filter on updates: what changed is told by events. One scan serves all objects of an
account, and its time is the watermark of them all.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

import httpx

from extractors.billing.stripe.account import Account, merged
from extractors.billing.stripe.books import SYSTEM, Books
from extractors.billing.stripe.config import StripeConfig
from extractors.billing.stripe.metered import Metered, since_of
from extractors.billing.stripe.objects import API_VERSION, BALANCE_TRANSACTION, OBJECTS, USAGE
from extractors.billing.stripe.ranges import Range
from extractors.billing.stripe.usage import LATE, Usage
from extractors.calls import Dialect, Explanation, decode_exact
from extractors.errors import (
    BookmarkExpired,
    Conflict,
    ContractBroken,
    RateLimited,
    SourceError,
    Transient,
)
from extractors.http import HttpDoor, HttpOptions
from extractors.protocol import Bookmark, ObjectSpec, Page, SourceTotals, Start
from extractors.side_by_side import side_by_side

__all__ = ["API_VERSION", "DEFAULT_OPTIONS", "SYSTEM", "StripeSource", "connect"]

# The vendor takes 100 calls a second of a live account and 25 of a sandbox, in parallel as its
# answers need it; a few are left to the company's own programs.
DEFAULT_OPTIONS = HttpOptions(concurrency=16, per_second=95)
SANDBOX_PER_SECOND = 24
OVERLAP = timedelta(seconds=600)


class StripeDoor(HttpDoor):
    """The door to the accounts of one key."""

    def __init__(self, config: StripeConfig, options: HttpOptions) -> None:
        headers = {"Authorization": f"Bearer {config.api_key}", "Stripe-Version": API_VERSION}
        dialect = Dialect(SYSTEM, explain, decode_exact, "request-id")
        super().__init__(config.base_url, dialect, options, headers=headers)
        of_organization = config.api_key.partition("_")[2].startswith("org_")
        self._names_account = "Stripe-Context" if of_organization else "Stripe-Account"
        self._accounts = config.accounts

    def books(self) -> dict[str | None, Books]:
        """Per account; None is the account of the key."""
        if not self._accounts:
            return {None: Books(self)}
        return {name: Books(self, {self._names_account: name}) for name in self._accounts}


def connect(config: StripeConfig, options: HttpOptions) -> StripeDoor:
    """The door; a key of a sandbox is paced as the vendor paces it."""
    is_sandbox_key = "_test_" in config.api_key
    if is_sandbox_key and options.per_second is not None:
        options = replace(options, per_second=min(options.per_second, SANDBOX_PER_SECOND))
    return StripeDoor(config, options)


def explain(status: int, body: Any, headers: httpx.Headers) -> Explanation:
    """What a refusal means.

    The vendor says by header whether to try again. It is not asked where a pause helps whatever
    it says (too many calls), or cannot help (the answer to an earlier attempt is repeated).
    """
    error = body.get("error") if isinstance(body, Mapping) else None
    if not isinstance(error, Mapping):
        error = {}
    code = error.get("code")
    told = headers.get("stripe-should-retry")
    kind: type[SourceError] | None = None
    worth_waiting = told != "false" and headers.get("idempotent-replayed") != "true"
    if status == httpx.codes.TOO_MANY_REQUESTS:
        kind = RateLimited
        worth_waiting = headers.get("stripe-rate-limited-reason") != "resource-specific"
    elif code == "lock_timeout":
        kind = RateLimited
    elif error.get("type") == "idempotency_error" and code != "idempotency_key_in_use":
        kind = Conflict
    elif status == httpx.codes.CONFLICT or (
        told == "true" and status < httpx.codes.INTERNAL_SERVER_ERROR
    ):
        # A key in use is a race, not a conflict.
        kind = Transient
    message = str(error.get("message") or "no explanation given")
    named = error.get("decline_code") or code or error.get("type")
    return Explanation(
        message,
        named,
        kind,
        worth_waiting=worth_waiting,
        endpoint_only=str(headers.get("stripe-rate-limited-reason")).startswith("endpoint-"),
    )


@dataclass(frozen=True)
class StripeSource:
    """The accounts as a `Source`.

    A bookmark is either `range`, what is left of a list, or `wanted`, records to be read again, or
    `usage`, a customer's days. It names its account, and since when the changes are known that go
    with it.
    """

    door: HttpDoor
    system: str = SYSTEM
    api_version: str = API_VERSION
    objects: Mapping[str, ObjectSpec] = field(default_factory=lambda: OBJECTS)
    _accounts: Mapping[str | None, "Account"] = field(init=False)

    def __post_init__(self) -> None:
        door = self.door
        books = door.books() if isinstance(door, StripeDoor) else {None: Books(door)}
        accounts = {name: Account(name, held) for name, held in books.items()}
        object.__setattr__(self, "_accounts", accounts)

    async def begin(
        self, spec: ObjectSpec, cursor_from: datetime | None, *, keys_only: bool = False
    ) -> Start:
        """Everything, or what events since the cursor tell, of every account."""
        if spec.name == USAGE.name:
            return await self._usage(cursor_from)
        since = None if cursor_from is None else int((cursor_from - OVERLAP).timestamp())
        accounts = self._accounts.values()
        scans = await side_by_side(account.changes(since) for account in accounts)
        if since is not None and all(scan.since <= since for scan in scans):
            pages = await side_by_side(account.changed(spec, since) for account in accounts)
            return Start("incremental", merged(pages))
        pages = await side_by_side(
            account.listed(spec, Range(), None, keys_only=keys_only) for account in accounts
        )
        return Start("full", merged(pages))

    async def proceed(self, spec: ObjectSpec, bookmark: Bookmark) -> Page:
        account = self._accounts.get(bookmark["account"])
        if account is None:
            raise BookmarkExpired(SYSTEM, f"account {bookmark['account']} is not read any more")
        if "usage" in bookmark:
            usage = Usage(account.id, account.books)
            return await usage.read(Metered.of(bookmark["usage"]))
        if "wanted" in bookmark:
            return await account.reread(spec, bookmark["wanted"], bookmark["span"])
        part = Range.of(bookmark["range"])
        return await account.listed(spec, part, bookmark["since"], keys_only=bookmark["keys_only"])

    async def _usage(self, cursor_from: datetime | None) -> Start:
        since = None if cursor_from is None else since_of(cursor_from, LATE)
        held = [Usage(account.id, account.books) for account in self._accounts.values()]
        pages = await side_by_side(usage.begun(since) for usage in held)
        return Start("incremental", merged(pages))

    async def totals(
        self,
        specs: Sequence[ObjectSpec],
        *,
        is_first_load: bool = False,  # noqa: ARG002
    ) -> Mapping[str, SourceTotals]:
        """What is in the accounts is what all balance transactions leave there together."""
        if BALANCE_TRANSACTION.name not in {spec.name for spec in specs}:
            return {}
        held: Counter[str] = Counter()
        for account in self._accounts.values():
            reply = await account.books.get("/v1/balance")
            for name in ("available", "pending"):
                amounts = reply.member(name)
                if not isinstance(amounts, list):
                    raise ContractBroken(
                        SYSTEM, f"{name!r} of the balance is not a list of amounts"
                    )
                for amount in amounts:
                    held[amount["currency"].upper()] += amount["amount"]
        return {BALANCE_TRANSACTION.name: SourceTotals(sum_minor=dict(held))}

    async def vendor_fields(self, spec: ObjectSpec) -> Mapping[str, str] | None:  # noqa: ARG002
        """The vendor does not describe its objects; the engine sees them on records."""
        return None
