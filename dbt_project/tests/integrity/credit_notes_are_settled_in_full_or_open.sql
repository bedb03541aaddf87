-- What a credit note settles of invoices is what its applications add up to, and no part is negative: applied, refunded,
-- settled out of band and unapplied are the total. In billing each part is known by itself (before and after payment, and
-- what stands on the balance); in the ERP the unapplied part is what is left.
with applied as (
    select credit_note_key, sum(applied_minor) as applied_minor
    from {{ ref('credit_note_applications') }}
    group by credit_note_key
)

select
    notes.credit_note_key,
    notes.total_minor,
    notes.applied_minor,
    notes.refunded_minor,
    notes.out_of_band_minor,
    notes.unapplied_minor,
    applied.applied_minor as sum_of_applications
from {{ ref('credit_notes') }} as notes
left join applied on notes.credit_note_key = applied.credit_note_key
where
    notes.status <> 'void'
    and (
        notes.applied_minor <> coalesce(applied.applied_minor, 0)
        or notes.unapplied_minor < 0
        or notes.applied_minor + notes.refunded_minor + notes.out_of_band_minor + notes.unapplied_minor
        <> notes.total_minor
    )
