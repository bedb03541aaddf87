"""What carries calls over the network: httpx, by as many ways as there are calls at once."""

import ssl
from collections.abc import Callable
from functools import lru_cache, partial
from ipaddress import ip_address
from urllib.request import getproxies

import httpcore
import httpx

# A server may hang up on whoever is silent for longer.
IDLE_SECONDS = 5.0
# All of these are by the same names httpx's.
FAILURES = (httpcore.TimeoutException, httpcore.NetworkError, httpcore.ProtocolError)


def carrier(
    base_url: str, timeout: httpx.Timeout, most: int, *, http2: bool
) -> httpx.AsyncBaseTransport:
    """For at most so many calls at once. None of them keeps cookies: each stands alone.

    The certificates that the environment names count on loopback, too; its proxies do not.
    """
    certificates = partial(_certificates, ssl.get_default_verify_paths(), http2)
    proxies = {} if _is_loopback(base_url) else getproxies()
    if not http2 and not proxies:
        return OneEach(certificates)
    return _Httpx(
        httpx.AsyncClient(
            http2=http2,
            timeout=timeout,
            limits=httpx.Limits(max_connections=most),
            verify=certificates(),
            trust_env=bool(proxies),
        )
    )


class OneEach(httpx.AsyncBaseTransport):
    """A connection for each call at once, of which the door's limit is the only one.

    A pool keeps books on its connections, which takes a tenth of what a call takes.
    """

    def __init__(self, certificates: Callable[[], ssl.SSLContext]) -> None:
        self._certificates = certificates
        self._idle: list[httpcore.AsyncHTTPConnection] = []

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        if request.url.scheme not in {"http", "https"}:
            raise httpx.UnsupportedProtocol(f"{request.url.scheme!r} is neither http nor https")
        url = httpcore.URL(
            scheme=request.url.raw_scheme,
            host=request.url.raw_host,
            port=request.url.port,
            target=request.url.raw_path,
        )
        sent = httpcore.Request(
            request.method,
            url,
            headers=request.headers.raw,
            content=request.stream,
            extensions=request.extensions,
        )
        try:
            way = await self._way(url.origin)
            answer = await way.handle_async_request(sent)
            try:
                body = await answer.aread()
            finally:
                await answer.aclose()
        except FAILURES as error:
            raise getattr(httpx, type(error).__name__)(str(error)) from error
        if way.is_available():
            self._idle.append(way)
        return httpx.Response(answer.status, headers=answer.headers, stream=httpx.ByteStream(body))

    async def _way(self, origin: httpcore.Origin) -> httpcore.AsyncHTTPConnection:
        """A connection that is open still, or one that will be."""
        while self._idle:
            way = self._idle.pop()
            if way.can_handle_request(origin) and not way.has_expired():
                return way
            await way.aclose()
        certificates = self._certificates() if origin.scheme == b"https" else None
        return httpcore.AsyncHTTPConnection(
            origin, ssl_context=certificates, keepalive_expiry=IDLE_SECONDS
        )

    async def aclose(self) -> None:
        for way in self._idle:
            await way.aclose()


class _Httpx(httpx.AsyncBaseTransport):
    """Chooses a proxy for each address as the environment says."""

    def __init__(self, client: httpx.AsyncClient) -> None:
        self._client = client

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        return await self._client.send(request, stream=True)

    async def aclose(self) -> None:
        await self._client.aclose()


@lru_cache(maxsize=8)
def _certificates(_named: ssl.DefaultVerifyPaths, _is_http2: bool) -> ssl.SSLContext:
    """Read once for what the environment names, as it takes longer than most calls.

    HTTP/2 has its own: whoever connects sets there which protocols it offers.
    """
    return httpx.create_ssl_context()


def _is_loopback(base_url: str) -> bool:
    """Whether the host is this machine; a proxy from the environment is then left aside."""
    host = httpx.URL(base_url).host
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
