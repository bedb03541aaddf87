"""What TO-EXT ties of credits, refunds, disputes, payouts, and of what settles what."""

from reconcilers.entity_sums import EntitySum, LeftOut, counted, summed
from reconcilers.entity_sums_erp import copies, document_lines, minor, transactions

_BILLING = "staging.stg_stripe__"
_ERP = "staging.stg_netsuite__"
_OF_BILLING = "owner_role = 'billing'"


def _document(entity: str, kind: str, published: str, amount: str) -> EntitySum:
    """ERP documents that copy one of billing, or stand alone; the ERP signs some, we none."""
    return EntitySum(
        entity,
        "netsuite.transaction",
        f"{_ERP}transactions",
        published,
        transactions(kind, amount="abs(documents.total)"),
        f"select currency, {amount} as amount_minor from {published} where owner_role = 'erp'",
        (copies(entity, amount),),
    )


def _applications(entity: str, kind: str, amount: str) -> EntitySum:
    """Links of ERP documents of a type to invoices, one for each pair of documents."""
    published = f"conformed.{entity}__erp"
    return EntitySum(
        entity,
        "netsuite.transaction_link",
        f"{_ERP}transaction_links",
        published,
        "select told.currency, cast(round(sum("
        f"{amount} * units.minor_per_unit)) as bigint) as amount_minor "
        f"from {_ERP}transaction_links as links "
        f"inner join {_ERP}transactions as documents "
        "on links.next_transaction_id = documents.transaction_id "
        f"inner join {_ERP}transactions as invoices "
        "on links.previous_transaction_id = invoices.transaction_id "
        f"left join {_ERP}currencies as told on documents.currency_id = told.currency_id "
        "left join seeds.currencies as units on told.currency = units.currency "
        f"where documents.transaction_type = '{kind}' and invoices.transaction_type = 'invoice' "
        "and links.link_type = 'payment' "
        "group by told.currency, links.next_transaction_id, links.previous_transaction_id",
        f"select currency, applied_minor as amount_minor from {published}",
    )


_UNPAID = LeftOut(
    "not paid: open or canceled",
    f"select currency, amount_minor from {_BILLING}invoice_payments where status <> 'paid'",
)
_PAYOUT_ITSELF = LeftOut(
    "the payout's own movement",
    "select null::varchar as currency, 0 as amount_minor "
    f"from {_BILLING}payout_members as members inner join {_BILLING}payouts as payouts "
    "using (payout_id) where members.balance_transaction_id = payouts.balance_transaction_id",
)
_DEPOSITS_ELSEWHERE = LeftOut(
    "copies of billing's payout, duplicates, voided deposits, and those that name no payout",
    "select erp.currency, erp.net_minor as amount_minor from conformed.deposit__erp as erp "
    "inner join canonical.deposit_copies as copies using (erp_internal_id) "
    "where copies.copy_role in ('primary', 'duplicate', 'voided', 'manual')",
)

_PER_CREDITED_LINE = (
    "group by lines.currency, lines.credit_note_key, lines.line_key "
    "having sum(lines.amount_minor) <> 0"
)
_CREDITED = (
    "select lines.currency, -sum(lines.amount_minor)::bigint as amount_minor "
    "from canonical.credit_note_lines as lines "
    "inner join canonical.credit_notes as notes using (credit_note_key) "
    "left join canonical.invoices as invoices on lines.invoice_key = invoices.invoice_key "
)
_NOTHING_TO_TAKE_BACK = LeftOut(
    "void notes, and credits of drafts and void invoices, which earn nothing",
    f"{_CREDITED} where notes.status = 'void' or coalesce(invoices.status "
    f"not in ('open', 'partially_paid', 'paid', 'written_off'), false) {_PER_CREDITED_LINE}",
)

_BANK = "staging.stg_bank__"
_LINES = (
    "select lines.currency, "
    "cast(round(lines.amount * units.minor_per_unit) as bigint) as amount_minor "
    f"from {_BANK}statement_lines as lines "
    "inner join seeds.currencies as units on lines.currency = units.currency"
)
_HELD_BACK = LeftOut(
    "lines of statements that are held back",
    f"{_LINES} where lines.statement_id not in (select statement_id from {_BANK}statements)",
)

