"""The token endpoint of Salesforce: client credentials, a signed assertion, a refresh token."""

import base64
import binascii
import time
from collections.abc import Mapping
from typing import Any

import jwt

from extractors.sandbox.credentials import credentials
from extractors.sandbox.store import Store

JWT_BEARER = "urn:ietf:params:oauth:grant-type:jwt-bearer"
AUDIENCES = ("https://login.salesforce.com", "https://test.salesforce.com")
# How far ahead an assertion may expire, and how much the clocks may differ.
LONGEST_LIFE = 300
SKEW = 180

Problem = tuple[str, str]
_INVALID: Problem = ("invalid_grant", "invalid assertion")


class Logins:
    """Says what is wrong with a login, or that nothing is."""

    def __init__(self, store: Store) -> None:
        known = credentials(store)
        self._app = known["salesforce"]
        self._assertions = known["salesforce_jwt"]
        self._refresh = known["salesforce_refresh"]
        self._certificate = known["salesforce_public_key"]

    def problem(self, form: Mapping[str, Any], authorization: str | None) -> Problem | None:
        grant = form.get("grant_type")
        if grant == JWT_BEARER:
            return self._assertion_problem(str(form.get("assertion")))
        client_id, secret = form.get("client_id"), form.get("client_secret")
        if client_id is None:
            client_id, secret = _basic(authorization)
        if grant == "client_credentials":
            return self._secret_problem(client_id, secret)
        if grant == "refresh_token":
            if form.get("refresh_token") != self._refresh["refresh_token"]:
                return "invalid_grant", "expired access/refresh token"
            return self._secret_problem(client_id, secret)
        return "unsupported_grant_type", "grant type not supported"

    def _secret_problem(self, client_id: Any, secret: Any) -> Problem | None:
        if client_id != self._app["client_id"]:
            return "invalid_client_id", "client identifier invalid"
        if secret != self._app["client_secret"]:
            return "invalid_client", "invalid client credentials"
        return None

    def _assertion_problem(self, assertion: str) -> Problem | None:
        """Claims are judged once the signature shows who made them."""
        # The vendor takes `exp` as text too, and judges times by its own measure.
        options: Any = dict.fromkeys(
            ("verify_exp", "verify_aud", "verify_iat", "verify_nbf"), False
        )
        try:
            claims = jwt.decode(assertion, self._certificate, algorithms=["RS256"], options=options)
        except jwt.InvalidTokenError:
            return _INVALID
        if claims.get("iss") != self._app["client_id"]:
            return "invalid_client_id", "client identifier invalid"
        if claims.get("aud") not in AUDIENCES:
            return "invalid_grant", "audience is invalid"
        if claims.get("sub") != self._assertions["username"]:
            return "invalid_grant", "user hasn't approved this consumer"
        return _expiry_problem(claims.get("exp"))


def _expiry_problem(told: Any) -> Problem | None:
    try:
        left = float(told) - time.time()
    except (TypeError, ValueError):
        return _INVALID
    if left > LONGEST_LIFE + SKEW:
        return _INVALID
    return ("invalid_grant", "expired authorization code") if left < -SKEW else None


def _basic(authorization: str | None) -> tuple[str | None, str | None]:
    """Client and secret of an `Authorization: Basic` header."""
    scheme, _, encoded = (authorization or "").partition(" ")
    if scheme.lower() != "basic":
        return None, None
    try:
        client_id, _, secret = base64.b64decode(encoded).decode().partition(":")
    except (binascii.Error, UnicodeDecodeError):
        return None, None
    return client_id, secret
