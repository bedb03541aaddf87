"""The comparisons: which sides they have and which raw objects they read."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Population:
    """The table whose every row (by source_id) stands on exactly one row of a comparison's side."""

    table: str
    amount: str | None = None  # its money column, when it is the money of the side


@dataclass(frozen=True)
class Comparison:
    """`sides` are roles, named as in the columns `has_<side>` and `<side>_amount_minor`.

    `reads` lists the raw objects (system.object) whose missing or stale rows could show up as drift
    here. Reference objects (terms, products, tax codes) are left out on purpose: a missing row
    there turns a name into null, and a null owner value never drifts. Where the catalogue itself is
    compared, one that was read in part shows beside the drift of the reading.

    `is_folded`: the comparison holds only rows on which something differs. All rows, by id, are in
    `pairs`; those of which both sides are equal, as totals, in `folded`; the ids of those that it
    holds, in `apart`; records of the leading side that are not equal, in full, in `unlike`.
    """

    name: str
    sides: tuple[str, ...]
    reads: frozenset[str]
    populations: tuple[tuple[str, Population], ...] = ()
    is_folded: bool = False

    @property
    def pairs(self) -> str:
        """Where each record of each side stands once."""
        return self._related("pairs") if self.is_folded else f"comparison.{self.name}"

    @property
    def folded(self) -> str:
        return self._related("folded")

    @property
    def apart(self) -> str:
        return self._related("apart")

    @property
    def unlike(self) -> str:
        return self._related("unlike")

    def _related(self, kind: str) -> str:
        return f"comparison.{kind}_{self.name.removeprefix('cmp_')}"


CONTROL = Comparison("cmp_snapshot__source_vs_landed", ("source", "landed"), frozenset())

_CUSTOMERS = frozenset({"salesforce.account", "stripe.customer", "netsuite.customer"})
_SUBSCRIPTIONS = frozenset({"stripe.subscription", "stripe.customer"})
_CONTRACTS = frozenset(
    {"salesforce.contract", "salesforce.opportunity", "salesforce.contract_line"}
)
_ERP_DOCUMENTS = frozenset({"netsuite.transaction", "netsuite.transaction_line"})
_LEDGER = frozenset({"netsuite.transaction", "netsuite.transaction_accounting_line"})
_TRAIL = frozenset({"netsuite.system_note", "netsuite.accounting_period"})
_PLANS = frozenset({"netsuite.revenue_plan", "netsuite.revenue_plan_line"})
_SCHEDULES = (
    _ERP_DOCUMENTS
    | _PLANS
    | {"stripe.invoice", "stripe.credit_note", "stripe.usage", "netsuite.transaction_link"}
)

