"""What TO-EXT ties of the ERP: decimals become minor units by their currency on both sides."""

from reconcilers.entity_sums import EntitySum, LeftOut, counted

_STAGED = "staging.stg_netsuite__"
_UNITS = (
    f" left join (select named.currency_id, named.currency, units.minor_per_unit from {_STAGED}"
    "currencies as named left join seeds.currencies as units on named.currency = units.currency)"
    " as told on {} = told.currency_id "
)


def minor(amount: str) -> str:
    """Whole minor units, as a decimal."""
    # No cast of each amount: it takes as long as rounding it, and sums are cast in the end.
    return f"round({amount} * told.minor_per_unit)"


def transactions(kind: str, *, amount: str = "documents.total") -> str:
    """ERP documents of one type, minor units of their own currency."""
    return (
        f"select told.currency, {minor(amount)} as amount_minor "
        f"from {_STAGED}transactions as documents {_UNITS.format('documents.currency_id')} "
        f"where documents.transaction_type = '{kind}'"
    )


def copies(entity: str, amount: str) -> LeftOut:
    """ERP documents that are no canonical document of their own."""
    return LeftOut(
        "copies of billing's document, duplicates and voided copies",
        f"select erp.currency, erp.{amount} as amount_minor from conformed.{entity}__erp as erp "
        f"inner join canonical.{entity}_copies as copies using (erp_internal_id) "
        "where copies.copy_role in ('primary', 'duplicate', 'credited', 'of_copy', 'voided')",
    )


def document_lines(kind: str, amount: str, condition: str = "true", left_out: str = "null") -> str:
    """Lines of ERP documents of one type, minor units of the document's currency."""
    return (
        f"select told.currency, {amount} as amount_minor, {left_out} as left_out "
        f"from {_STAGED}transaction_lines as lines "
        f"inner join {_STAGED}transactions as documents using (transaction_id)"
        f"{_UNITS.format('documents.currency_id')}"
        f"where documents.transaction_type = '{kind}' and {condition}"
    )


def _told(*reasons: tuple[LeftOut, str]) -> str:
    """The column by which staged records tell why they are left out: the first that is so."""
    cases = " ".join(f"when {condition} then '{left.reason}'" for left, condition in reasons)
    return f"case {cases} end"


SOLD = f"-{minor('lines.amount')}"  # NetSuite shows what is sold, and its tax, as negative
IS_ITEM = "not lines.is_main_line and not lines.is_tax_line and lines.item_id is not null"
IS_TAX = "not lines.is_main_line and lines.is_tax_line"
_IN_PRIMARY_BOOK = (
    "lines.accounting_book = (select coalesce(min(accounting_book_id), '1') "
    f"from {_STAGED}accounting_books where is_primary)"
)

# Debits and credits together, minor units of the functional currency.
_FURTHER_BOOKS = LeftOut("lines of further accounting books")
_NOT_POSTING = LeftOut("lines that do not post")
_NO_TRANSACTION = LeftOut("lines whose transaction is missing or does not post")
_POSTS = f"{_IN_PRIMARY_BOOK} and lines.is_posting"
_LEFT_OF_LEDGER = _told(
    (_FURTHER_BOOKS, f"not {_IN_PRIMARY_BOOK}"),
    (_NOT_POSTING, f"{_IN_PRIMARY_BOOK} and not lines.is_posting"),
    (_NO_TRANSACTION, f"{_POSTS} and not coalesce(documents.is_posting, false)"),
)
_LEDGER_LINES = (
    f"select told.currency, {minor('(lines.debit + lines.credit)')} as amount_minor, "
    f"{_LEFT_OF_LEDGER} as left_out "
    f"from {_STAGED}transaction_accounting_lines as lines "
    f"left join {_STAGED}transactions as documents using (transaction_id) "
    "left join (select transaction_id, min(subsidiary_id) as subsidiary_id "
    f"from {_STAGED}transaction_lines group by transaction_id) as owned using (transaction_id) "
    f"left join (select subsidiary_id, told.* from {_STAGED}subsidiaries as entities"
    f"{_UNITS.format('entities.currency_id')}) as told using (subsidiary_id)"
)

_NO_PLAN = LeftOut("lines whose plan is missing")
_PLAN_LINES = (
    f"select told.currency, {minor('lines.amount')} as amount_minor, "
    f"{_told((_NO_PLAN, 'plans.revenue_plan_id is null'))} as left_out "
    f"from {_STAGED}revenue_plan_lines as lines "
    f"left join {_STAGED}revenue_plans as plans using (revenue_plan_id)"
    f"{_UNITS.format('plans.currency_id')}"
)

