"""What has to be known of an org to enter it."""

from dataclasses import dataclass, field
from pathlib import Path

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
