"""The SQL of the facts for refunds and deposits of the ERP; by the rules of context.py."""

from collections.abc import Mapping

CASH_QUERIES: Mapping[str, str] = {
    # A refund pays out the memo that stands for its credit note.
    "billing_refunds": """
        select refunds.refund_id, refunds.payment_id, refunds.credit_note_id, refunds.legal_entity,
               refunds.currency, refunds.refund_date, refunds.amount_minor,
               wire.id as transaction_id, wire.entity as customer_id,
               coalesce(customers.isinactive, 'F') as is_customer_inactive,
               notes.currency as memo_currency, wire.foreignamountunpaid as unpaid,
               coalesce(notes.unapplied_minor, 0) as open_minor
        from conformed.refund__billing as refunds
        left join canonical.credit_note_copies as copies
            on refunds.credit_note_id = copies.credit_note_id and copies.copy_role = 'primary'
        left join conformed.credit_note__erp as notes
            on copies.erp_internal_id = notes.erp_internal_id and not notes.is_voided
        left join raw.netsuite__transaction as wire on notes.erp_internal_id = wire.id
        left join raw.netsuite__customer as customers on wire.entity = customers.id
        where refunds.refund_id in (
            select owner_id from reconciliation.drift
            where code = 'RFD-MISS-01' and cause = 'not_posted'
        )
    """,
}