# Every customer comparison reads all three customer objects, since who is whom depends on all.
COMPARISONS = (
    CONTROL,
    Comparison(
        "cmp_customer__crm_vs_billing",
        ("crm", "billing"),
        _CUSTOMERS | {"stripe.subscription"},
        (("billing", Population("conformed.customer__billing")),),
    ),
    Comparison(
        "cmp_customer__billing_vs_erp",
        ("billing", "erp"),
        _CUSTOMERS | {"stripe.invoice", "stripe.charge"},
        (("billing", Population("conformed.customer__billing")),),
    ),
    Comparison("cmp_customer__crm_vs_erp", ("crm", "erp"), _CUSTOMERS),
    Comparison(
        "cmp_customer_status__billing_vs_erp",
        ("billing", "erp"),
        _CUSTOMERS | {"stripe.subscription", "stripe.invoice"},
    ),
    Comparison(
        "cmp_customer_parent__crm_vs_erp",
        ("crm", "erp"),
        _CUSTOMERS | {"stripe.subscription", "stripe.invoice"},
    ),
    Comparison(
        "cmp_contract_party__crm_vs_billing",
        ("crm", "billing"),
        _CUSTOMERS | _CONTRACTS | _SUBSCRIPTIONS | {"stripe.invoice"},
    ),
    Comparison(
        "cmp_invoice_party__billing_vs_erp",
        ("billing", "erp"),
        _CUSTOMERS | _ERP_DOCUMENTS | {"stripe.invoice"},
    ),
    Comparison("cmp_customer__within_system", ("system",), _CUSTOMERS),
    Comparison("cmp_customer_link__copy_vs_crosswalk", ("copy", "crosswalk"), _CUSTOMERS),
    Comparison(
        "cmp_product__within_system",
        ("system",),
        frozenset({"stripe.subscription"}),
    ),
    Comparison(
        "cmp_product_account__within_erp",
        ("erp",),
        _ERP_DOCUMENTS,
    ),
    Comparison(
        "cmp_price__crm_vs_billing",
        ("crm", "billing"),
        frozenset({"stripe.subscription"}),
    ),
    Comparison(
        "cmp_contract__crm_vs_billing",
        ("crm", "billing"),
        _CUSTOMERS | _CONTRACTS | _SUBSCRIPTIONS,
        (("crm", Population("conformed.contract__crm")),),
    ),
    Comparison(
        "cmp_contract_term__crm_vs_billing", ("crm", "billing"), _CONTRACTS | _SUBSCRIPTIONS
    ),
    Comparison(
        "cmp_contract_line__crm_vs_billing", ("crm", "billing"), _CONTRACTS | _SUBSCRIPTIONS
    ),
    Comparison(
        "cmp_contract_change__crm_vs_billing",
        ("crm", "billing"),
        _CONTRACTS | _SUBSCRIPTIONS | {"salesforce.contract_line_history", "stripe.invoice"},
    ),
    Comparison(
        "cmp_contract_renewal__crm_vs_billing",
        ("crm", "billing"),
        _CONTRACTS | _SUBSCRIPTIONS | {"salesforce.contract_history"},
    ),
    Comparison(
        "cmp_contract_add_on__crm_vs_billing", ("crm", "billing"), _CONTRACTS | _SUBSCRIPTIONS
    ),
    Comparison(
        "cmp_contract_phase__crm_vs_billing",
        ("crm", "billing"),
        _CONTRACTS | _SUBSCRIPTIONS | {"stripe.subscription_schedule"},
    ),
    Comparison(
        "cmp_subscription__crm_vs_billing",
        ("crm", "billing"),
        frozenset({"salesforce.subscription", "stripe.subscription"}),
        (
            ("crm", Population("conformed.subscription__crm")),
            ("billing", Population("conformed.subscription__billing")),
        ),
    ),
    Comparison(
        "cmp_subscription_item__within_billing",
        ("billing",),
        frozenset({"stripe.subscription", "stripe.invoice", "salesforce.contract_line"}),
        (("billing", Population("conformed.subscription_item__billing")),),
    ),
    Comparison(
        "cmp_invoice__billing_vs_erp",
        ("billing", "erp"),
        _ERP_DOCUMENTS | {"stripe.invoice", "netsuite.transaction_link"},
        (
            ("billing", Population("conformed.invoice__billing", "total_minor")),
            ("erp", Population("conformed.invoice__erp", "total_minor")),
        ),
        is_folded=True,
    ),
    Comparison(
        "cmp_invoice_line__billing_vs_erp",
        ("billing", "erp"),
        _ERP_DOCUMENTS | {"stripe.invoice"},
        (
            ("billing", Population("conformed.invoice_line__billing", "amount_minor")),
            ("erp", Population("conformed.invoice_line__erp", "amount_minor")),
        ),
    ),
    Comparison(
        "cmp_invoice__within_billing",
        ("billing",),
        frozenset({"stripe.invoice", "stripe.subscription"}),
        (("billing", Population("conformed.invoice__billing", "total_minor")),),
    ),
    # An invoice's taxes of one country are one row, so no table's rows can be counted here.
    Comparison(
        "cmp_invoice_tax__billing_vs_erp",
        ("billing", "erp"),
        _ERP_DOCUMENTS | {"stripe.invoice"},
    ),
    Comparison(
        "cmp_credit_note__billing_vs_erp",
        ("billing", "erp"),
        _ERP_DOCUMENTS | {"stripe.credit_note", "stripe.invoice", "netsuite.transaction_link"},
        (
            ("billing", Population("conformed.credit_note__billing", "total_minor")),
            ("erp", Population("conformed.credit_note__erp", "total_minor")),
        ),
    ),
    Comparison(
        "cmp_credit_note_application__billing_vs_erp",
        ("billing", "erp"),
        _ERP_DOCUMENTS | {"stripe.credit_note", "stripe.invoice", "netsuite.transaction_link"},
        (
            ("billing", Population("conformed.credit_note_application__billing", "applied_minor")),
            ("erp", Population("conformed.credit_note_application__erp", "applied_minor")),
        ),
    ),
    Comparison(
        "cmp_payment__billing_vs_erp",
        ("billing", "erp"),
        frozenset({"stripe.charge", "netsuite.transaction", "netsuite.transaction_link"}),
        (
            ("billing", Population("conformed.payment__billing", "amount_minor")),
            ("erp", Population("conformed.payment__erp", "amount_minor")),
        ),
    ),
    Comparison(
        "cmp_payment_application__billing_vs_erp",
        ("billing", "erp"),
        frozenset({"stripe.charge", "stripe.invoice_payment", "stripe.invoice"})
        | {"netsuite.transaction", "netsuite.transaction_link"},
        (
            ("billing", Population("conformed.payment_application__billing", "applied_minor")),
            ("erp", Population("conformed.payment_application__erp", "applied_minor")),
        ),
    ),
    Comparison(
        "cmp_refund__billing_vs_erp",
        ("billing", "erp"),
        frozenset(
            {"stripe.refund", "stripe.credit_note", "stripe.charge", "netsuite.transaction"}
            | {"netsuite.transaction_link"}
        ),
        (
            ("billing", Population("conformed.refund__billing", "amount_minor")),
            ("erp", Population("conformed.refund__erp", "amount_minor")),
        ),
    ),
    Comparison(
        "cmp_dispute__billing_vs_erp",
        ("billing", "erp"),
        frozenset({"stripe.dispute", "stripe.balance_transaction", "netsuite.transaction"}),
        (("erp", Population("conformed.dispute_entry__erp", "total_minor")),),
    ),
    Comparison(
        "cmp_payout__billing_vs_erp",
        ("billing", "erp"),
        frozenset({"stripe.payout", "stripe.balance_transaction", "netsuite.transaction"})
        | {"netsuite.transaction_line", "netsuite.transaction_accounting_line"},
        (
            ("billing", Population("conformed.payout__billing", "amount_minor")),
            ("erp", Population("conformed.deposit__erp", "net_minor")),
        ),
    ),
    Comparison(
        "cmp_payout__billing_vs_bank",
        ("billing", "bank"),
        frozenset({"stripe.payout", "netsuite.transaction"})
        | {"bank.statement", "bank.statement_line"},
        (("billing", Population("conformed.payout__billing", "amount_minor")),),
    ),
    Comparison("cmp_revenue_schedule__policy_vs_erp", ("policy", "erp"), _SCHEDULES),
    Comparison("cmp_revenue_period__policy_vs_erp", ("policy", "erp"), _SCHEDULES),
    Comparison("cmp_contract_modification__policy_vs_erp", ("policy", "erp"), _SCHEDULES),
    Comparison("cmp_deferred_entry__plans_vs_ledger", ("plans", "ledger"), _SCHEDULES | _LEDGER),
    Comparison(
        "cmp_exchange_difference__rates_vs_ledger",
        ("rates", "ledger"),
        _ERP_DOCUMENTS
        | {"netsuite.transaction_accounting_line", "netsuite.transaction_link"}
        | {"stripe.invoice_payment", "stripe.charge"},
    ),
    Comparison(
        "cmp_usage__metered_vs_billing",
        ("metered", "billing"),
        frozenset({"stripe.usage", "stripe.invoice", "stripe.invoiceitem", "stripe.subscription"}),
    ),
    Comparison("cmp_posting__event_vs_ledger", ("event", "ledger"), _LEDGER | _PLANS),
    Comparison(
        "cmp_posting_line__mapping_vs_ledger",
        ("mapping", "ledger"),
        _LEDGER | {"netsuite.transaction_line"},
    ),
    Comparison(
        "cmp_clearing_entry__within_erp",
        ("erp",),
        _ERP_DOCUMENTS | {"netsuite.transaction_accounting_line", "netsuite.transaction_link"},
    ),
    Comparison(
        "cmp_journal_entry__within_erp",
        ("erp",),
        _LEDGER,
        (("erp", Population("conformed.journal_entry__erp", "debit_minor")),),
    ),
    Comparison("cmp_journal_edit__within_erp", ("erp",), _LEDGER | _TRAIL | _PLANS),
    Comparison("cmp_field_writes__within_erp", ("erp",), _LEDGER | _TRAIL),
    Comparison("cmp_closed_journal__signed_vs_ledger", ("signed", "ledger"), _LEDGER | _TRAIL),
    Comparison(
        "cmp_mrr_month__movements_vs_closing",
        ("movements", "closing"),
        frozenset({"stripe.subscription", "stripe.invoice"}),
    ),
    Comparison(
        "cmp_account_arr__crm_vs_contracts",
        ("crm", "contracts"),
        _CUSTOMERS | _CONTRACTS,
    ),
)

BY_NAME = {comparison.name: comparison for comparison in COMPARISONS}
