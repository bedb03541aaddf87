"""Starts, stops and steers the sandbox of a folder.

Steering works on the store itself, which the servers read: what is done here shows at once.
"""

import json
import logging
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit
from urllib.request import ProxyHandler, Request, build_opener

from filelock import Timeout

from extractors.sandbox import bank, drift, faults, limits
from extractors.sandbox.bank_files import write_statements
from extractors.sandbox.limits import Limits
from extractors.sandbox.schema import TABLES, System
from extractors.sandbox.servers import LOG, PID, STORE, SYSTEMS, lock_of, read_connections
from extractors.sandbox.store import Store
from extractors.sandbox.wire import SIDE_DOOR
from extractors.sandbox.world import advance_world, build_world

START_SECONDS = 60
STOP_SECONDS = 10
_BUILT = "built"

log = logging.getLogger(__name__)

Connections = dict[str, dict[str, Any]]


class SandboxError(RuntimeError):
    """The sandbox cannot be used as asked; the message says what to do."""


@dataclass(frozen=True)
class Status:
    """Whether the servers run, the clock (UTC), and live records per 'system.object'."""

    running: bool
    now: datetime
    counts: dict[str, int]


def up(
    home: Path,
    seed: int = 7,
    customers: int = 300,
    months: int = 18,
    end: date | None = None,
) -> Connections:
    """Build the company unless `home` holds one, serve it, and wait until it answers."""
    home.mkdir(parents=True, exist_ok=True)
    if is_running(home):
        log.info("the sandbox of %s is already up", home)
    else:
        _build(home, seed, customers, months, end)
        process = _spawn(home)
        _wait_until_answering(home, process)
    known = read_connections(home)
    assert known is not None
    return known


def down(home: Path) -> None:
    """Stop serving; the company stays on disk. Nothing happens where nothing is served."""
    if not is_running(home):
        return
    pid = int((home / PID).read_text("utf-8"))
    for number in (signal.SIGTERM, signal.SIGKILL):
        os.kill(pid, number)
        try:
            with lock_of(home).acquire(timeout=STOP_SECONDS):
                (home / PID).unlink(missing_ok=True)
                return
        except Timeout:
            log.warning("the sandbox of %s does not stop on %s", home, number.name)
    raise SandboxError(f"process {pid} serves {home} and cannot be stopped")


def is_there(home: Path) -> bool:
    """Whether the folder holds a company."""
    return (home / STORE).exists()


def is_running(home: Path) -> bool:
    if not home.exists():
        return False
    try:
        with lock_of(home).acquire(timeout=0):
            return False
    except Timeout:
        return True


def status(home: Path) -> Status:
    with _opened(home) as store:
        sql = "SELECT object, COUNT(*) FROM stripe WHERE deleted = 0 GROUP BY object"
        counts = {f"stripe.{kind}": count for kind, count in store.query(sql)}
        for table in TABLES.values():
            live = 'WHERE "IsDeleted" IS NOT 1' if "IsDeleted" in table.columns else ""
            count = store.query(f"SELECT COUNT(*) FROM {table.sql_name} {live}")[0][0]
            counts[f"{table.system}.{table.name}"] = count
        return Status(is_running(home), store.now(), dict(sorted(counts.items())))


def advance(home: Path, days: int = 1) -> datetime:
    """Let the company live on; returns the clock."""
    with _opened(home) as store:
        with store.transaction():
            advance_world(store, days)
        write_statements(store, home)
        return store.now()


def plant(home: Path, code: str, count: int, seed: int = 1) -> list[Any]:
    """Plant drift of one code; returns its truth rows. Nothing is planted where not all can be."""
    with _opened(home) as store:
        with store.transaction():
            before = store.meta(bank.FAULTS)
            rows = list(drift.plant(store, code, count, seed))
        if store.meta(bank.FAULTS) != before:
            write_statements(store, home)
        return rows


def truth(home: Path) -> list[dict[str, Any]]:
    """Every drift that was planted, and what follows from it."""
    with _opened(home) as store:
        return drift.truth(store)


def fail_requests(home: Path, chosen: list[dict[str, Any]]) -> None:
    """Set the wire faults that the next requests meet (see faults.py)."""
    with _opened(home) as store:
        store.set_meta(faults.REQUESTS, chosen or None)


def set_faults(
    home: Path, profile: str, systems: Sequence[System] = SYSTEMS, seed: int = 1
) -> None:
    """Let the wire of these systems misbehave (see faults.py): "resets+latency", "chaos", "off"."""
    with _opened(home) as store:
        faults.set_profile(store, profile, systems, seed)


def set_limits(home: Path, chosen: Mapping[System, Limits | None]) -> None:
    """Limit these systems (see limits.py); None takes a system's limits away."""
    with _opened(home) as store:
        limits.set_limits(store, chosen)


def stats(home: Path, *, reset: bool = False) -> dict[str, dict[str, Any]]:
    """What each running server was asked (see meter.py); with `reset` they count anew."""
    known = read_connections(home)
    if known is None or not is_running(home):
        raise SandboxError(f"nothing is served in {home}; start it with `tieout sandbox up`")
    return {system: _stats_of(known[system]["base_url"], reset=reset) for system in SYSTEMS}


def _stats_of(base_url: str, *, reset: bool) -> dict[str, Any]:
    path = "/stats/reset" if reset else "/stats"
    request = Request(base_url + SIDE_DOOR + path, method="POST" if reset else "GET")  # noqa: S310
    # Loopback is asked directly, whatever proxy the environment names.
    with build_opener(ProxyHandler({})).open(request, timeout=START_SECONDS) as answer:
        return json.load(answer)


@contextmanager
def _opened(home: Path) -> Iterator[Store]:
    if not is_there(home):
        raise SandboxError(f"{home} holds no sandbox; start one with `tieout sandbox up`")
    store = Store(home / STORE)
    try:
        yield store
    finally:
        store.close()


def _build(home: Path, seed: int, customers: int, months: int, end: date | None) -> None:
    """The whole company in one transaction: a build that is interrupted leaves nothing."""
    store = Store(home / STORE)
    try:
        with store.transaction():
            if store.meta(_BUILT) is None:
                until = {} if end is None else {"end": end}
                build_world(store, seed, customers, months, **until)
                store.set_meta(_BUILT, {"seed": seed, "customers": customers, "months": months})
        write_statements(store, home)
    finally:
        store.close()


def _spawn(home: Path) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-m", "extractors.sandbox", "serve", "--home", str(home)]
    with (home / LOG).open("ab") as output:
        return subprocess.Popen(  # noqa: S603
            command,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            start_new_session=True,
        )


def _wait_until_answering(home: Path, process: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline:
        if process.poll() is not None:
            tail = (home / LOG).read_text("utf-8")[-2000:]
            raise SandboxError(f"the sandbox of {home} did not start:\n{tail}")
        pid = (home / PID).read_text("utf-8") if (home / PID).exists() else ""
        if pid == str(process.pid) and answers(home):
            return
        time.sleep(0.05)
    process.terminate()
    raise SandboxError(f"the sandbox of {home} did not answer within {START_SECONDS} s")


def answers(home: Path) -> bool:
    """Whether all three servers take connections."""
    known = read_connections(home)
    return known is not None and all(_listens(known[system]["base_url"]) for system in SYSTEMS)


def _listens(url: str) -> bool:
    address = urlsplit(url)
    try:
        socket.create_connection((address.hostname or "", address.port or 0), timeout=1).close()
    except OSError:
        return False
    return True
