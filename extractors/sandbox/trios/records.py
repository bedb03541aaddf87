"""What each system writes down about the companies, and the truth about its records."""

# Which records there are: a company can stand twice in a system. `r` numbers the records for all
# draws; ids are drawn too, so that their order tells nothing.
_SLOTS = """
create or replace temp table trio_slot as
with wanted as (
    select i, 'crm' as role, case
        when u('crm', i) < .08 then 0 when u('crm', i) < .97 then 1 else 2 end as copies
    from trio_company
    union all
    select i, 'erp', case
        when u('erp', i) < .20 then 0 when u('erp', i) < .94 then 1 else 2 end from trio_company
    union all
    select i, 'billing', case
        when u('billing', i) < .22 then 0 when u('billing', i) < .83 then 1
        when u('billing', i) < .95 then 2 else 3 + floor(u('many', i) * 2)::int end
    from trio_company
),
copied as (
    select i, role, copy, role || i || '/' || copy as r
    from wanted, unnest(range(copies)) t(copy)
)
select
    *,
    case role when 'crm' then 'salesforce' when 'erp' then 'netsuite' else 'stripe' end as system,
    case role
        when 'crm' then '001' || left(md5(r || '{seed}'), 12) || 'AAA'
        when 'erp' then (1000 + row_number() over (partition by role
            order by md5(r || '{seed}')))::varchar
        else 'cus_' || left(md5(r || '{seed}'), 14)
    end as source_id,
    -- two of three second ERP customers belong to another subsidiary of ours
    case when role <> 'erp' then null
        when copy = 1 and u('subsidiary', r) < .67 then 'US'
        else pick(['DE', 'UK'], 'entity', i) end as legal_entity
from copied
"""

_NAMED = """
create or replace temp table trio_said as
with chosen as (
    select
        slot.*, company.* exclude (i),
        case when old_name is not null and u('old name', r) < .5 then old_name else name end
            as told,
        (select min_by(variant, hash(variant, r, {seed})) from trio_form
         where trio_form.form = company.form) as other_form
    from trio_slot as slot
    join trio_company as company using (i)
),
worded as (
    select
        *,
        case
            when u('short', r) < .02 and trade is not null then replace(told, ' ' || trade, '')
            when u('abbreviated', r) < .04 then replace(replace(replace(replace(replace(told,
                'Technologies', 'Tech'), 'International', 'Intl'), 'Services', 'Svcs'),
                'Manufacturing', 'Mfg'), 'Consulting', 'Cons')
            else told
        end as worded
    from chosen
),
formed as (
    select
        *,
        case when u('typo', r) < .035 and len(worded) > 6 then misspelt(worded, r) else worded end
        || case when u('form', r) < .2 then '' when u('form', r) < .45
            then coalesce(' ' || other_form, '') else ' ' || form end as formed
    from worded
),
spoken as (
    select
        *,
        case
            when role = 'billing' and u('person', r) < .045
                then pick({people}, 'first', r) || ' ' || upper(stem_of(r)[1]) || stem_of(r)[2:]
            when role = 'billing' and u('address as name', r) < .02 and domain is not null
                then domain
            when role = 'erp' and u('number', r) < .04 then digits('number', r, 5) || ' ' || formed
            when role = 'erp' and u('retired', r) < .02 then formed || ' (DO NOT USE)'
            when u('bracket', r) < .02 then formed || ' (' || country_code || ')'
            when u('the', r) < .01 then 'The ' || formed
            else formed
        end as spoken
    from formed
)
select
    *, case when role = 'erp' and u('upper', i // 50) < .15 then upper(spoken) else spoken end
        as legal_name
from spoken
"""

