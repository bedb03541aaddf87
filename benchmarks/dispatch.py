"""How near dispatch comes to what the vendors' limits allow: 1,000 corrections, 50 ms an answer.

Run by `make bench-dispatch`. The servers are a process of their own and refuse what is over their
limits; a third of the corrections goes to each of three systems, each a look and a write. No other
program calls them, so all that a limit allows is asked for: the slowest target alone needs its
writes over writes a second, or the seconds that its server spends on all calls, the latency and its
own work, over how many it takes at a time. Told are the share of the whole run, and that of the
time in which the slowest target was called: logging in is governed by no limit.
"""

import argparse
import asyncio
import gc
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import AsyncExitStack, contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from extractors.billing.stripe.config import StripeConfig
from extractors.crm.salesforce.config import SalesforceConfig
from extractors.erp.netsuite.config import NetSuiteConfig
from extractors.http import HttpOptions
from extractors.protocol import Target
from extractors.registry import CONNECTORS, open_target
from extractors.sandbox import control, reference
from extractors.sandbox.ids import salesforce_id
from extractors.sandbox.limits import VENDORS, set_limits, vendor_limits
from extractors.sandbox.schema import System
from extractors.sandbox.servers import STORE, read_connections
from extractors.sandbox.store import Store
from reconcilers.corrections.approval import approve
from reconcilers.corrections.budget import Budget, Budgets
from reconcilers.corrections.dispatch import DispatchSummary, dispatch
from reconcilers.state.store import State, open_state
from reconcilers.state.views import list_corrections
from tests.correction_samples import plan_into
from tests.drift_samples import drift, drift_row
from tests.plan_facts import context, held_field

LATENCY_MS = 50
NOW = datetime(2026, 7, 1, 2, tzinfo=UTC)
LONG_AGO = datetime(2026, 1, 10, 8, tzinfo=UTC)
ATTRIBUTES = {
    "salesforce": "erp_customer_ref",
    "stripe": "crm_account_ref",
    "netsuite": "crm_account_ref",
}
UNBOUNDED = Budget(10**9, 10**18, 10**9)
CONFIGS: Mapping[System, Any] = {
    "salesforce": SalesforceConfig,
    "stripe": StripeConfig,
    "netsuite": NetSuiteConfig,
}


@dataclass(frozen=True)
class Need:
    """The seconds that a target needs at its limits, and those from its first call to its last."""

    seconds: float
    governed_seconds: float


@dataclass(frozen=True)
class Timing:
    """Seconds, and those of the slowest target; calls `refused` were over a limit."""

    seconds: float
    cpu_seconds: float
    slowest: Need
    refused: int
    summary: DispatchSummary

    @property
    def share(self) -> float:
        return self.slowest.seconds / self.seconds

    @property
    def share_while_called(self) -> float:
        return self.slowest.seconds / self.slowest.governed_seconds


def record_id(system: str, number: int) -> str:
    if system == "salesforce":
        return salesforce_id("Account", number + 1)
    return f"cus_{number}" if system == "stripe" else str(1000 + number)


def fill(store: Store, each: int) -> None:
    """So many records in each system."""
    store.set_clock(NOW)
    for table, rows in reference.netsuite_rows("2026-01-01 00:00:00").items():
        store.put_many("netsuite", table, rows)
    stamps: dict[str, Any] = {"datecreated": LONG_AGO, "lastmodifieddate": LONG_AGO}
    customer = {"companyname": "Acme", "subsidiary": "2", "currency": "2", "isinactive": "F"}
    keys = [record_id("netsuite", n) for n in range(each)]
    store.put_many("netsuite", "customer", [{"id": key, **customer, **stamps} for key in keys])
    stamps = dict.fromkeys(("CreatedDate", "LastModifiedDate", "SystemModstamp"), LONG_AGO)
    account = {"Name": "Acme", "Type": "Customer", "IsDeleted": False, **stamps}
    keys = [record_id("salesforce", n) for n in range(each)]
    store.put_many("salesforce", "Account", [{"Id": key, **account} for key in keys])
    customer = {"name": "Acme", "metadata": {}, "created": int(LONG_AGO.timestamp())}
    keys = [record_id("stripe", n) for n in range(each)]
    store.put_many("stripe", "customer", [{"id": key, **customer} for key in keys])
    set_limits(store, vendor_limits(LATENCY_MS))