SETTLEMENT: tuple[EntitySum, ...] = (
    counted("statement", "bank.statement", f"{_BANK}statements", "conformed.statement__bank"),
    EntitySum(
        "movement",
        "bank.statement_line",
        f"{_BANK}statement_lines",
        "canonical.bank_movements",
        _LINES,
        "select currency, amount_minor from canonical.bank_movements",
        (_HELD_BACK,),
    ),
    summed(
        "credit_note",
        "stripe.credit_note",
        (f"{_BILLING}credit_notes", "total_minor"),
        ("canonical.credit_notes", "total_minor"),
        where=_OF_BILLING,
    ),
    EntitySum(
        "credit_note_line",
        "stripe.credit_note",
        f"{_BILLING}credit_note_lines",
        "canonical.credit_note_lines",
        f"select currency, gross_minor - discount_minor as amount_minor "
        f"from {_BILLING}credit_note_lines",
        "select currency, sum(amount_minor)::bigint as amount_minor "
        f"from canonical.credit_note_lines where {_OF_BILLING} group by currency, source_line_id",
    ),
    # Beyond the canonical line: what is taken back of what its invoice earns.
    EntitySum(
        "revenue_credit",
        "stripe.credit_note",
        "canonical.credit_note_lines",
        "canonical.revenue_schedules",
        f"{_CREDITED} {_PER_CREDITED_LINE}",
        "select lines.currency, sum(lines.amount_minor)::bigint as amount_minor "
        "from canonical.revenue_schedule_lines as lines "
        "where lines.credit_note_key is not null group by lines.currency, lines.schedule_key",
        (_NOTHING_TO_TAKE_BACK,),
    ),
    EntitySum(
        "balance_use",
        "stripe.invoice",
        f"{_BILLING}invoices",
        "conformed.balance_use__billing",
        "select currency, ending_balance_minor - starting_balance_minor as amount_minor "
        f"from {_BILLING}invoices where finalized_at is not null "
        "and ending_balance_minor > starting_balance_minor and stripe_status <> 'void'",
        "select currency, sum(used_minor)::bigint as amount_minor "
        "from conformed.balance_use__billing group by currency, invoice_id",
    ),
    summed(
        "refund",
        "stripe.refund",
        (f"{_BILLING}refunds", "amount_minor"),
        ("canonical.refunds", "amount_minor"),
        where=_OF_BILLING,
    ),
    summed(
        "dispute",
        "stripe.dispute",
        (f"{_BILLING}disputes", "amount_minor"),
        ("canonical.disputes", "amount_minor"),
    ),
    summed(
        "payout",
        "stripe.payout",
        (f"{_BILLING}payouts", "amount_minor"),
        ("canonical.payouts", "net_minor"),
        where=_OF_BILLING,
    ),
    counted(
        "payout_member",
        "stripe.payout",
        f"{_BILLING}payout_members",
        "canonical.payout_members",
        left_out=(_PAYOUT_ITSELF,),
    ),
    summed(
        "payment_application",
        "stripe.invoice_payment",
        (f"{_BILLING}invoice_payments", "amount_minor"),
        ("conformed.payment_application__billing", "applied_minor"),
        left_out=(_UNPAID,),
    ),
    _document("credit_note", "credit_note", "canonical.credit_notes", "total_minor"),
    EntitySum(
        "credit_note_line",
        "netsuite.transaction_line",
        f"{_ERP}transaction_lines",
        "conformed.credit_note_line__erp",
        document_lines(
            "credit_note",
            minor("lines.amount"),
            "not lines.is_main_line and not lines.is_tax_line and lines.amount <> 0",
        ),
        "select currency, amount_minor from conformed.credit_note_line__erp",
    ),
    _document("refund", "refund", "canonical.refunds", "amount_minor"),
    EntitySum(
        "payout",
        "netsuite.transaction",
        f"{_ERP}transactions",
        "canonical.payouts",
        transactions("deposit"),
        "select currency, net_minor as amount_minor from canonical.payouts "
        "where owner_role = 'erp'",
        (_DEPOSITS_ELSEWHERE,),
    ),
    _applications("payment_application", "payment", "links.amount"),
    _applications("credit_note_application", "credit_note", "abs(links.amount)"),
)
