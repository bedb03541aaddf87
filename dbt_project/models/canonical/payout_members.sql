-- What each reconciled payout consists of, with the payment, refund or dispute behind every entry.
select
    members.payout_id || '/' || members.balance_transaction_id as payout_member_key,
    members.payout_id as payout_key,
    members.balance_transaction_id,
    members.source_kind,
    members.member_source_id as source_key,
    coalesce(payments.invoice_id, refunds.invoice_key, disputes.invoice_key) as invoice_key,
    coalesce(payments.canonical_customer_id, refunds.canonical_customer_id, disputes.canonical_customer_id)
        as canonical_customer_id,
    coalesce(payments.erp_internal_id, refunds.erp_internal_id, disputes.erp_internal_id) as source_erp_internal_id,
    coalesce(payments.legal_entity, refunds.legal_entity, disputes.legal_entity) as legal_entity,
    members.currency,
    members.gross_minor,
    members.fee_minor,
    members.net_minor,
    members.available_at,
    coalesce(payments.correlation_id, refunds.correlation_id, disputes.correlation_id) as correlation_id
from {{ ref('payout_member__billing') }} as members
left join {{ ref('payments') }} as payments
    on members.source_kind = 'payment' and members.member_source_id = payments.payment_id
left join {{ ref('refunds') }} as refunds
    on members.source_kind = 'refund' and members.member_source_id = refunds.refund_id
left join {{ ref('disputes') }} as disputes
    on
        members.source_kind in ('dispute', 'dispute_reversal')
        and members.member_source_id = disputes.dispute_id
