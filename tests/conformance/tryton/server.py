"""A real Tryton on loopback: installed once into an environment of its own, its company made once.

`python -m tests.conformance.tryton.server` serves one to be tried by hand, until Ctrl-C.
"""

import hashlib
import os
import shutil
import signal
import socket
import sqlite3
import subprocess
import sys
import tempfile
import time
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest
from filelock import FileLock

HERE = Path(__file__).parent
HOME = HERE.parents[2] / ".venv-tryton"
PINS = HERE / "constraints.txt"
COMPANY = HERE / "company.py"
DATABASE = "erp"
LOGIN, PASSWORD = "tieout", "tieout-sandbox-password"
MODULES = (
    "account",
    "account_invoice",
    "account_payment",
    "account_payment_clearing",
    "sale",
    "sale_subscription",
)
START_SECONDS = 60


@dataclass(frozen=True)
class TrytonServer:
    """Where it is, and the file that it keeps everything in."""

    base_url: str
    file: Path

    def execute(self, statement, *values):
        """Do what no user of Tryton can, such as to move the past."""
        with closing(sqlite3.connect(self.file, timeout=30)) as con, con:
            return con.execute(statement, values).fetchall()


@contextmanager
def running(folder: Path):
    """Serve a copy of the company from `folder`."""
    _install()
    template = _company()
    shutil.copy(template, folder / f"{DATABASE}.sqlite")
    port = _free_port()
    settings = _settings(folder, f"listen = 127.0.0.1:{port}")
    command = [HOME / "bin" / "trytond", "-c", settings, "-d", DATABASE]
    with (folder / "server.log").open("wb") as log:
        process = subprocess.Popen(command, stdout=log, stderr=log, env=_environ(folder))
    try:
        base_url = f"http://127.0.0.1:{port}"
        _wait(base_url, process, folder / "server.log")
        yield TrytonServer(base_url, folder / f"{DATABASE}.sqlite")
    finally:
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(5)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _install():
    """The pinned packages; tests are skipped where they cannot be had, and only then."""
    stamp = HOME / ".installed"
    pins = PINS.read_text()
    with FileLock(HOME.with_suffix(".lock")):
        if stamp.exists() and stamp.read_text() == pins:
            return
        shutil.rmtree(HOME, ignore_errors=True)
        subprocess.run([sys.executable, "-m", "venv", HOME], check=True)
        pip = [HOME / "bin" / "python", "-m", "pip", "--disable-pip-version-check", "--quiet"]
        told = subprocess.run(
            [*pip, "install", "--no-deps", "-r", PINS], capture_output=True, text=True, check=False
        )
        if told.returncode:
            pytest.skip(f"Tryton cannot be installed here: {told.stderr.strip()[-300:]}")
        stamp.write_text(pins)


def _company():
    """The database with its company; made again when the pins or the script change."""
    key = hashlib.sha256(PINS.read_bytes() + COMPANY.read_bytes()).hexdigest()[:16]
    kept = HOME / f"company-{key}.sqlite"
    with FileLock(HOME.with_suffix(".lock")):
        if not kept.exists():
            folder = HOME / "making"
            shutil.rmtree(folder, ignore_errors=True)
            folder.mkdir()
            settings = _settings(folder)
            (folder / f"{DATABASE}.sqlite").touch()
            admin = ["trytond-admin", "-c", settings, "-d", DATABASE]
            _run(folder, *admin, "--all", "--email", "admin@example.com", "-l", "en")
            _run(folder, *admin, "-u", *MODULES, "--activate-dependencies")
            _run(folder, "python", COMPANY, settings, DATABASE, LOGIN, PASSWORD)
            (folder / f"{DATABASE}.sqlite").replace(kept)
            shutil.rmtree(folder)
    return kept


def _run(folder, program, *arguments):
    command = [HOME / "bin" / program, *arguments]
    done = subprocess.run(
        command, env=_environ(folder), capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr[-2000:]


def _settings(folder, *web):
    file = folder / "trytond.conf"
    lines = ["[database]", "uri = sqlite://", f"path = {folder}", "[web]", *web]
    file.write_text("\n".join(lines) + "\n")
    return file


def _environ(folder):
    password = folder / "admin-password"
    password.write_text(PASSWORD)
    inherited = {name: value for name, value in os.environ.items() if "TRYTON" not in name}
    return {**inherited, "TRYTONPASSFILE": str(password)}


def _free_port():
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        return bound.getsockname()[1]


def _wait(base_url, process, log):
    request = {"id": 0, "method": "common.server.version", "params": []}
    until = time.monotonic() + START_SECONDS
    with httpx.Client(trust_env=False) as client:
        while time.monotonic() < until:
            assert process.poll() is None, log.read_text()[-2000:]
            try:
                client.post(f"{base_url}/rpc/", json=request).raise_for_status()
            except httpx.TransportError:
                time.sleep(0.05)
            else:
                return
    raise AssertionError(f"no answer in {START_SECONDS} s: {log.read_text()[-2000:]}")


def main():
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    with tempfile.TemporaryDirectory() as folder, running(Path(folder)) as server:
        values = {"URL": server.base_url, "DATABASE": DATABASE, "USER": LOGIN, "PASSWORD": PASSWORD}
        sys.stdout.writelines(f"export TRYTON_{name}={value}\n" for name, value in values.items())
        sys.stdout.flush()
        with suppress(KeyboardInterrupt):
            signal.pause()


if __name__ == "__main__":
    main()
