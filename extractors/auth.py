"""How calls are authorised: by a token that is fetched and renewed, or by a signature each."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

import httpx

from extractors.errors import Unauthorized

if TYPE_CHECKING:
    from extractors.http import HttpDoor

# A token is renewed this long before it expires, but not in more than this share of its life.
RENEWAL_SECONDS = 60.0
RENEWAL_SHARE = 0.1


class Auth(Protocol):
    """What makes a request one of ours."""

    async def headers(
        self, door: "HttpDoor", request: httpx.Request, refused: Mapping[str, str] | None
    ) -> Mapping[str, str]:
        """The headers that authorise this request; it is sent as it is seen here.

        `refused` are those that were just answered by 401; who has no better ones gives the same
        again, and the call fails.
        """

    async def log_in(self, door: "HttpDoor") -> None:
        """Begin a session before a call needs it, where there are sessions."""


@dataclass(frozen=True)
class Grant:
    """A token that says how many seconds it is good for."""

    token: str = field(repr=False)
    expires_in: float | None = None


class Token:
    """A token that is fetched once for all who wait for it, and again when refused or old.

    Credentials that were refused are not tried again: vendors lock out who insists.
    """

    def __init__(
        self,
        fetch: Callable[["HttpDoor"], Awaitable[str | Grant]],
        *,
        scheme: str = "Bearer",
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._fetch = fetch
        self._scheme = scheme
        self._clock = clock
        self._headers: Mapping[str, str] | None = None
        self._good_until = float("inf")
        self._renewal: asyncio.Task[None] | None = None
        self._refusal: Unauthorized | None = None

    async def headers(
        self,
        door: "HttpDoor",
        request: httpx.Request,  # noqa: ARG002
        refused: Mapping[str, str] | None,
    ) -> Mapping[str, str]:
        return await self._fresh(door, refused)

    async def log_in(self, door: "HttpDoor") -> None:
        await self._fresh(door, None)

    async def _fresh(
        self, door: "HttpDoor", refused: Mapping[str, str] | None
    ) -> Mapping[str, str]:
        in_use = self._headers
        if in_use is not None and in_use != refused and self._clock() < self._good_until:
            return in_use
        if self._refusal is not None:
            raise self._refusal.with_traceback(None)
        if self._renewal is None:
            self._renewal = asyncio.create_task(self._renew(door))
        # Who gives up waiting must not take the login away from all others.
        await asyncio.shield(self._renewal)
        assert self._headers is not None
        return self._headers

    async def _renew(self, door: "HttpDoor") -> None:
        try:
            fetched = await self._fetch(door)
        except Unauthorized as error:
            self._refusal = error
            raise
        finally:
            self._renewal = None
        grant = fetched if isinstance(fetched, Grant) else Grant(fetched)
        self._headers = {"Authorization": f"{self._scheme} {grant.token}"}
        life = float("inf") if grant.expires_in is None else grant.expires_in
        self._good_until = self._clock() + life - min(RENEWAL_SECONDS, life * RENEWAL_SHARE)
