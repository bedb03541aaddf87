"""The SQL of the facts for applying payments and credit memos of the ERP anew.

Of drift that says which document it is about, and no other; by the rules of context.py.
"""

from collections.abc import Mapping

# Which documents of the ERP the findings are about, by the rows of their comparisons.
_CONCERNED = """
    -- of what the bank collected only the payer's own words say what it is for
    matched as (
        select drift.row_key, allocated.left_id as document_id,
               allocated.right_id as transaction_id, allocated.allocated_minor
        from reconciliation.drift
        join reconciliation.match_allocations as allocated
            on drift.owner_id = allocated.left_id
            and drift.snapshot_date = allocated.snapshot_date
        join reconciliation.matches as matches
            on allocated.match_id = matches.match_id
            and allocated.snapshot_date = matches.snapshot_date
        where drift.code = 'PAY-APPL-01' and drift.entity = 'payment'
            and matches.pairing = 'cash_application' and matches.mode = 'automatic'
    ),
    concerned as (
        select drift.row_key, drift.replica_id as document_id, 'customerPayment' as object,
               false as is_banked
        from reconciliation.drift
        where replica_id is not null and (
            (code = 'PAY-APPL-01' and entity = 'payment_application')
            or (code = 'PAY-AMT-01' and cause = 'fee_netted')
        )
        union all
        select drift.row_key, copies.erp_internal_id, 'creditMemo', false
        from reconciliation.drift
        join comparison.cmp_credit_note_application__billing_vs_erp as compared
            on drift.row_key = compared.row_key
        join canonical.credit_note_copies as copies
            on compared.credit_note_id = copies.credit_note_id and copies.copy_role = 'primary'
        where drift.code = 'CRN-APPL-01' and compared.has_billing
        union all
        select distinct row_key, document_id, 'customerPayment', true from matched
    )
"""

APPLICATION_QUERIES: Mapping[str, str] = {
    # What was paid out of a document can no longer be applied.
    "erp_settlements": f"""
        with {_CONCERNED},
        paid_out as (
            select links.previousdoc as document_id,
                   sum(abs(cast(links.foreignamount as decimal(28, 8)))) as amount
            from raw.netsuite__transaction_link as links
            join raw.netsuite__transaction as refunds on links.nextdoc = refunds.id
            where refunds.type = 'CustRfnd' and refunds.voided = 'F' group by links.previousdoc
        )
        select concerned.row_key, concerned.object, concerned.is_banked, wire.id as document_id,
               wire.entity as customer_id, upper(currencies.symbol) as currency,
               wire.postingperiod as period_id, wire.voided, wire.lastmodifieddate as version,
               cast(
                   (abs(cast(wire.foreigntotal as decimal(28, 8))) - coalesce(paid_out.amount, 0))
                   * power(10, cast(currencies.currencyprecision as integer)) as bigint
               ) as available_minor, wire.id in (
                   select previousdoc from raw.netsuite__transaction_link
                   where linktype = 'Deposit'
               ) as is_deposited
        from concerned
        join raw.netsuite__transaction as wire on concerned.document_id = wire.id
        join raw.netsuite__currency as currencies on wire.currency = currencies.id
        left join paid_out on wire.id = paid_out.document_id
    """,
    # Of those documents what is taken off which invoice: as it is, and as billing says.
    "erp_applications": f"""
        with {_CONCERNED},
        documents as (select distinct document_id from concerned),
        as_it_is as (
            select erp_internal_id as document_id, invoice_erp_internal_id as transaction_id,
                   applied_minor
            from conformed.payment_application__erp
            union all
            select erp_internal_id, invoice_erp_internal_id, applied_minor
            from conformed.credit_note_application__erp
        ),
        held as (
            select document_id, transaction_id, sum(applied_minor) as minor
            from as_it_is where document_id in (select document_id from documents) group by all
        ),
        said as (
            select copies.erp_internal_id as document_id, applied.invoice_id,
                   applied.applied_minor, false as is_guess
            from conformed.payment_application__billing as applied
            join canonical.payment_copies as copies
                on applied.payment_id = copies.payment_id and copies.copy_role = 'primary'
            where copies.erp_internal_id in (select document_id from documents)
            union all
            select copies.erp_internal_id, applied.invoice_id, applied.applied_minor,
                   applied.method = 'customer_balance'
            from conformed.credit_note_application__billing as applied
            join canonical.credit_note_copies as copies
                on applied.credit_note_id = copies.credit_note_id and copies.copy_role = 'primary'
            where copies.erp_internal_id in (select document_id from documents)
        ),
        wanted as (
            select said.document_id, said.invoice_id, invoices.erp_internal_id as transaction_id,
                   sum(said.applied_minor) as minor, bool_or(said.is_guess) as is_guess
            from said
            left join canonical.invoice_copies as copies
                on said.invoice_id = copies.invoice_id and copies.copy_role = 'primary'
            left join conformed.invoice__erp as invoices
                on copies.erp_internal_id = invoices.erp_internal_id and not invoices.is_voided
            group by all
            union all
            select document_id, null, transaction_id, sum(minor), false
            from (
                select document_id, transaction_id, allocated_minor as minor from matched
                union all
                select document_id, transaction_id, minor from held
                where document_id in (select document_id from matched)
            ) as banked
            group by all
        )
        select coalesce(held.document_id, wanted.document_id) as document_id,
               coalesce(held.transaction_id, wanted.transaction_id) as transaction_id,
               wanted.invoice_id, wire.entity as customer_id, invoices.currency,
               coalesce(invoices.amount_due_minor, 0) as unpaid_minor,
               coalesce(held.minor, 0) as held_minor, coalesce(wanted.minor, 0) as wanted_minor,
               coalesce(wanted.is_guess, false) as is_guess,
               coalesce(copies.copy_role not in ('manual', 'unsourced'), false) as is_billed
        from held
        full join wanted
            on held.document_id = wanted.document_id
            and held.transaction_id = wanted.transaction_id
        left join conformed.invoice__erp as invoices
            on coalesce(held.transaction_id, wanted.transaction_id) = invoices.erp_internal_id
        left join raw.netsuite__transaction as wire on invoices.erp_internal_id = wire.id
        left join canonical.invoice_copies as copies
            on invoices.erp_internal_id = copies.erp_internal_id
        order by document_id, transaction_id, wanted.invoice_id
    """,
}
