"""What has to be known of a database to enter it."""

from dataclasses import dataclass, field


@dataclass(frozen=True)
class TrytonConfig:
    """A user of one database. What it may read is what is read: give it all its companies."""

    base_url: str
    database: str
    user: str
    password: str = field(repr=False)
