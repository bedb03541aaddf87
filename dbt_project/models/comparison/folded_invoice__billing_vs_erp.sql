{{ config(materialized='table') }}

{{ folded_pairs(
    ref('pairs_invoice__billing_vs_erp'), billing_or_erp_key(),
    ['billing_id', 'erp_id', 'copy_role', 'duplicate_of', 'duplicate_basis']
) }}