_FILLED = """
create or replace temp table trio_filled as
with mailed as (
    select
        *,
        has_moved and u('old seat', r) < .5 as is_old,
        role <> 'crm' and u('elsewhere', r) < .06 as is_elsewhere,
        case
            when u('mail', r) < (case role when 'crm' then .45 when 'erp' then .4
                else .06 end) then null
            when u('free mail', r) < (case when domain is null then .9 when role = 'billing'
                then .09
                else .04 end) then pick({mailboxes}, 'mailbox', r)
            when u('outsourced', r) < .012 then 'invoices.payables.example'
            when brand_domain is not null and u('by brand', r) < .5 then brand_domain
            else domain
        end as mail_host,
        case when u('has tax', r) < (case role when 'crm' then .30 when 'erp' then .55 else .40 end)
            then tax_id end as known_tax
    from trio_said
)
select
    *,
    case when u('site', r) < (case role when 'crm' then .80 when 'erp' then .30 else 0 end)
        and domain is not null
        then case when u('www', r) < .5 then 'https://www.' else '' end || domain end as website,
    case when mail_host is not null
        then pick(['ap', 'billing', 'accounts', 'info', 'office'], 'box', r) || '@' || mail_host
        end as email,
    case when u('phone', r) < (case role when 'crm' then .55 when 'erp' then .35 else .12 end)
        then '+' || phone end as phone_said,
    case when u('seat', r) > .2 then
        case when is_old then old_street when is_elsewhere then 'Suite ' || digits('suite', r, 3)
            else street end end as street_said,
    case when u('seat', r) > .12 then
        case when is_old then old_city when is_elsewhere then stem_of(r) || 'ville'
            else city end end
        as city_said,
    case when u('seat', r) > .15 then
        case when is_old then old_postal_code when is_elsewhere then digits('zip there', r, 5)
            else postal_code end end as postal_code_said,
    case when u('country known', r) < (case role when 'billing' then .1 else .03 end) then null
        when u('country wrong', r) < .01 then 'US' else country_code end as country_said,
    case when known_tax is null then null else
        case when u('prefixed', r) < .5 then country_code else '' end
        || case when u('tax typo', r) < .01
            then overlay(known_tax placing ((known_tax[3]::int + 5) % 10)::varchar from 3 for 1)
            else known_tax end end as tax_said
from mailed
""".replace(
    "overlay(known_tax placing ((known_tax[3]::int + 5) % 10)::varchar from 3 for 1)",
    "known_tax[:2] || ((known_tax[3]::int + 5) % 10)::varchar || known_tax[4:]",
)

# A reference names the company's record, somebody of the family, a neighbour, or nothing.
_REFERENCES = """
create or replace temp table trio_reference as
with ways as (
    select * from (values
        ('crm', 'billing', .16), ('crm', 'erp', .12), ('billing', 'crm', .36),
        ('billing', 'erp', .14), ('erp', 'crm', .22), ('erp', 'billing', .12)) t(role,
            target_role, share)
),
asked as (
    select
        filled.r, ways.target_role, u('wrong' || target_role, filled.r) as fault,
        case
            when u('wrong' || target_role, filled.r) < .010 and in_family
                then filled.head + floor(u('who' || target_role, filled.r) * 3)::int
            when u('wrong' || target_role, filled.r) < .018
                then (filled.i + 1 + floor(u('who' || target_role,
                    filled.r) * 40)::int) % {companies}
            else filled.i
        end as target_company
    from trio_filled as filled
    join ways using (role)
    where u('says' || target_role, filled.r) < ways.share
),
found as (
    select
        asked.r, asked.target_role, asked.fault,
        min_by(slot.source_id, hash(slot.r, asked.r, {seed})) as target
    from asked
    left join trio_slot as slot
        on slot.i = asked.target_company and slot.role = asked.target_role
    group by all
)
select
    r, target_role,
    case when fault > .985 then left(md5(r), 15)
        when target_role = 'crm' and u('short id', r) < .2 then left(target, 15) else target end
        as target
from found
where target is not null or fault > .985
"""

_RECORDS = """
create or replace temp table trio_record as
with referred as (
    select
        r, max(target) filter (where target_role = 'crm') as xref_crm_id,
        max(target) filter (where target_role = 'billing') as xref_billing_id,
        max(target) filter (where target_role = 'erp') as xref_erp_id
    from trio_reference group by r
),
parents as (
    select i, role, min(source_id) as source_id from trio_slot where copy = 0 group by all
)
select
    filled.system, filled.role, filled.source_id, filled.legal_name, filled.website, filled.email,
    filled.phone_said as phone, filled.street_said as street, filled.city_said as city,
    filled.postal_code_said as postal_code, filled.country_said as country_code,
    filled.tax_said as tax_id, filled.legal_entity,
    case when filled.head <> filled.i and filled.role <> 'billing' and u('has parent',
        filled.r) < .7
        then parents.source_id end as parent_id,
    referred.xref_crm_id, referred.xref_billing_id, referred.xref_erp_id,
    u('idle', filled.r) > .03 as is_active,
    timestamp '2018-01-01' + to_seconds(floor(u('made', filled.r) * 252288000)::bigint)
        as created_at
from trio_filled as filled
left join referred using (r)
left join parents on parents.i = filled.head and parents.role = filled.role
"""

TRUTH = """
create or replace temp table trio_truth as
select slot.system, slot.source_id, 'entity_' || slot.i as entity_id, 'group_' || company.head
    as group_id
from trio_slot as slot
join trio_company as company using (i)
"""

RECORDS = (_SLOTS, _NAMED, _FILLED, _REFERENCES, _RECORDS)
