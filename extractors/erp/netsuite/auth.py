"""How an account is entered: OAuth 2.0 with a certificate, or requests signed by OAuth 1.0a."""

import time
import uuid
from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path

import httpx
import jwt
from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePrivateKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.asymmetric.types import PrivateKeyTypes
from cryptography.hazmat.primitives.serialization import load_pem_private_key
from oauthlib.oauth1 import SIGNATURE_HMAC_SHA256, Client

from extractors.auth import Auth, Grant, Token
from extractors.calls import Call
from extractors.erp.netsuite.config import NetSuiteConfig
from extractors.http import HttpDoor

TOKEN_PATH = "/services/rest/auth/oauth2/v1/token"  # noqa: S105
ASSERTION_TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
ASSERTION_SECONDS = 300


def auth_of(config: NetSuiteConfig) -> Auth:
    """What authorises the calls of a configuration."""
    if config.token_id is not None:
        return Signature(config)

    async def login(door: HttpDoor) -> Grant:
        form = (
            ("grant_type", "client_credentials"),
            ("client_assertion_type", ASSERTION_TYPE),
            ("client_assertion", assertion(config, door.base_url + TOKEN_PATH)),
        )
        call = Call("POST", TOKEN_PATH, form=form, authorized=False)
        reply = await door.attempt(call)
        lasts = float(reply.body.get("expires_in", 0)) or None
        return Grant(str(reply.member("access_token")), lasts)

    return Token(login)


def assertion(config: NetSuiteConfig, audience: str) -> str:
    """A JWT that proves possession of the private key; RS256 is not accepted by the vendor."""
    now = int(time.time())
    claims = {
        "iss": config.client_id,
        "scope": ["rest_webservices"],
        "aud": audience,
        "iat": now,
        "exp": now + ASSERTION_SECONDS,
        "jti": uuid.uuid4().hex,
    }
    assert config.private_key_path is not None
    key = _private_key(Path(config.private_key_path).read_bytes())
    if isinstance(key, RSAPrivateKey):
        algorithm = "PS256"
    elif isinstance(key, EllipticCurvePrivateKey):
        algorithm = {256: "ES256", 384: "ES384", 521: "ES512"}[key.curve.key_size]
    else:
        raise TypeError(f"{config.private_key_path} holds neither an RSA nor an elliptic key")
    return jwt.encode(claims, key, algorithm=algorithm, headers={"kid": config.certificate_id})


@lru_cache(maxsize=4)
def _private_key(pem: bytes) -> PrivateKeyTypes:
    """The key as it is: to check its primes takes 0.1 s, and the vendor refuses what they sign."""
    return load_pem_private_key(pem, None, unsafe_skip_rsa_key_validation=True)


class Signature:
    """Signs every request by itself: method, address and query, a nonce and the time."""

    def __init__(self, config: NetSuiteConfig) -> None:
        self._client = Client(
            config.consumer_key,
            config.consumer_secret,
            config.token_id,
            config.token_secret,
            signature_method=SIGNATURE_HMAC_SHA256,
            realm=config.realm,
        )

    async def headers(
        self,
        door: HttpDoor,  # noqa: ARG002
        request: httpx.Request,
        refused: Mapping[str, str] | None,
    ) -> Mapping[str, str]:
        # A new signature is no better than the one refused, and whoever insists is locked out.
        if refused is not None:
            return refused
        _, headers, _ = self._client.sign(str(request.url), request.method)
        return dict(headers)

    async def log_in(self, door: HttpDoor) -> None:
        """There are no sessions."""
