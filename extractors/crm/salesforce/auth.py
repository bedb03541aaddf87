"""How an org is entered: by client credentials, or by an assertion that a certified key signed."""

import time
from dataclasses import dataclass, field
from pathlib import Path

import jwt

from extractors.auth import Token
from extractors.calls import Call
from extractors.http import HttpDoor

TOKEN_PATH = "/services/oauth2/token"  # noqa: S105
JWT_BEARER = "urn:ietf:params:oauth:grant-type:jwt-bearer"
# The vendor takes no assertion that is good for longer than five minutes.
ASSERTION_SECONDS = 180

_ASSERTION = ("username", "private_key_path")


@dataclass(frozen=True)
class SalesforceConfig:
    """A connected app of an org, and one of the two ways to enter it.

    `base_url` is the My Domain host. With `client_secret` the app enters by itself; with
    `username` and `private_key_path` it enters as that user. `login_url` is whom the assertion is
    made for: https://test.salesforce.com where the org is a vendor's sandbox.
    """

    base_url: str
    client_id: str
    client_secret: str | None = field(default=None, repr=False)
    username: str | None = None
    private_key_path: Path | None = None
    login_url: str = "https://login.salesforce.com"

    def __post_init__(self) -> None:
        given = {name for name in ("client_secret", *_ASSERTION) if getattr(self, name)}
        if given not in ({"client_secret"}, {*_ASSERTION}):
            raise ValueError(
                f"give either client_secret or {' and '.join(_ASSERTION)}; "
                f"given are {', '.join(sorted(given)) or 'none of them'}"
            )


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
