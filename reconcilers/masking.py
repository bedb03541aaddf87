"""Keeps names, e-mail addresses and tax ids out of exceptions, and so out of all made of them."""

import re
from collections.abc import Iterable

PERSONAL = ("legal_name", "name", "invoice_email", "email", "tax_id")
DOTS = "\u2022" * 3


def masked(attribute: str, value: str | None) -> str:
    """The value with only as much left as is needed to recognise it; '' for none."""
    if not value:
        return ""
    if attribute not in PERSONAL:
        return value
    if "@" in value:
        local, _, domain = value.rpartition("@")
        return f"{local[:1]}{DOTS}@{domain}"
    if attribute == "tax_id":
        return f"{DOTS}{value[-2:]}"
    return " ".join(f"{word[:1]}{DOTS}" for word in value.split())


_ADDRESS = re.compile(r"[\w.+-]+@[\w-]+(?:\.[\w-]+)+")


def masked_text(text: str, fields: Iterable[str]) -> str:
    """A text of a vendor with e-mail addresses masked, and the values of these fields of JSON.

    Fields in any case. What is personal in free words is not known here.
    """
    names = "|".join(sorted(map(re.escape, fields)))
    value = re.compile(rf'("(?:{names})"\s*:\s*)"((?:[^"\\]|\\.)*)(?:"|$)', re.IGNORECASE)
    told = _ADDRESS.sub(lambda found: masked("email", found[0]), text)
    return value.sub(lambda found: f'{found[1]}"{masked("name", found[2])}"', told)
