"""Runs the three servers on loopback in one process."""

import asyncio
import json
import logging
import os
import signal
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, cast
from urllib.parse import urlsplit

import uvicorn
from filelock import FileLock
from starlette.types import ASGIApp
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from extractors.sandbox.bank_files import CLOCK, FOLDER
from extractors.sandbox.carriage import TRANSPORT
from extractors.sandbox.credentials import credentials
from extractors.sandbox.netsuite import NetSuiteServer
from extractors.sandbox.salesforce import SalesforceServer
from extractors.sandbox.schema import System
from extractors.sandbox.store import Store
from extractors.sandbox.stripe import StripeServer
from extractors.sandbox.wire import Wire

SYSTEMS: tuple[System, ...] = ("salesforce", "stripe", "netsuite")
LOOPBACK = "127.0.0.1"
STORE = "sandbox.db"
CONNECTIONS = "connections.json"
PID = "server.pid"
LOG = "server.log"
LOCK_SECONDS = 5


def create_apps(store: Store) -> dict[System, ASGIApp]:
    """One ASGI application per vendor, all on the same store."""
    apps: dict[System, ASGIApp] = {
        "salesforce": SalesforceServer(store).app(),
        "stripe": StripeServer(store).app(),
        "netsuite": NetSuiteServer(store).app(),
    }
    return {system: Wire(app, store, system) for system, app in apps.items()}


def connections(store: Store, ports: dict[System, int]) -> dict[str, dict[str, Any]]:
    """What clients need to reach each server; Salesforce and NetSuite have several doors."""
    secrets = credentials(store)
    urls = {system: f"http://{LOOPBACK}:{ports[system]}" for system in SYSTEMS}
    known: dict[str, dict[str, Any]] = {
        system: {"base_url": urls[system], **secrets[system]} for system in SYSTEMS
    }
    others: dict[str, System] = {
        "salesforce_jwt": "salesforce",
        "salesforce_refresh": "salesforce",
        "netsuite_tba": "netsuite",
    }
    return known | {
        name: {"base_url": urls[system], **secrets[name]} for name, system in others.items()
    }


def bank_connection(home: Path) -> dict[str, dict[str, Any]]:
    """Where the statements of the company's bank lie: no server, only files."""
    return {"bank": {"statements": str(home / FOLDER), "clock": str(home / CLOCK)}}


def serve(home: Path) -> None:
    """Serve the store in `home` until stopped by a signal; ports are chosen free.

    connections.json appears once the ports are taken; server.pid is gone when the servers are.
    """
    home.mkdir(parents=True, exist_ok=True)
    logging.basicConfig(
        filename=home / LOG,
        level=logging.INFO,
        format="%(asctime)s %(name)s %(levelname)s %(message)s",
    )
    with lock_of(home).acquire(timeout=LOCK_SECONDS):
        write_atomically(home / PID, str(os.getpid()))
        store = Store(home / STORE)
        sockets = _bind(home)
        ports = {system: bound.getsockname()[1] for system, bound in sockets.items()}
        known = connections(store, ports) | bank_connection(home)
        write_atomically(home / CONNECTIONS, json.dumps(known, indent=2))
        try:
            asyncio.run(_serve_all(create_apps(store), sockets))
        finally:
            store.close()
            (home / PID).unlink(missing_ok=True)


def lock_of(home: Path) -> FileLock:
    """Held by the process that serves `home` for as long as it lives."""
    return FileLock(home / "server.lock")


class _Server(uvicorn.Server):
    """One of several servers in a process: signals are handled for all of them together."""

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


class _Protocol(HttpToolsProtocol):
    """Hands the connection to the application, which plays its breaking."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        # asyncio does so only for sockets that were made with the protocol's number. Without it the
        # body waits for the acknowledgement of the headers: 40 ms an answer.
        connection = transport.get_extra_info("socket")
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def on_message_begin(self) -> None:
        super().on_message_begin()
        self.scope["extensions"] = {TRANSPORT: self.transport}  # type: ignore[dict-item]


def server_of(app: ASGIApp) -> uvicorn.Server:
    """A quiet server that leaves the Date header to the application."""
    config = uvicorn.Config(
        cast("Any", app),
        http=_Protocol,
        date_header=False,
        server_header=False,
        log_config=None,
        access_log=False,
        lifespan="off",
        timeout_graceful_shutdown=2,
        # Longer than clients pause between two looks at a job.
        timeout_keep_alive=75,
    )
    return _Server(config)


def write_atomically(path: Path, text: str) -> None:
    """Readers see the old file or the new one, never a part; only the owner may read it."""
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    draft.touch(mode=0o600)
    draft.write_text(text, encoding="utf-8")
    draft.replace(path)


async def _serve_all(apps: dict[System, ASGIApp], sockets: dict[System, socket.socket]) -> None:
    servers = {system: server_of(app) for system, app in apps.items()}

    def stop() -> None:
        for server in servers.values():
            server.should_exit = True

    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop)
    await asyncio.gather(
        *(server.serve(sockets=[sockets[system]]) for system, server in servers.items())
    )


def _bind(home: Path) -> dict[System, socket.socket]:
    """A port for each system: that of the last time where it is still free."""
    known = read_connections(home) or {}
    return {
        system: _listen(urlsplit(known.get(system, {}).get("base_url", "")).port or 0)
        for system in SYSTEMS
    }


def read_connections(home: Path) -> dict[str, dict[str, Any]] | None:
    path = home / CONNECTIONS
    return json.loads(path.read_text("utf-8")) if path.exists() else None


def _listen(port: int) -> socket.socket:
    bound = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        bound.bind((LOOPBACK, port))
    except OSError:
        bound.bind((LOOPBACK, 0))
    return bound
