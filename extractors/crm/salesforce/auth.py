"""How an org is entered: by client credentials, or by an assertion that a certified key signed."""

import time
from pathlib import Path

import jwt

from extractors.auth import Token
from extractors.calls import Call
from extractors.crm.salesforce.config import SalesforceConfig
from extractors.http import HttpDoor

TOKEN_PATH = "/services/oauth2/token"  # noqa: S105
JWT_BEARER = "urn:ietf:params:oauth:grant-type:jwt-bearer"
# The vendor takes no assertion that is good for longer than five minutes.
ASSERTION_SECONDS = 180


def auth_of(config: SalesforceConfig) -> Token:
    """A session. How long it lasts is the org's secret: it is renewed when it is refused."""

    async def login(door: HttpDoor) -> str:
        call = Call("POST", TOKEN_PATH, form=_form(config), authorized=False)
        return str((await door.attempt(call)).member("access_token"))

    return Token(login)


def _form(config: SalesforceConfig) -> tuple[tuple[str, str], ...]:
    if config.private_key_path is not None:
        return ("grant_type", JWT_BEARER), ("assertion", assertion(config))
    return (
        ("grant_type", "client_credentials"),
        ("client_id", config.client_id),
        ("client_secret", config.client_secret or ""),
    )


def assertion(config: SalesforceConfig) -> str:
    """A JWT for the vendor's login host, whatever host it is sent to; `exp` is in seconds."""
    assert config.private_key_path is not None
    claims = {
        "iss": config.client_id,
        "sub": config.username,
        "aud": config.login_url.rstrip("/"),
        "exp": int(time.time()) + ASSERTION_SECONDS,
    }
    return jwt.encode(claims, Path(config.private_key_path).read_bytes(), algorithm="RS256")
