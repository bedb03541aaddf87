"""Seals personal values (names, e-mail addresses, tax ids) for where corrections are kept.

A sealed value is text: a mask for people, a keyed digest by which equal values are known to be
equal, and the value itself, encrypted. Only who has the keys can open it; see veil.py for when.
"""

import hmac
import re
from collections.abc import Callable, Mapping, Sequence
from hashlib import sha256
from typing import Any, TypeGuard
from urllib.parse import quote, unquote

from cryptography.fernet import Fernet, InvalidToken, MultiFernet

from reconcilers.masking import masked

KEYS_VARIABLE = "TIEOUT_SEALING_KEYS"
_MARK = "sealed:"
_DIGEST_LENGTH = 32
# Mask, digest and token; the token is of Fernet, whose first byte is its version.
_FORM = re.compile(rf"{_MARK}[^:]*:[0-9a-f]{{{_DIGEST_LENGTH}}}:gAAAA[\w=-]+")

# By system and object, both in lower case: the fields whose values are personal, in lower case
# too, since a table says `companyname` and a record `companyName`.
PERSONAL_FIELDS: Mapping[tuple[str, str], frozenset[str]] = {
    ("salesforce", "account"): frozenset(
        {
            "name",
            "invoice_email__c",
            "tax_id__c",
            "billingstreet",
            "billingcity",
            "billingpostalcode",
        }
    ),
    ("stripe", "customer"): frozenset({"name", "email"}),
    ("netsuite", "customer"): frozenset({"companyname", "email", "vatregnumber"}),
}


class SealingKeyError(ValueError):
    """A key is not one, or none of ours opens a value; the words say what to set."""


class Seals:
    """Keys to seal and open with: the first one seals, each of them opens.

    Digests are made with the last one, so that a new first key leaves them as they are.
    """

    def __init__(self, keys: Sequence[str]) -> None:
        try:
            self._box = MultiFernet([Fernet(key) for key in keys])
        except ValueError as error:
            raise SealingKeyError(
                f"{KEYS_VARIABLE} holds no Fernet keys (32 bytes each, in URL-safe base64)"
            ) from error
        self._secret = hmac.digest(keys[-1].encode(), b"tieout digest of a sealed value", "sha256")

    def seal(self, field: str, value: str) -> str:
        """The value of a field, closed; `field` only says how it is masked."""
        digest = hmac.new(self._secret, value.encode(), sha256).hexdigest()[:_DIGEST_LENGTH]
        token = self._box.encrypt(value.encode()).decode()
        return f"{_MARK}{quote(_masked(field, value), safe='')}:{digest}:{token}"

    def open(self, sealed: str) -> str:
        """The value again.

        Raises SealingKeyError.
        """
        try:
            return self._box.decrypt(sealed.rsplit(":", 1)[-1].encode()).decode()
        except InvalidToken as error:
            raise SealingKeyError(
                f"none of the keys opens it: put the one that sealed it back into {KEYS_VARIABLE}"
            ) from error


class Shown(str):
    """A personal value that a target shows, as it may be kept or told; the value can be compared.

    Nothing that makes text of it gets the value itself.
    """

    __slots__ = ("_open", "_value")
    _open: Callable[[str], str]
    _value: str

    @classmethod
    def of(cls, told: str, value: str, opener: Callable[[str], str]) -> "Shown":
        shown = cls(told)
        shown._value, shown._open = value, opener
        return shown

    def is_value_of(self, sealed: str) -> bool:
        """Whether what was sealed is what is shown; the opener raises what it raises."""
        return self._open(sealed) == self._value


def is_sealed(value: object) -> TypeGuard[str]:
    """Whether it has the whole form of a seal: a person may well be called 'sealed:'."""
    return isinstance(value, str) and _FORM.fullmatch(value) is not None


def mask_of(sealed: str) -> str:
    """What may be shown of a sealed value."""
    return unquote(sealed.split(":")[1])


def each_sealed(image: Any, make: Callable[[str], str]) -> Any:
    """An image of a record with every sealed value replaced by what is made of it."""
    if isinstance(image, Mapping):
        return {name: each_sealed(value, make) for name, value in image.items()}
    if isinstance(image, list | tuple):
        return [each_sealed(value, make) for value in image]
    return make(image) if is_sealed(image) else image


def veiled(image: Any) -> Any:
    """An image for people: masks for what is sealed."""
    return each_sealed(image, mask_of)


def bare(image: Any) -> Any:
    """An image in a form that is the same whenever the values are: digests for what is sealed."""
    return each_sealed(image, _without_token)


def as_kept(kept: dict[str, Any], image: dict[str, Any]) -> dict[str, Any]:
    """What is kept already, where an image sealed anew has the same values."""
    return kept if bare(kept) == bare(image) else image


def is_same(seen: object, sealed: str) -> bool:
    """Whether a value that is sealed, or shown by a target, is the one that was sealed."""
    if isinstance(seen, Shown):
        return seen.is_value_of(sealed)
    return is_sealed(seen) and _digest(seen) == _digest(sealed)


def personal_in(system: str, name: str, image: Mapping[str, Any]) -> list[str]:
    """The fields of a record's image that hold a personal value in clear."""
    known = PERSONAL_FIELDS.get((system, name.lower()), frozenset())
    return [
        field
        for field, value in image.items()
        if field.lower() in known and isinstance(value, str) and value
    ]


def _masked(field: str, value: str) -> str:
    is_tax_id = "tax" in field.lower() or "vat" in field.lower()
    return masked("tax_id" if is_tax_id else "name", value)


def _without_token(sealed: str) -> str:
    return f"{_MARK}{_digest(sealed)}"


def _digest(sealed: str) -> str:
    return sealed.split(":")[2]
