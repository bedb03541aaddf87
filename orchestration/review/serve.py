"""Serves the review: where it listens, whom it lets in, and how it tells."""

import ipaddress
import socket
from collections.abc import Sequence
from urllib.parse import urlsplit

import uvicorn
from starlette.types import ASGIApp

from orchestration.review.access import Door
from orchestration.review.app import create_app
from orchestration.settings import Settings, SettingsError
from orchestration.stores import opened_state

LOOPBACK = ("127.0.0.1", "localhost", "[::1]")
PORT = 8765
DEFAULT_PORT = 80


def serve(
    settings: Settings, *, host: str, port: int, url: str | None, people: Sequence[str]
) -> None:
    """Listen until interrupted; first print a link for each person.

    Raises:
        SettingsError: the address is not of this machine alone, and it is not said as what people
            reach it; or the port is taken.

    """
    origins = origins_of(host, port, url)
    door = Door()
    with opened_state(settings) as state, _listening(host, port) as listener:
        app = create_app(settings, state, door, origins)
        for actor, token in door.tokens_for(people or [settings.actor]).items():
            print(f"{actor}: {origins[0]}/login?token={token}", flush=True)  # noqa: T201
        server_of(app).run(sockets=[listener])


def server_of(app: ASGIApp, port: int = PORT) -> uvicorn.Server:
    """Without a log of requests: the address of the first one holds a token."""
    config = uvicorn.Config(
        app, port=port, access_log=False, log_level="warning", server_header=False, ws="none"
    )
    return uvicorn.Server(config)


def origins_of(host: str, port: int, url: str | None) -> list[str]:
    """As what people may reach it: the address that is told, or this machine's own.

    Raises SettingsError.
    """
    if url is not None:
        parts = urlsplit(url)
        if parts.scheme != "https" or not parts.hostname or parts.path.strip("/"):
            raise SettingsError(f"--url is {url!r}; write it as https://tieout.example.com")
        return [f"https://{parts.netloc}"]
    if not _is_loopback(host):
        raise SettingsError(
            f"--host {host} is open to other machines. Say by --url https://... as what they reach "
            "it, through a proxy that ends TLS; or leave --host out."
        )
    said = "" if port == DEFAULT_PORT else f":{port}"  # browsers leave the default out, too
    return [f"http://{name}{said}" for name in LOOPBACK]


def _is_loopback(host: str) -> bool:
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _listening(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((host, port))
    except OSError as error:
        listener.close()
        raise SettingsError(
            f"{host}:{port} cannot be listened on ({error.strerror}); take another --port"
        ) from error
    return listener
