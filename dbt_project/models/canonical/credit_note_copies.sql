with told as (
    select * from (
        {{ erp_copies(ref('credit_note__erp'), ref('credit_note__billing'), 'credit_note_id', 'manual') }}
    ) as copies
)

select
    told.erp_internal_id,
    told.credit_note_id,
    -- a memo that takes a second copy of an invoice back is nobody's credit
    case when credits.source_id is not null and told.copy_role = 'manual' then 'of_copy' else told.copy_role end
        as copy_role,
    told.duplicate_of
from told
left join {{ ref('ledger_correction__erp') }} as credits
    on told.erp_internal_id = credits.source_id and credits.kind = 'credit'
