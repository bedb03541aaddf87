"""What carries calls over the network: httpx, by as many ways as there are calls at once."""

import ssl
from functools import lru_cache
from ipaddress import ip_address
from urllib.request import getproxies

import httpx


def carrier(
    base_url: str, timeout: httpx.Timeout, most: int, *, http2: bool
) -> httpx.AsyncBaseTransport:
    """For at most so many calls at once. None of them keeps cookies: each stands alone.

    The certificates that the environment names count on loopback, too; its proxies do not.
    """
    certificates = _certificates(ssl.get_default_verify_paths(), http2)
    proxies = {} if _is_loopback(base_url) else getproxies()
    if not http2 and not proxies:
        return OneEach(certificates)
    return _Httpx(
        httpx.AsyncClient(
            http2=http2,
            timeout=timeout,
            limits=httpx.Limits(max_connections=most),
            verify=certificates,
            trust_env=bool(proxies),
        )
    )


class OneEach(httpx.AsyncBaseTransport):
    """A connection for each call at once, of which the door's limit is the only one.

    A pool of httpx that has many asks the socket of every idle one at each call, which takes longer
    than the call.
    """

    def __init__(self, certificates: ssl.SSLContext) -> None:
        self._certificates = certificates
        self._idle: list[httpx.AsyncHTTPTransport] = []

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        way = self._idle.pop() if self._idle else self._another()
        try:
            response = await way.handle_async_request(request)
            assert isinstance(response.stream, httpx.AsyncByteStream)
            try:
                body = b"".join([piece async for piece in response.stream])
            finally:
                await response.aclose()
        finally:
            self._idle.append(way)
        return httpx.Response(
            response.status_code, headers=response.headers.raw, stream=httpx.ByteStream(body)
        )

    def _another(self) -> httpx.AsyncHTTPTransport:
        one = httpx.Limits(max_connections=1)
        return httpx.AsyncHTTPTransport(verify=self._certificates, limits=one)

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
