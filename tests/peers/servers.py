"""Servers that others wrote, started on loopback for as long as a test needs them."""

import shutil
import socket
import subprocess
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

from filelock import FileLock

from tests.peers.environments import (
    HOME,
    INSTALL_SECONDS,
    PROGRAMS,
    PeerMissingError,
    interpreter,
)

STATEFUL_MOCK, STATEFUL_MOCK_VERSION = "stripe-stateful-mock", "0.0.16"
START_SECONDS = 30
# Their clock is ours: what is read now is read in the night after this day.
DAY = datetime.now(UTC).date() - timedelta(days=1)
_LISTEN = "require(process.argv[1]).createExpressApp().listen(process.argv[2], '127.0.0.1')"


@contextmanager
def localstripe() -> Iterator[str]:
    """The address of a localstripe (Python) with empty books."""
    port = free_port()
    command = [interpreter("clients"), PROGRAMS / "localstripe_server.py", str(port)]
    with serving(command, port) as url:
        yield url


@contextmanager
def stateful_mock() -> Iterator[str]:
    """The address of a stripe-stateful-mock (Node.js) with empty books."""
    port = free_port()
    package = _node_package(STATEFUL_MOCK, STATEFUL_MOCK_VERSION)
    with serving(["node", "-e", _LISTEN, package, str(port)], port) as url:
        yield url


@contextmanager
def serving(
    command: Sequence[str | Path], port: int, seconds: float = START_SECONDS
) -> Iterator[str]:
    """The address of a server that listens within so many seconds; killed at the end."""
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    process = subprocess.Popen(command, **quiet)
    try:
        _wait_for(port, process, seconds)
        yield f"http://127.0.0.1:{port}"
    finally:
        process.kill()  # some wait for their sessions when they are asked to end
        process.wait()


def _wait_for(port: int, process: subprocess.Popen[bytes], seconds: float) -> None:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if process.poll() is not None:
            raise PeerMissingError(f"{process.args} ended with {process.returncode}")
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
        except OSError:
            time.sleep(0.05)
        else:
            return
    raise PeerMissingError(f"{process.args} does not listen on {port}")


def free_port() -> int:
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        return bound.getsockname()[1]


def _node_package(name: str, version: str) -> Path:
    """The folder of an npm package, which is installed if it is not there."""
    if not shutil.which("npm") or not shutil.which("node"):
        raise PeerMissingError(f"{name} needs node and npm")
    home = HOME / "node"
    folder = home / "node_modules" / name
    home.mkdir(parents=True, exist_ok=True)
    with FileLock(HOME / "node.lock"):
        if not folder.exists():
            _npm_install(home, f"{name}@{version}")
    return folder


def _npm_install(home: Path, package: str) -> None:
    command = ["npm", "install", "--no-audit", "--no-fund", "--ignore-scripts", "--prefix", home]
    try:
        subprocess.run(
            [*command, package], check=True, capture_output=True, text=True, timeout=INSTALL_SECONDS
        )
    except (subprocess.CalledProcessError, subprocess.TimeoutExpired) as error:
        raise PeerMissingError(f"npm cannot install {package}: {error}") from error
