"""How NetSuite is entered: a signed JWT for an access token, or every request signed by itself."""

import time
from collections.abc import Mapping
from typing import Any

import jwt
from oauthlib.oauth1 import RequestValidator, SignatureOnlyEndpoint

from extractors.sandbox.credentials import TOKEN_SECONDS

ASSERTION_TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
ALGORITHMS = {
    "RSA": ("PS256", "PS384", "PS512"),
    "EC": ("ES256", "ES384", "ES512"),
}
TIMESTAMP_SECONDS = 300
_SCOPE = "rest_webservices"


class LoginRefusedError(Exception):
    """Why no token is given, as an OAuth error code."""


def check_assertion(
    form: dict[str, str], secrets: dict[str, Any], public_key: str, audience: str
) -> None:
    """Raise unless the form carries a JWT that the integration's key has signed for this URL."""
    if form.get("grant_type") != "client_credentials":
        raise LoginRefusedError("unsupported_grant_type")
    if form.get("client_assertion_type") != ASSERTION_TYPE:
        raise LoginRefusedError("invalid_request")
    assertion = form.get("client_assertion", "")
    try:
        header = jwt.get_unverified_header(assertion)
        if header.get("kid") != secrets["certificate_id"] or header.get("typ") != "JWT":
            raise LoginRefusedError("invalid_client")
        claims = jwt.decode(
            assertion,
            public_key,
            algorithms=_algorithms(public_key),
            audience=audience,
            issuer=secrets["client_id"],
            options={"require": ["iss", "scope", "aud", "iat", "exp"]},
        )
    except jwt.ExpiredSignatureError as error:
        raise LoginRefusedError("invalid_grant") from error
    except jwt.InvalidTokenError as error:
        raise LoginRefusedError("invalid_client") from error
    if claims["exp"] - claims["iat"] >= TOKEN_SECONDS:
        raise LoginRefusedError("invalid_grant")
    if _SCOPE not in _scopes(claims["scope"]):
        raise LoginRefusedError("invalid_request")


def _algorithms(public_key: str) -> list[str]:
    """RS256 and the like are not accepted, whatever the key."""
    key = jwt.algorithms.RSAPSSAlgorithm(jwt.algorithms.RSAPSSAlgorithm.SHA256)
    try:
        key.prepare_key(public_key)
    except jwt.InvalidKeyError:
        return list(ALGORITHMS["EC"])
    return list(ALGORITHMS["RSA"])


def _scopes(scope: Any) -> list[str]:
    return [str(part).strip() for part in (scope if isinstance(scope, list) else scope.split(","))]


class SignedRequests:
    """Token-based authentication: OAuth 1.0a with HMAC-SHA256, the account as realm."""

    def __init__(self, secrets: Mapping[str, Any]) -> None:
        self._account = secrets["account"]
        self._validator = _Validator(secrets)
        self._endpoint = SignatureOnlyEndpoint(self._validator)

    def admits(self, method: str, url: str, authorization: str) -> bool:
        headers = {"Authorization": authorization}
        try:
            is_signed, request = self._endpoint.validate_request(url, method, headers=headers)
        except ValueError:  # such as a query that is not encoded as forms are
            return False
        return (
            is_signed
            and request.realm == self._account
            and self._validator.knows_token(request.resource_owner_key)
        )


class _Validator(RequestValidator):  # type: ignore[misc]
    """One consumer with one token; each nonce once."""

    allowed_signature_methods = ("HMAC-SHA256",)
    timestamp_lifetime = TIMESTAMP_SECONDS
    client_key_length = (1, 128)
    nonce_length = (6, 64)
    enforce_ssl = False
    dummy_client = "nobody"

    def __init__(self, secrets: Mapping[str, Any]) -> None:
        super().__init__()
        self._secrets = secrets
        self._nonces: dict[str, float] = {}

    def knows_token(self, token: str | None) -> bool:
        return token == self._secrets["token_id"]

    def validate_client_key(self, client_key: str, request: object) -> bool:  # noqa: ARG002
        return client_key == self._secrets["consumer_key"]

    def get_client_secret(self, client_key: str, request: object) -> str:  # noqa: ARG002
        return str(self._secrets["consumer_secret"])

    def get_access_token_secret(self, *_: object) -> str:
        return str(self._secrets["token_secret"])

    def validate_timestamp_and_nonce(
        self, client_key: str, timestamp: str, nonce: str, *_: object
    ) -> bool:
        now = time.time()
        self._nonces = {known: until for known, until in self._nonces.items() if until > now}
        key = f"{client_key}:{timestamp}:{nonce}"
        if key in self._nonces:
            return False
        self._nonces[key] = now + 2 * TIMESTAMP_SECONDS
        return True
