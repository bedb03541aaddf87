"""One target in one dispatch run: how often what was tried, and whether to go on with it."""

import asyncio
from collections import Counter, defaultdict
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field

from extractors.errors import Rejected, SourceError, Transient, Unauthorized, UnknownOutcome
from extractors.protocol import Target
from reconcilers.corrections.applications import applied
from reconcilers.corrections.delivery import Order
from reconcilers.corrections.document import WHILE


@dataclass(frozen=True)
class DispatchLimits:
    """How hard dispatch tries. `writes` bounds calls per correction over all runs.

    A target is given up on for the run after so many `failures_in_a_row` of its own, or so many
    refusals of ours.
    """

    concurrency: int = 32
    tries_per_run: int = 4
    writes: int = 6
    failures_in_a_row: int = 3
    rejections_in_a_row: int = 10


@dataclass
class Lane:
    """How often each correction was tried; `stopped` says why nothing more is begun.

    `records` let the corrections of one record pass one after the other, and those that hang on
    one: vendors refuse a write over another one that the look before it did not see. What failed
    with one request is one failure, however many corrections were in it.
    """

    target: Target
    limits: DispatchLimits
    tries: Counter[str] = field(default_factory=Counter)
    outcomes: Counter[str] = field(default_factory=Counter)
    failures: int = 0
    failed: SourceError | None = None
    rejections: int = 0
    stopped: str | None = None
    records: defaultdict[tuple[str, ...], asyncio.Lock] = field(
        default_factory=lambda: defaultdict(asyncio.Lock)
    )

    @asynccontextmanager
    async def alone_with(self, order: Order) -> AsyncIterator[None]:
        """While no other correction works on its record, or on one that it depends on."""
        conditions = order.after.get(WHILE, [])
        others = {(each["object"], *each["equals"].values()) for each in conditions}
        settled = applied(order.after.get("apply", {}).get("items")) or {}
        others |= {("transaction", key) for key in settled}
        async with AsyncExitStack() as stack:
            for record in sorted({(order.object, order.record_id), *others}):
                await stack.enter_async_context(self.records[record])
            yield

    def may_try(self, correction_id: str) -> bool:
        return self.tries[correction_id] < self.limits.tries_per_run

    def note_success(self) -> None:
        self.failures = self.rejections = 0

    def note_failure(self, error: SourceError) -> None:
        """Stop a target that refuses us, or that does not get well."""
        if isinstance(error, Unauthorized):
            self.stopped = f"unauthorized: {self._words(error)}"
        elif isinstance(error, Rejected):
            self.rejections += 1
            if self.rejections >= self.limits.rejections_in_a_row:
                self.stopped = f"{self.rejections} refusals in a row, the last: {error.message}"
        elif isinstance(error, Transient | UnknownOutcome):
            self.failures += error.whole is None or error.whole is not self.failed
            self.failed = error.whole
            if self.failures >= self.limits.failures_in_a_row:
                self.stopped = f"{self.failures} failures in a row, the last: {self._words(error)}"

    def _words(self, error: SourceError) -> str:
        """The error's words, with the system where it is not the lane's own."""
        return error.message if error.system == self.target.system else str(error)
