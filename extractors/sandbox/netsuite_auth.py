"""NetSuite's machine login: a signed JWT for an access token."""

from typing import Any

import jwt

from extractors.sandbox.credentials import TOKEN_SECONDS

ASSERTION_TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
ALGORITHMS = {
    "RSA": ("PS256", "PS384", "PS512"),
    "EC": ("ES256", "ES384", "ES512"),
}
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
        if header.get("kid") != secrets["certificate_id"]:
            raise LoginRefusedError("invalid_client")
        claims = jwt.decode(
            assertion,
            public_key,
            algorithms=_algorithms(public_key),
            audience=audience,
            issuer=secrets["client_id"],
            options={"require": ["iss", "scope", "aud", "iat", "exp"]},
        )
    except jwt.InvalidTokenError as error:
        raise LoginRefusedError("invalid_client") from error
    if claims["exp"] - claims["iat"] > TOKEN_SECONDS or _SCOPE not in _scopes(claims["scope"]):
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
