"""Keeps names, e-mail addresses and tax ids out of exceptions, and so out of all made of them."""

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