def fill_outbox(state: State, each: int) -> None:
    """As many approved corrections for each system."""
    links = [(system, record_id(system, n)) for system in ATTRIBUTES for n in range(each)]
    rows = [_wrong_link(n, *link) for n, link in enumerate(links)]
    facts = [held_field(link, "customer", ATTRIBUTES[link[0]]) for link in links]
    found = drift(*rows)
    plan_into(state, found, context(held_fields=facts), NOW)
    waiting = list_corrections(state, states=("proposed", "held"))
    approve(state, [view.correction_id for view in waiting], "ann", "a measurement", NOW)


def _wrong_link(number: int, system: str, record: str) -> dict[str, Any]:
    attribute = ATTRIBUTES[system]
    return drift_row(
        f"{number}",
        "CUS-LINK-01",
        comparison="cmp_customer_link__copy_vs_crosswalk",
        row_key=f"{system}:{record}:{attribute}",
        attribute=attribute,
        replica_system=system,
        replica_id=record,
        expected=f"new_{record}",
        observed=None,
        cause="empty",
    )


def slowest_of(each: int, told: Mapping[str, dict[str, Any]]) -> Need:
    """What the slowest of the targets needs at its limits, as the servers tell of their calls."""
    found = []
    for system, limits in VENDORS.items():
        governed, spent = told[system]["governed_seconds"], told[system]["service_seconds"]
        if limits.concurrency is not None:
            found.append(Need(spent / limits.concurrency, governed))
        if limits.writes_per_second is not None:
            found.append(Need(each / limits.writes_per_second, governed))
    return max(found, key=lambda need: need.seconds)


def all_of(system: System) -> HttpOptions:
    """The connector's own options, but nothing of what would end it sooner is left to others."""
    limits, usual = VENDORS[system], CONNECTORS[system].options
    if system == "netsuite":
        return replace(usual, concurrency=limits.concurrency or usual.concurrency)
    return replace(usual, per_second=limits.writes_per_second)


@contextmanager
def serving(home: Path) -> Iterator[Mapping[str, dict[str, Any]]]:
    """The servers of a folder, in a process of their own."""
    command = [sys.executable, "-m", "extractors.sandbox", "serve", "--home", str(home)]
    process = subprocess.Popen(command)  # noqa: S603  # our own words
    try:
        while (known := read_connections(home)) is None:
            if process.poll() is not None:
                raise SystemExit("the sandbox did not start")
            time.sleep(0.05)
        yield known
    finally:
        process.terminate()
        process.wait()


async def send(state: State, known: Mapping[str, dict[str, Any]]) -> DispatchSummary:
    async with AsyncExitStack() as stack:
        targets: dict[str, Target] = {
            system: await stack.enter_async_context(
                open_target(config(**known[system]), all_of(system))
            )
            for system, config in CONFIGS.items()
        }
        budgets = Budgets(UNBOUNDED, UNBOUNDED)
        return await dispatch(state, targets, lambda: NOW, budgets=budgets)


def measure(each: int) -> Timing:
    with tempfile.TemporaryDirectory(prefix="dispatch-") as made:
        home = Path(made)
        store = Store(home / STORE)
        fill(store, each)
        store.close()
        state = open_state(str(home / "state.db"))
        fill_outbox(state, each)
        with serving(home) as known:
            time.sleep(0.5)
            gc.freeze()  # what was loaded to make the data is no part of a dispatch
            started, cpu = time.perf_counter(), time.process_time()
            summary = asyncio.run(send(state, known))
            took, used = time.perf_counter() - started, time.process_time() - cpu
            told = control.stats(home)
        state.close()
    refused = sum(sum(one["refused_by_limit"].values()) for one in told.values())
    return Timing(took, used, slowest_of(each, told), refused, summary)


def main() -> None:
    parser = argparse.ArgumentParser(prog="benchmarks.dispatch", description=__doc__)
    parser.add_argument("--corrections", type=int, default=1000)
    each = -(-parser.parse_args().corrections // len(ATTRIBUTES))
    timing = measure(each)
    slowest, summary = timing.slowest, timing.summary
    print(
        f"{each * len(ATTRIBUTES)} corrections over {len(ATTRIBUTES)} targets at {LATENCY_MS} ms: "
        f"{timing.seconds:.1f} s ({timing.cpu_seconds:.1f} s of CPU); the limits alone take "
        f"{slowest.seconds:.1f} s: {timing.share:.0%}, or {timing.share_while_called:.0%} of the "
        f"{slowest.governed_seconds:.1f} s in which the slowest target was called. "
        f"{timing.refused} calls refused; {dict(summary.outcomes)} {dict(summary.stopped)}"
    )


if __name__ == "__main__":
    main()
