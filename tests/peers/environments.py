"""Virtual environments of the peers: software that others wrote, kept away from our own.

Each file in `pins/` is an environment, made by pip on first use and again when its pins change.
Several, because the peers contradict each other: one tap wants a client three years older than the
one that we test.
"""

import hashlib
import json
import os
import signal
import subprocess
import sys
import venv
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from filelock import FileLock

ROOT = Path(__file__).resolve().parents[2]
HOME = ROOT / ".venv-peers"
PINS = Path(__file__).parent / "pins"
PROGRAMS = Path(__file__).parent / "programs"
INSTALL_SECONDS = 600
LAST_WORDS = 3000


class PeerMissingError(RuntimeError):
    """A peer cannot be installed here; nothing is known of how it fares."""


class PeerFailedError(AssertionError):
    """A peer's program ended with an error of its own."""


def interpreter(name: str) -> Path:
    """The Python of an environment, which is made if it is not there or not the one pinned."""
    folder = HOME / name
    python = folder / "bin" / "python"
    pins = PINS / f"{name}.txt"
    wanted = hashlib.sha256(pins.read_bytes() + sys.version.encode()).hexdigest()
    stamp = folder / ".installed"
    HOME.mkdir(exist_ok=True)
    with FileLock(HOME / f"{name}.lock"):
        if stamp.exists() and stamp.read_text("utf-8") == wanted:
            return python
        venv.create(folder, clear=True, with_pip=True)
        _install(python, pins)
        stamp.write_text(wanted, "utf-8")
    return python


def _install(python: Path, pins: Path) -> None:
    command = [python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    try:
        subprocess.run(
            [*command, "--no-deps", "-r", pins],
            check=True,
            capture_output=True,
            text=True,
            timeout=INSTALL_SECONDS,
        )
    except subprocess.CalledProcessError as error:
        raise PeerMissingError(f"pip cannot install {pins.name}: {_end(error.stderr)}") from error
    except subprocess.TimeoutExpired as error:
        raise PeerMissingError(f"pip did not install {pins.name} in {error.timeout} s") from error


def run(environment: str, program: str, task: dict[str, Any], *, seconds: float = 300) -> Any:
    """What a program of `programs/` answers to a task: JSON in, JSON out."""
    return _answer([interpreter(environment), PROGRAMS / f"{program}.py"], task, seconds)


def run_tieout(task: dict[str, Any], *, seconds: float = 300) -> Any:
    """What our own extraction answers, as a program like the others; None where it was killed."""
    return _answer([sys.executable, "-m", "tests.peers.programs.tieout"], task, seconds)


def _answer(command: Sequence[str | Path], task: dict[str, Any], seconds: float) -> Any:
    done = subprocess.run(
        command,
        cwd=ROOT,
        env=_surroundings(),
        input=json.dumps(task),
        check=False,
        capture_output=True,
        text=True,
        timeout=seconds,
    )
    if done.returncode == -signal.SIGKILL:
        return None
    if done.returncode:
        raise PeerFailedError(f"{command[-1]} ended with {done.returncode}:\n{_end(done.stderr)}")
    return json.loads(done.stdout.splitlines()[-1])


def _surroundings() -> dict[str, str]:
    """No proxy, no certificates and no settings of this machine; nothing is reported home."""
    kept = {
        name: os.environ[name] for name in ("PATH", "HOME", "LANG", "TMPDIR") if name in os.environ
    }
    return kept | {
        "NO_PROXY": "127.0.0.1,localhost",
        "PYTHONUNBUFFERED": "1",
        "RUNTIME__DLTHUB_TELEMETRY": "false",
    }


def _end(text: str) -> str:
    return text.strip()[-LAST_WORDS:]
