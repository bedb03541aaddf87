"""The SQL of the facts for refunds and deposits of the ERP; by the rules of context.py."""

from collections.abc import Mapping

_NOT_DEPOSITED = """
    select owner_id from reconciliation.drift
    where code = 'PYT-DEP-01' and cause = 'not_deposited'
"""

CASH_QUERIES: Mapping[str, str] = {
    # A refund pays out the memo that stands for its credit note; without one, and if all of it is
    # owed without a credit, the payment of its charge, as far as that pays nothing else.
    "billing_refunds": """
        select refunds.refund_id, refunds.payment_id, refunds.credit_note_id, refunds.legal_entity,
               refunds.currency, refunds.refund_date, refunds.amount_minor,
               wire.id as transaction_id, wire.entity as customer_id,
               coalesce(customers.isinactive, 'F') as is_customer_inactive,
               coalesce(notes.currency, on_account.currency) as memo_currency,
               wire.foreignamountunpaid as unpaid,
               coalesce(notes.unapplied_minor, on_account.amount_minor, 0) as open_minor,
               on_account.item_id is not null as is_of_payment, wire.foreigntotal as total
        from conformed.refund__billing as refunds
        left join canonical.credit_note_copies as copies
            on refunds.credit_note_id = copies.credit_note_id and copies.copy_role = 'primary'
        left join conformed.credit_note__erp as notes
            on copies.erp_internal_id = notes.erp_internal_id and not notes.is_voided
        left join comparison.cmp_refund__billing_vs_erp as compared
            on refunds.refund_id = compared.billing_id
        left join canonical.payment_copies as paid
            on refunds.payment_id = paid.payment_id and paid.copy_role = 'primary'
            and refunds.credit_note_id is null and compared.uncredited_minor = 0
        left join matching.unapplied_payments as on_account
            on paid.erp_internal_id = on_account.item_id
        left join raw.netsuite__transaction as wire
            on wire.id = coalesce(notes.erp_internal_id, on_account.item_id)
        left join raw.netsuite__customer as customers on wire.entity = customers.id
        where refunds.refund_id in (
            select owner_id from reconciliation.drift
            where code = 'RFD-MISS-01' and cause = 'not_posted'
        )
    """,
    "billing_payouts": f"""
        select payouts.payout_id, payouts.currency, payouts.arrival_date, payouts.amount_minor,
               payouts.is_reconciled,
               cast(coalesce(sum(members.net_minor), 0) as bigint) as net_minor,
               cast(coalesce(sum(members.fee_minor), 0) as bigint) as fee_minor
        from conformed.payout__billing as payouts
        left join conformed.payout_member__billing as members
            on payouts.payout_id = members.payout_id
        where payouts.payout_id in ({_NOT_DEPOSITED})
        group by all
    """,
    # What a payout consists of, beside the ERP's payment or refund that waits for its deposit.
    "payout_members": f"""
        with members as (
            select * from conformed.payout_member__billing where payout_id in ({_NOT_DEPOSITED})
        ),
        posted as (
            select payments.payment_id as source_id, payments.erp_internal_id, payments.currency,
                   payments.amount_minor
            from conformed.payment__erp as payments
            join canonical.payment_copies as copies
                on payments.erp_internal_id = copies.erp_internal_id
            where copies.copy_role = 'primary'
              and payments.payment_id in (select member_source_id from members)
            union all
            select refunds.refund_id, refunds.erp_internal_id, refunds.currency,
                   -refunds.amount_minor
            from conformed.refund__erp as refunds
            join canonical.refund_copies as copies
                on refunds.erp_internal_id = copies.erp_internal_id
            where copies.copy_role = 'primary'
              and refunds.refund_id in (select member_source_id from members)
        )
        select members.payout_id, members.balance_transaction_id, members.source_kind,
               members.member_source_id as source_id, members.gross_minor,
               posted.erp_internal_id as transaction_id, posted.currency, posted.amount_minor,
               wire.foreigntotal as total, main.subsidiary as subsidiary_id, (
                   select min(booked.account)
                   from raw.netsuite__transaction_accounting_line as booked
                   where booked.transaction = wire.id and booked.transactionline = main.id
               ) as account_id, wire.id in (
                   select previousdoc from raw.netsuite__transaction_link
                   where linktype = 'Deposit'
               ) as is_deposited
        from members
        left join posted on members.member_source_id = posted.source_id
            and members.source_kind in ('payment', 'refund')
        left join raw.netsuite__transaction as wire on posted.erp_internal_id = wire.id
        left join raw.netsuite__transaction_line as main
            on wire.id = main.transaction and main.mainline = 'T'
        order by members.payout_id, members.balance_transaction_id
    """,
}
