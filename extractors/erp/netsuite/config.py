"""What has to be known of an account to enter it."""

import re
from dataclasses import dataclass, field
from pathlib import Path

_ACCOUNT = re.compile(r"[A-Za-z0-9]+(?:[_-][A-Za-z0-9]+)*")
_CERTIFICATE = ("client_id", "certificate_id", "private_key_path")
_TOKEN = ("consumer_key", "consumer_secret", "token_id", "token_secret")


@dataclass(frozen=True)
class NetSuiteConfig:
    """An account, and one of the two ways to enter it: its fields are given, the other's are not.

    With a certificate (OAuth 2.0, machine to machine): `client_id`, `certificate_id`,
    `private_key_path`. With a token (OAuth 1.0a): `consumer_key`, `consumer_secret`, `token_id`,
    `token_secret`. `base_url` is the vendor's address of the account unless it is given.
    """

    account: str
    base_url: str = ""
    client_id: str | None = None
    certificate_id: str | None = None
    private_key_path: Path | None = None
    consumer_key: str | None = None
    consumer_secret: str | None = field(default=None, repr=False)
    token_id: str | None = None
    token_secret: str | None = field(default=None, repr=False)

    def __post_init__(self) -> None:
        # The account is part of the host that secrets are sent to.
        if not _ACCOUNT.fullmatch(self.account):
            raise ValueError(f"account {self.account!r} is not an account id such as 1234567_SB1")
        given = {name for name in (*_CERTIFICATE, *_TOKEN) if getattr(self, name)}
        if given not in ({*_CERTIFICATE}, {*_TOKEN}):
            raise ValueError(
                f"give either {', '.join(_CERTIFICATE)} or {', '.join(_TOKEN)}; "
                f"given are {', '.join(sorted(given)) or 'none of them'}"
            )

    @property
    def url(self) -> str:
        """`1234567_SB1` is reached at 1234567-sb1."""
        host = self.account.lower().replace("_", "-")
        return self.base_url or f"https://{host}.suitetalk.api.netsuite.com"

    @property
    def realm(self) -> str:
        """The account as signatures name it, whatever way it was written."""
        return self.account.upper().replace("-", "_")
