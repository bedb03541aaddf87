"""A PostgreSQL server of our own, for the tests that need one."""

import os
import pwd
import shutil
import socket
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

USERS = ("postgres", "nobody")  # the server refuses to run as root


def binaries() -> Path | None:
    """Where initdb is: on the path, or where Debian keeps each version."""
    if found := shutil.which("initdb"):
        return Path(found).parent
    return max(Path("/usr/lib/postgresql").glob("*/bin"), default=None)


@contextmanager
def running(folder: Path) -> Iterator[str]:
    """The address of a fresh cluster in `folder`, which must be reachable for any user."""
    tools = binaries()
    assert tools is not None
    user = _user()
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    folder.mkdir(mode=0o700)
    if user is not None:
        shutil.chown(folder, user)
    data = folder / "data"
    _run(user, tools / "initdb", "-D", data, "-U", "tieout", "-A", "trust", "-E", "UTF8", "-N")
    options = f"-p {port} -k {folder} -c fsync=off -c listen_addresses=127.0.0.1"
    _run(user, tools / "pg_ctl", "-D", data, "-w", "-l", folder / "log", "-o", options, "start")
    try:
        yield f"postgresql+psycopg://tieout@127.0.0.1:{port}/postgres"
    finally:
        _run(user, tools / "pg_ctl", "-D", data, "-w", "-m", "immediate", "stop")


def _user() -> str | None:
    if os.geteuid() != 0:
        return None
    known = {entry.pw_name for entry in pwd.getpwall()}
    return next(name for name in USERS if name in known)


def _run(user: str | None, *command: object) -> None:
    words = [str(word) for word in command]
    done = subprocess.run(
        words, user=user, capture_output=True, text=True, check=False, cwd="/", env={"LC_ALL": "C"}
    )
    assert done.returncode == 0, f"{words[0]}: {done.stderr}{done.stdout}"
