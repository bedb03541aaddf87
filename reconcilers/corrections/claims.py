"""Who is working on a correction, and whether that worker still lives.

A claim is text: host, process, start of the process, and a token of the dispatch run. After a crash
the next run sees at once that the worker is gone; across machines a lease decides.
"""

import os
import secrets
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

LEASE = timedelta(minutes=10)  # longer than any call with all its retries

_LIVE_TOKENS: set[str] = set()


@contextmanager
def claimant() -> Iterator[str]:
    """The name under which one dispatch run claims; it counts as gone when the block ends."""
    token = secrets.token_hex(8)
    _LIVE_TOKENS.add(token)
    try:
        pid = os.getpid()
        yield f"{socket.gethostname()}|{pid}|{_started(pid)}|{token}"
    finally:
        _LIVE_TOKENS.discard(token)


def is_gone(claim: str, claimed_at: datetime, wall_clock: datetime | None = None) -> bool:
    """Whether nobody is behind a claim any more. `claimed_at` is wall-clock time."""
    host, pid, started, token = claim.split("|")
    if host != socket.gethostname():
        return (wall_clock or datetime.now(UTC)) - claimed_at > LEASE
    if int(pid) == os.getpid() and started == _started(os.getpid()):
        return token not in _LIVE_TOKENS
    return _started(int(pid)) != started


def _started(pid: int) -> str:
    """When a process of this machine began, in the kernel's own count; '' when there is none.

    Process numbers are used again; number and start together are not.
    """
    try:
        stat = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8")
    except FileNotFoundError:
        return "" if Path("/proc/self/stat").exists() else _started_without_proc(pid)
    return stat.rpartition(")")[2].split()[19]


def _started_without_proc(pid: int) -> str:
    """Where the kernel does not tell the start, being alive has to do."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return ""
    except PermissionError:
        return "alive"
    return "alive"
