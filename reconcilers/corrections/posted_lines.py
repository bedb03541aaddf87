"""The lines of a document in the ERP, as REST takes them again, and how to compare them. Pure.

Taxes are given line by line, and seen by code: the ERP adds them up where it shows them.
"""

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

from reconcilers.corrections.document import amount_text
from reconcilers.corrections.erp_settling import shares
from reconcilers.corrections.facts import Row

_SEEN = ("item", "quantity", "amount", "custcol_stripe_line_id")
_DAYS = ("custcol_rev_start", "custcol_rev_end")
Image = Mapping[str, Any]


def taxed(lines: Sequence[Row]) -> list[Row]:
    """The lines with their parts of the tax that the document has under their tax codes."""
    found: list[Row] = []
    for code in dict.fromkeys(line["tax_code_id"] for line in lines):
        own = [line for line in lines if line["tax_code_id"] == code]
        parts = shares(own[0]["code_tax_minor"], [line["net_minor"] for line in own])
        found += [{**line, "tax_minor": part} for line, part in zip(own, parts, strict=True)]
    return found


def sublists(lines: Sequence[Row], exponent: int) -> dict[str, Any]:
    """Taxed lines as the sublists of a document; amounts as exact decimal text."""
    numbered = list(enumerate(lines, start=1))
    return {
        "item": {"items": [_item(line, n, exponent) for n, line in numbered]},
        "taxDetails": {"items": [_tax(line, n, exponent) for n, line in numbered]},
    }


def _item(line: Row, number: int, exponent: int) -> dict[str, Any]:
    body: dict[str, Any] = {
        "item": {"id": line["item_id"]},
        "quantity": line["quantity"],
        "amount": amount_text(line["net_minor"], exponent),
        "taxDetailsReference": f"L{number}",
    }
    named = {
        "custcol_stripe_line_id": line["stripe_line_id"],
        "custcol_rev_start": line["rev_start"],
        "custcol_rev_end": line["rev_end"],
    }
    return body | {name: str(value) for name, value in named.items() if value}


def _tax(line: Row, number: int, exponent: int) -> dict[str, Any]:
    return {
        "taxDetailsReference": f"L{number}",
        "taxCode": {"id": line["tax_code_id"]},
        "taxBasis": amount_text(line["net_minor"], exponent),
        "taxRate": line["tax_rate"],
        "taxAmount": amount_text(line["tax_minor"], exponent),
    }


def comparable(values: Image) -> Image:
    """A record, or an image of its sublists, with these as what can be seen of them again."""
    if "item" not in values:
        return values
    return {
        **values,
        "item": [
            [_plain(line.get(name)) for name in (*_SEEN, *_DAYS)]
            for line in (values.get("item") or {}).get("items", ())
        ],
        "taxDetails": _by_code((values.get("taxDetails") or {}).get("items", ())),
    }


def _by_code(taxes: Sequence[Mapping[str, Any]]) -> list[tuple[str, str]]:
    sums: dict[str, Decimal] = {}
    for tax in taxes:
        code = _plain(tax.get("taxCode"))
        sums[code] = sums.get(code, Decimal(0)) + Decimal(str(tax.get("taxAmount") or 0))
    return sorted((code, _plain(total)) for code, total in sums.items() if total)


def _plain(value: Any) -> str:
    """A reference by its id, a number without trailing zeros, a day or a name as it is."""
    if isinstance(value, Mapping):
        return str(value.get("id"))
    if value is None or value == "":
        return ""
    text = str(value)
    if not text.replace(".", "", 1).removeprefix("-").isdecimal():
        return text
    return format(Decimal(text).normalize(), "f")
