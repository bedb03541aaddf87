"""What a credit note credits: parts of an invoice's lines, with their discount and tax."""

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from extractors.sandbox.amounts import rounded
from extractors.sandbox.stripe_errors import StripeError, missing
from extractors.sandbox.stripe_forms import merged_metadata
from extractors.sandbox.stripe_operations import METADATA
from extractors.sandbox.stripe_shapes import Document

LINE: dict[str, Any] = {
    "type": frozenset({"custom_line_item", "invoice_line_item"}),
    "amount": "integer",
    "description": "text",
    "invoice_line_item": "text",
    "quantity": "count",
    "unit_amount": "integer",
    **METADATA,
}


def lines_of(invoice: Document, asked: Mapping[str, Any]) -> list[Document]:
    """The lines of a note, from the lines that were asked for or from an amount."""
    given = asked.get("lines")
    if (given is None) == (asked.get("amount") is None):
        message = "You must pass one of `amount` and `lines`."
        raise StripeError(message, "parameter_missing", "amount")
    if given is None:
        return [_share_of(invoice, asked["amount"])]
    known = {line["id"]: line for line in invoice["lines"]["data"]}
    return [_line(known, line, f"lines[{place}]") for place, line in enumerate(given)]


def _share_of(invoice: Document, amount: int) -> Document:
    """One line for an amount with tax, taxed as the invoice is on the whole."""
    taxed = sum(tax["amount"] for tax in invoice["total_taxes"])
    tax = rounded(Decimal(amount * taxed) / (invoice["total"] or 1))
    return _custom(amount - tax, tax)


def _line(known: Mapping[str, Document], asked: Mapping[str, Any], param: str) -> Document:
    kind = asked.get("type")
    if kind is None:
        message = f"Missing required param: {param}[type]."
        raise StripeError(message, "parameter_missing", f"{param}[type]")
    if kind == "custom_line_item":
        return _custom_line(asked, param)
    key = str(asked.get("invoice_line_item"))
    if key not in known:
        raise missing("line_item", key, f"{param}[invoice_line_item]", 400)
    line = known[key]
    quantity = asked.get("quantity")
    amount = asked.get("amount")
    if amount is None:
        share = Decimal(1 if quantity is None else quantity) / Decimal(
            1 if quantity is None else line["quantity"] or 1
        )
        amount = rounded(line["amount"] * share)
    return _part(line, amount, quantity, asked)


def _part(line: Document, amount: int, quantity: int | None, asked: Mapping[str, Any]) -> Document:
    """Part of an invoice's line, with the part of its discount and tax that goes with it."""
    if amount > line["amount"]:
        message = f"The amount is greater than that of the line: {line['amount']}."
        raise StripeError(message, "amount_too_large", "lines")
    share = Decimal(amount) / (line["amount"] or 1)
    discounts = [
        {**entry, "amount": rounded(entry["amount"] * share)} for entry in line["discount_amounts"]
    ]
    discount = sum(entry["amount"] for entry in discounts)
    taxes = [tax_entry(rounded(tax["amount"] * share), amount - discount) for tax in line["taxes"]]
    return {
        "amount": amount,
        "description": line["description"],
        "discount_amount": discount,
        "discount_amounts": discounts,
        "invoice_line_item": line["id"],
        "metadata": merged_metadata({}, asked.get("metadata") or {}),
        "quantity": quantity,
        "taxes": taxes,
        "type": "invoice_line_item",
    }


def _custom_line(asked: Mapping[str, Any], param: str) -> Document:
    for name in ("quantity", "unit_amount", "description"):
        if asked.get(name) is None:
            message = f"Missing required param: {param}[{name}]."
            raise StripeError(message, "parameter_missing", f"{param}[{name}]")
    amount = asked["quantity"] * asked["unit_amount"]
    metadata = merged_metadata({}, asked.get("metadata") or {})
    told = {"description": asked["description"], "quantity": asked["quantity"]}
    unit = {"unit_amount": asked["unit_amount"], "unit_amount_decimal": str(asked["unit_amount"])}
    return _custom(amount, 0) | told | unit | {"metadata": metadata}


def _custom(amount: int, tax: int) -> Document:
    return {
        "amount": amount,
        "description": None,
        "discount_amount": 0,
        "discount_amounts": [],
        "quantity": 1,
        "taxes": [tax_entry(tax, amount)] if tax else [],
        "type": "custom_line_item",
    }


def tax_entry(amount: int, taxable: int) -> Document:
    return {"amount": amount, "taxable_amount": taxable}
