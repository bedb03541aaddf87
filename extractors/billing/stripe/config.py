"""What has to be known of an account to read it."""

from dataclasses import dataclass, field


@dataclass(frozen=True)
class StripeConfig:
    """A restricted key; reading needs no more than read scopes.

    `accounts` are read instead of the key's own account: connected accounts of a platform, or
    accounts of the organization whose key it is. All of them land in the same objects, so ids
    that people choose (of products and coupons) must not be used for different things in them.
    """

    base_url: str
    api_key: str = field(repr=False)
    accounts: tuple[str, ...] = ()
