"""Who races over the sandbox's servers: Tieout's extraction, and the clients of others.

Each racer is a process of its own and tells its own seconds, from its first call to its last row:
what it takes to start an interpreter is no one's merit.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from extractors.sandbox.schema import System
from tests.peers import tasks
from tests.peers.company import Company
from tests.peers.environments import run as run_peer
from tests.peers.environments import run_tieout
from tests.peers.tasks import RowSets, under_our_names

LONGEST_SECONDS = 1800


@dataclass(frozen=True)
class Finish:
    """What a racer read, by object of ours, and how long it took."""

    seconds: float
    objects: RowSets

    @property
    def rows(self) -> int:
        return sum(each["rows"] for each in self.objects.values())


Run = Callable[[Company, Path], Finish]


@dataclass(frozen=True)
class Racer:
    """A way to read a system; it gets the company and an empty folder.

    `is_tuned`: it reads as somebody would who has looked for the setting, not as it comes.
    """

    name: str
    system: System
    run: Run
    is_tuned: bool = False


def racers(system: System, options: Mapping[str, Any]) -> list[Racer]:
    """Who reads this system; ours comes first."""
    clients = {
        "stripe": [("stripe, auto-paging", "auto_paging")],
        "salesforce": [
            ("simple-salesforce, REST", "query_all"),
            ("simple-salesforce, Bulk 2.0", "bulk_all"),
        ],
        "netsuite": [("netsuite", "suiteql")],
    }
    entered = [Racer("Tieout", system, _tieout(system, options))]
    entered += [Racer(name, system, _client(system, scene)) for name, scene in clients[system]]
    if system != "netsuite":
        threads = _dlt(system, into_duckdb=False, in_threads=True)
        entered += [
            Racer("dlt, reading only", system, _dlt(system, into_duckdb=False)),
            Racer("dlt, in threads", system, threads, is_tuned=True),
            Racer("dlt, into DuckDB", system, _dlt(system, into_duckdb=True)),
            Racer(f"tap-{system}", system, _tap(system)),
        ]
    return entered


def _tieout(system: System, options: Mapping[str, Any]) -> Run:
    """Our whole extraction: contracts, chunks, totals and the published day included."""

    def race(company: Company, folder: Path) -> Finish:
        task = company.extraction(folder, system, options={system: dict(options)})
        answer = run_tieout(task, seconds=LONGEST_SECONDS)["systems"][system]
        landed = company.landed(system, folder)
        return Finish(answer["seconds"], landed)

    return race


def _client(system: System, scene: str) -> Run:
    def race(company: Company, _: Path) -> Finish:
        task = tasks.scenes(system, company.secrets(system), scene)
        played = run_peer("clients", f"{system}_client", task, seconds=LONGEST_SECONDS)[scene]
        if "failed" in played:
            raise RuntimeError(f"{system}_client: {played['failed']}")
        return Finish(played["seconds"], under_our_names(system, played["value"]))

    return race


def _dlt(system: System, *, into_duckdb: bool, in_threads: bool = False) -> Run:
    def race(company: Company, folder: Path) -> Finish:
        task = tasks.dlt(system, company.secrets(system), folder, into_duckdb=into_duckdb)
        task |= {"in_threads": in_threads}
        answer = run_peer("clients", "dlt_source", task, seconds=LONGEST_SECONDS)
        return Finish(answer["seconds"], under_our_names(system, answer["objects"]))

    return race


def _tap(system: System) -> Run:
    def race(company: Company, _: Path) -> Finish:
        if system == "stripe":
            task = tasks.tap_stripe(company.secrets(system))
        else:
            task = tasks.tap_salesforce(company.refresh_token())
        answer = run_peer(f"tap-{system}", "singer_tap", task, seconds=LONGEST_SECONDS)
        return Finish(answer["seconds"], under_our_names(system, answer["objects"]))

    return race
