-- No source reads a bank yet. One that does fills these columns: its line, what came in, the day of booking, the trace
-- ids and words of the remittance text, and the day as the group.
select
    cast(null as varchar) as item_id,
    cast(null as varchar) as currency,
    cast(null as bigint) as amount_minor,
    cast(null as date) as item_date,
    cast(null as varchar) as party,
    {{ list_of([]) }} as reference_keys,
    {{ list_of([]) }} as document_numbers,
    {{ list_of([]) }} as group_keys
where false
