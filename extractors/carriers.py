"""What carries calls over the network: our own HTTP/1.1, and httpx where that does not do."""

import ssl
from functools import lru_cache
from ipaddress import ip_address
from urllib.request import getproxies

import httpx

from extractors.http1 import Http1Transport


def carrier(
    base_url: str, timeout: httpx.Timeout, most: int, *, http2: bool
) -> httpx.AsyncBaseTransport:
    """For at most so many calls at once. None of them keeps cookies: each stands alone.

    The certificates that the environment names count on loopback, too; its proxies do not.
    """
    certificates = _certificates(ssl.get_default_verify_paths(), http2)
    proxies = {} if _is_loopback(base_url) else getproxies()
    if not http2 and not proxies:
        return Http1Transport(certificates, most)
    return _Httpx(
        httpx.AsyncClient(
            http2=http2,
            timeout=timeout,
            limits=httpx.Limits(max_connections=most),
            verify=certificates,
            trust_env=bool(proxies),
        )
    )


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