_MAIN_LINES = LeftOut("main lines, which repeat the total")
_NO_ITEM = LeftOut("lines without an item, which carry rounding in base currency")

_REFERENCE = (
    counted("customer", "netsuite.customer", f"{_STAGED}customers", "conformed.customer__erp"),
    counted("product", "netsuite.item", f"{_STAGED}items", "conformed.product__erp"),
    counted(
        "legal_entity",
        "netsuite.subsidiary",
        f"{_STAGED}subsidiaries",
        "canonical.legal_entities",
        where="is_in_erp",
    ),
    counted(
        "ledger_account",
        "netsuite.account",
        f"{_STAGED}accounts",
        "canonical.ledger_accounts",
        where="is_in_erp",
    ),
    counted(
        "tax_code",
        "netsuite.tax_code",
        f"{_STAGED}tax_codes",
        "canonical.tax_codes",
        where="is_in_erp",
    ),
    counted(
        "accounting_period",
        "netsuite.accounting_period",
        f"{_STAGED}accounting_periods",
        "canonical.accounting_periods",
    ),
    counted(
        "fx_rate",
        "netsuite.exchange_rate",
        f"{_STAGED}exchange_rates",
        "canonical.fx_rates",
        where="rate_type = 'erp'",
        left_out=(
            LeftOut(
                "replaced by a later rate of the same day",
                "select null::varchar as currency, 0 as amount_minor from (select row_number() "
                "over (partition by base_currency_id, transaction_currency_id, effective_date) "
                f"as place from {_STAGED}exchange_rates) where place > 1",
            ),
        ),
    ),
)

_DOCUMENTS = (
    EntitySum(
        "invoice",
        "netsuite.transaction",
        f"{_STAGED}transactions",
        "canonical.invoices",
        transactions("invoice"),
        "select currency, total_minor as amount_minor "
        "from canonical.invoices where owner_role = 'erp'",
        (copies("invoice", "total_minor"),),
    ),
    EntitySum(
        "payment",
        "netsuite.transaction",
        f"{_STAGED}transactions",
        "canonical.payments",
        transactions("payment"),
        "select currency, amount_minor from canonical.payments where owner_role = 'erp'",
        (copies("payment", "amount_minor"),),
    ),
    EntitySum(
        "invoice_line",
        "netsuite.transaction_line",
        f"{_STAGED}transaction_lines",
        "conformed.invoice_line__erp",
        document_lines(
            "invoice",
            f"case when lines.is_main_line then 0 else {SOLD} end",
            left_out=_told(
                (_MAIN_LINES, "lines.is_main_line"),
                (_NO_ITEM, f"not lines.is_main_line and not ({IS_ITEM}) and not ({IS_TAX})"),
            ),
        ),
        "select currency, amount_minor from conformed.invoice_line__erp",
        (_MAIN_LINES, _NO_ITEM),
    ),
    EntitySum(
        "invoice_tax_line",
        "netsuite.transaction_line",
        f"{_STAGED}transaction_lines",
        "conformed.invoice_tax_line__erp",
        document_lines("invoice", SOLD, IS_TAX),
        "select currency, tax_minor as amount_minor from conformed.invoice_tax_line__erp",
    ),
)

_LEDGER = (
    counted(
        "journal_entry",
        "netsuite.transaction",
        f"{_STAGED}transactions",
        "canonical.journal_entries",
        left_out=(
            LeftOut(
                "documents that do not post, or post nothing to the primary book",
                f"select null::varchar as currency, 0 as amount_minor "
                f"from {_STAGED}transactions as documents where not documents.is_posting "
                f"or documents.transaction_id not in (select lines.transaction_id "
                f"from {_STAGED}transaction_accounting_lines as lines "
                f"where {_IN_PRIMARY_BOOK} and lines.is_posting)",
            ),
        ),
    ),
    EntitySum(
        "journal_entry_line",
        "netsuite.transaction_accounting_line",
        f"{_STAGED}transaction_accounting_lines",
        "canonical.journal_entry_lines",
        _LEDGER_LINES,
        "select currency, debit_minor + credit_minor as amount_minor "
        "from canonical.journal_entry_lines",
        (_FURTHER_BOOKS, _NOT_POSTING, _NO_TRANSACTION),
    ),
    EntitySum(
        "revenue_event",
        "netsuite.revenue_plan_line",
        f"{_STAGED}revenue_plan_lines",
        "canonical.revenue_events",
        _PLAN_LINES,
        # what our journals catch up is no line of a plan
        "select currency, amount_minor from canonical.revenue_events "
        "where not coalesce(is_catch_up, false)",
        (_NO_PLAN,),
    ),
)

ERP: tuple[EntitySum, ...] = (*_REFERENCE, *_DOCUMENTS, *_LEDGER)
