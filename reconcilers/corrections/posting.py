"""Whether an invoice may be posted: double entry, open period, complete mapping, free number.

Every check answers with the field that fails and what to do about it. Those that time can undo are
asked again of the target itself (send_checks.py).
"""

from collections.abc import Callable
from decimal import Decimal

from reconcilers.corrections.correction import Refusal
from reconcilers.corrections.document import currency_gap, entity_gap, number_taken, period_gap
from reconcilers.corrections.erp_invoice import Draft, tax_fits


def check_posting(draft: Draft) -> tuple[Refusal, ...]:
    """Every reason against posting the draft, in a fixed order; empty when it may be posted."""
    return tuple(refusal for check in CHECKS for refusal in check(draft))


def _legal_entity(draft: Draft) -> list[Refusal]:
    return entity_gap(draft.invoice["legal_entity"], draft.subsidiary)


def _customer(draft: Draft) -> list[Refusal]:
    customer = draft.customer
    if customer is None:
        return [
            Refusal(
                "customer",
                "entity",
                f"{draft.invoice['billing_customer_id']} has no customer in the ERP",
                "create the ERP customer (see CUS-MISS-02), then plan again",
            )
        ]
    if customer["is_inactive"] == "T":
        return [
            Refusal(
                "customer",
                "entity",
                f"ERP customer {customer['customer_id']} is inactive",
                "reactivate the customer, or correct the link to the one in use",
            )
        ]
    if draft.subsidiary and customer["subsidiary_id"] != draft.subsidiary["subsidiary_id"]:
        return [
            Refusal(
                "customer",
                "entity",
                f"ERP customer {customer['customer_id']} belongs to subsidiary "
                f"{customer['subsidiary_id']}, the invoice to {draft.subsidiary['subsidiary_id']}",
                "add the subsidiary to the customer in the ERP",
            )
        ]
    return []


def _currency(draft: Draft) -> list[Refusal]:
    return currency_gap(draft.invoice["currency"], draft.currency)


def _period(draft: Draft) -> list[Refusal]:
    return period_gap(draft.invoice["invoice_date"], draft.period)


def _items(draft: Draft) -> list[Refusal]:
    if not draft.lines:
        return [
            Refusal(
                "items",
                "item.items",
                "the billing invoice has no lines",
                "check the extraction of invoice lines",
            )
        ]
    refusals = []
    for number, line in enumerate(draft.lines, start=1):
        sku = line["product_code"]
        item = draft.items.get(sku or "")
        if item is None or item["is_inactive"] == "T":
            state = "is not in the ERP" if item is None else "is inactive in the ERP"
            refusals.append(
                Refusal(
                    "items",
                    f"item.items[{number}].item",
                    f"item {sku!r} {state}",
                    "create or reactivate the ERP item with this SKU as its name",
                )
            )
    return refusals


def _ledger_accounts(draft: Draft) -> list[Refusal]:
    """The account that the ERP will post to must be the one that our chart names, and in use."""
    refusals = []
    for entry in draft.ledger:
        account = draft.accounts.get(entry.account_id or "")
        field = f"account ({entry.label})"
        if entry.number is None:
            problem, fix = "no ledger account is named", "add the row to ledger_accounts.csv"
        elif account is None:
            problem, fix = f"account {entry.number} is not set", "set the account in the ERP"
        elif account["number"] != entry.number:
            problem = f"the ERP posts to {account['number']}, the chart wants {entry.number}"
            fix = "correct the item's account in the ERP, or ledger_accounts.csv"
        elif account["is_inactive"] == "T":
            problem, fix = f"account {entry.number} is inactive", "reactivate it in the ERP"
        else:
            continue
        refusals.append(Refusal("ledger account", field, problem, fix))
    return list(dict.fromkeys(refusals))


def _tax(draft: Draft) -> list[Refusal]:
    if draft.tax_code is None:
        return [
            Refusal(
                "tax",
                "taxDetails.taxCode",
                "no ERP tax code has the country and rate of the legal entity",
                "correct tax_codes.csv, or add the tax code in the ERP",
            )
        ]
    rate = Decimal(draft.tax_code["rate"])
    return [
        Refusal(
            "tax",
            f"taxDetails.items[{number}].taxAmount",
            f"tax {line['tax_minor']} on {line['net_minor']} is not {rate} %",
            "map the tax treatment of this line to an ERP tax code and post by hand",
        )
        for number, line in enumerate(draft.lines, start=1)
        if not tax_fits(line["net_minor"], line["tax_minor"], rate)
    ]


def _balance(draft: Draft) -> list[Refusal]:
    difference = sum(entry.amount_minor for entry in draft.ledger)
    if difference == 0:
        return []
    return [
        Refusal(
            "balance",
            "item.items.amount",
            f"debits exceed credits by {difference} minor units: lines and tax do not add up to "
            f"the total {draft.invoice['total_minor']}",
            "compare the lines of the billing invoice with its total",
        )
    ]


def _document_number(draft: Draft) -> list[Refusal]:
    number = draft.invoice["number"]
    if not number:
        return [
            Refusal("document number", "tranId", "billing gave no number", "finalize the invoice")
        ]
    if draft.number_holder is not None:
        return [number_taken(number, draft.number_holder["transaction_id"])]
    return []


CHECKS: tuple[Callable[[Draft], list[Refusal]], ...] = (
    _legal_entity,
    _customer,
    _currency,
    _period,
    _items,
    _ledger_accounts,
    _tax,
    _balance,
    _document_number,
)
