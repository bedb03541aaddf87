"""Where each system keeps an attribute of the system-of-record matrix, in its record on the wire.

What stands here can be written; whether it may be is guard.py's question.
"""

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from types import MappingProxyType
from typing import Any

from reconcilers.corrections.correction import UNDO_CREATION, UNDO_DEED, UNDO_UPDATE

Path = tuple[str, ...]


def _as_it_is(value: str | None) -> Any:
    return value


def _reference(value: str | None) -> Any:
    """NetSuite's way to name another record."""
    return {"id": value} if value else None


def _flag(value: str | None) -> Any:
    return value == "T"


def _yes(value: str | None) -> Any:
    return value == "true"


def _whole(value: str | None) -> Any:
    return None if value is None else int(value)


def _listed(value: str | None) -> Any:
    """A list of the vendor's own, kept as JSON."""
    return None if value is None else json.loads(value)


def _number(value: str | None) -> Any:
    """A number as Salesforce tells it, in text: what is sent is what is read back."""
    if value is None:
        return None
    plain = format(Decimal(value).normalize(), "f")
    return plain if "." in plain else f"{plain}.0"


@dataclass(frozen=True)
class Place:
    """`path` leads to the value in the vendor's record, `beside` to what is written with it.

    `said` makes of a value, as the raw zone has it, what the record holds. `is_unique`: no two
    records of the system may hold the same value. `how` goes with every write of it, as it is.
    """

    object: str
    path: Path
    watermark_object: str
    is_unique: bool = False
    beside: tuple[Path, ...] = ()
    said: Callable[[str | None], Any] = _as_it_is
    how: Mapping[str, str] = field(default_factory=dict)
    also: tuple[str, ...] = ()  # other objects that hold it in the same way
    only: tuple[str, ...] = ()  # the actions that may write it; without any, all may

    @property
    def name(self) -> str:
        return ".".join(self.path)

    def holding(self, value: str | None) -> dict[str, Any]:
        """The record as far as this field goes."""
        held = self.said(value)
        for part in reversed(self.path):
            held = {part: held}
        return dict(held)

    def covers(self, leaf: Path, value: Any) -> bool:
        """Whether a value that is written stands in this field, or within it."""
        if any(leaf[: len(path)] == path for path in (self.path, *self.beside)):
            return True
        return value is not None and self.how.get(".".join(leaf)) == value


NO_PRORATION: Mapping[str, str] = MappingProxyType({"proration_behavior": "none"})
_ACCOUNT, _CUSTOMER = "salesforce.account", "stripe.customer"
_ERP, _DOCUMENT = "netsuite.customer", "netsuite.transaction"
_LINES = ("item", "items")
# By system, and by entity and attribute of the matrix.
PLACES: Mapping[tuple[str, str, str], Place] = {
    ("salesforce", "customer", "billing_customer_ref"): Place(
        "Account", ("Stripe_Customer_Id__c",), _ACCOUNT, is_unique=True
    ),
    ("salesforce", "customer", "erp_customer_ref"): Place(
        "Account", ("NetSuite_Customer_Id__c",), _ACCOUNT, is_unique=True
    ),
    ("stripe", "customer", "crm_account_ref"): Place(
        "customer", ("metadata", "crm_account_id"), _CUSTOMER
    ),
    ("stripe", "customer", "erp_customer_ref"): Place(
        "customer", ("metadata", "netsuite_customer_id"), _CUSTOMER
    ),
    ("netsuite", "customer", "crm_account_ref"): Place("customer", ("custentity_sfdc_id",), _ERP),
    ("netsuite", "customer", "billing_customer_ref"): Place(
        "customer", ("custentity_stripe_id",), _ERP, is_unique=True
    ),
    ("salesforce", "subscription", "status"): Place(
        "Subscription__c",
        ("Status__c",),
        "salesforce.subscription",
        beside=(("Status_Changed_At__c",),),
    ),
    # What asks for the contract of a subscription: only what we made is ever closed.
    ("salesforce", "subscription", "contract_id"): Place(
        "Opportunity", ("StageName",), "salesforce.opportunity"
    ),
    # Only what nobody signed is ever taken back.
    ("salesforce", "contract_line", "unsigned_edit"): Place(
        "Contract_Line__c",
        ("Quantity__c",),
        "salesforce.contract_line",
        said=_number,
        beside=(("Unit_Price__c",), ("Discount_Percent__c",)),
        only=("revert_unsigned_edit", UNDO_UPDATE),
    ),
    # Of a line that is marked as co-termed alone: all other ends are the paper's.
    ("salesforce", "contract_line", "co_termed_end_date"): Place(
        "Contract_Line__c",
        ("End_Date__c",),
        "salesforce.contract_line",
        only=("move_line_end", UNDO_UPDATE),
    ),
    ("salesforce", "mrr_month", "arr"): Place("Account", ("ARR__c",), _ACCOUNT, said=_number),
    # Names, e-mail addresses and tax ids are personal: sealed wherever they are kept (sealing.py).
    # Billing's tax ids are objects of their own, made and deleted; they are never a copy.
    ("stripe", "customer", "legal_name"): Place("customer", ("name",), _CUSTOMER),
    ("netsuite", "customer", "legal_name"): Place("customer", ("companyName",), _ERP),
    ("salesforce", "customer", "invoice_email"): Place("Account", ("Invoice_Email__c",), _ACCOUNT),
    ("netsuite", "customer", "invoice_email"): Place("customer", ("email",), _ERP),
    ("salesforce", "customer", "tax_id"): Place("Account", ("Tax_Id__c",), _ACCOUNT),
    ("netsuite", "customer", "tax_id"): Place("customer", ("vatRegNumber",), _ERP),
    # The ERP keeps countries in address books, with more than is read of them.
    ("salesforce", "customer", "country_code"): Place("Account", ("BillingCountryCode",), _ACCOUNT),
    ("salesforce", "customer", "payment_terms_days"): Place(
        "Account", ("Payment_Terms__c",), _ACCOUNT
    ),
    # Of a quantity that is put right nothing is charged or credited: the next invoice has it.
    ("stripe", "contract_line", "quantity"): Place(
        "subscription_item",
        ("quantity",),
        "stripe.subscription",
        said=_whole,
        how=NO_PRORATION,
    ),
    ("stripe", "contract", "is_auto_renewed"): Place(
        "subscription_schedule", ("end_behavior",), "stripe.subscription_schedule"
    ),
    ("stripe", "contract", "end_date"): Place(
        "subscription_schedule",
        ("phases",),
        "stripe.subscription_schedule",
        said=_listed,
        how=NO_PRORATION,
    ),
    ("stripe", "contract_line", "product_code"): Place(
        "subscription", ("items",), "stripe.subscription", said=_listed, how=NO_PRORATION
    ),
    # What is taken back of an item that was moved is what was charged of its first period.
    ("stripe", "contract_line", "co_termed_item"): Place(
        "subscription_item/delete",
        ("proration_date",),
        "stripe.subscription",
        beside=(("proration_behavior",),),
        only=(UNDO_DEED,),
    ),
    ("stripe", "contract_line", "mrr_at_contract_quantity"): Place(
        "subscription_item", ("price",), "stripe.subscription", how=NO_PRORATION
    ),
    ("stripe", "contract_line", "discount_percent"): Place(
        "subscription_item",
        ("discounts",),
        "stripe.subscription",
        said=_listed,
        how=NO_PRORATION,
    ),
    # A price never changes; only one that we made is ever archived.
    ("stripe", "price", "list_unit_amount"): Place(
        "price", ("active",), "stripe.price", only=(UNDO_CREATION, UNDO_UPDATE)
    ),
    ("stripe", "subscription", "cancel_decision"): Place(
        "subscription",
        ("cancel_at_period_end",),
        "stripe.subscription",
        beside=(("cancel_at",),),
        said=_flag,
    ),
    ("salesforce", "customer", "is_active"): Place("Account", ("Type",), _ACCOUNT),
    ("netsuite", "customer", "is_active"): Place("customer", ("isInactive",), _ERP, said=_flag),
    ("netsuite", "customer_hierarchy", "parent"): Place(
        "customer", ("parent",), _ERP, said=_reference
    ),
    ("netsuite", "invoice", "invoice_id"): Place(
        "invoice", ("custbody_stripe_invoice_id",), _DOCUMENT, is_unique=True
    ),
    ("netsuite", "payout", "payout_id"): Place(
        "deposit", ("custbody_stripe_payout_id",), _DOCUMENT, is_unique=True
    ),
    ("netsuite", "payment", "amount"): Place("customerPayment", ("payment",), _DOCUMENT),
    ("netsuite", "payment_application", "applied"): Place("customerPayment", ("apply",), _DOCUMENT),
    ("netsuite", "credit_note_application", "applied"): Place("creditMemo", ("apply",), _DOCUMENT),
    ("netsuite", "invoice", "due_date"): Place("invoice", ("dueDate",), _DOCUMENT),
    ("netsuite", "invoice", "invoice_date"): Place("invoice", ("tranDate",), _DOCUMENT),
    ("netsuite", "posting", "period"): Place(
        "journalEntry",
        ("postingPeriod",),
        _DOCUMENT,
        said=_reference,
        also=("invoice", "creditMemo", "customerPayment", "customerRefund", "deposit"),
    ),
    ("salesforce", "product", "is_active"): Place(
        "Product2", ("IsActive",), "salesforce.product2", said=_yes
    ),
    ("stripe", "product", "is_active"): Place("product", ("active",), "stripe.product", said=_yes),
    ("netsuite", "product", "is_active"): Place(
        "serviceSaleItem", ("isInactive",), "netsuite.item", said=_flag
    ),
    ("netsuite", "product", "revenue_account"): Place(
        "serviceSaleItem", ("incomeAccount",), "netsuite.item", said=_reference
    ),
    ("netsuite", "product", "deferred_account"): Place(
        "serviceSaleItem", ("deferredRevenueAccount",), "netsuite.item", said=_reference
    ),
    # An invoice that the schedule of the contract asks for goes out, and is collected as planned.
    ("stripe", "contract", "billing_frequency"): Place(
        "invoice/finalize", ("auto_advance",), "stripe.invoice"
    ),
    # Of a payment that the bank took, billing is told with the invoice that it pays.
    ("stripe", "payment", "bank_receipt"): Place(
        "invoice/pay",
        ("paid_out_of_band",),
        "stripe.invoice",
        beside=(("metadata", "erp_payment_id"), ("metadata", "q2c_correlation_id")),
    ),
    # Lines of a posted invoice are given anew as a whole, with all their taxes.
    ("netsuite", "invoice_line", "product_code"): Place("invoice", (*_LINES, "item"), _DOCUMENT),
    ("netsuite", "invoice_line", "quantity"): Place("invoice", (*_LINES, "quantity"), _DOCUMENT),
    ("netsuite", "invoice_line", "amount"): Place(
        "invoice",
        (*_LINES, "amount"),
        _DOCUMENT,
        beside=((*_LINES, "custcol_stripe_line_id"), (*_LINES, "taxDetailsReference")),
    ),
    ("netsuite", "invoice_line", "service_start_date"): Place(
        "invoice", (*_LINES, "custcol_rev_start"), _DOCUMENT
    ),
    ("netsuite", "invoice_line", "service_end_date"): Place(
        "invoice", (*_LINES, "custcol_rev_end"), _DOCUMENT
    ),
    ("netsuite", "invoice_tax_line", "tax"): Place(
        "invoice", ("taxDetails",), _DOCUMENT, beside=(("taxDetailsOverride",),)
    ),
}

# Documents and records that can be made, and which attributes they carry: one is enough.
DOCUMENTS: Mapping[tuple[str, str], tuple[tuple[str, str], ...]] = {
    ("netsuite", "customer"): (("customer", "legal_name"),),
    ("salesforce", "Account"): (("customer", "billing_customer_ref"),),
    ("salesforce", "Opportunity"): (("subscription", "contract_id"),),
    ("netsuite", "invoice"): (("invoice", "total"),),
    ("netsuite", "creditMemo"): (("credit_note", "total"),),
    ("netsuite", "customerPayment"): (("payment", "amount"),),
    ("stripe", "credit_note"): (("refund", "credited"),),
    ("stripe", "refund"): (("refund", "owed"),),
    ("stripe", "invoiceitem"): (("usage_rating", "billed"),),
    ("stripe", "price"): (("price", "list_unit_amount"), ("price_tier", "unit_amount")),
    ("stripe", "subscription_schedule"): (("contract", "recurring_mrr"),),
    ("stripe", "subscription_item"): (("contract_line", "co_termed_item"),),
    ("netsuite", "customerRefund"): (("refund", "amount"),),
    ("netsuite", "deposit"): (("payout", "net"),),
    ("netsuite", "journalEntry"): (("dispute", "amount"), ("revenue_schedule_line", "amount")),
}


def leaves(values: Mapping[str, Any], above: Path = ()) -> Iterator[tuple[Path, Any]]:
    """All values that a body sets, with the paths to them; lines of a list share theirs."""
    for name, value in values.items():
        if isinstance(value, Mapping) and value:
            yield from leaves(value, (*above, name))
        elif isinstance(value, list) and value:
            for member in value:
                yield from leaves(member, (*above, name))
        else:
            yield (*above, name), value
