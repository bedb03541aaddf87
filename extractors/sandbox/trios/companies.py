"""The companies behind the records: names, families, addresses, tax ids, domains."""

# A family is the head of a block of six and the companies behind it.
_BASE = """
create or replace temp table trio_base as
with numbered as (
    select
        i, i // 6 as block, i % 6 as place,
        case when u('family', i // 6) < .22 then 2 + floor(u('size', i // 6) * 5)::int else 1 end
            as family_size
    from range({companies}) t(i)
),
placed as (
    select
        i, place < family_size and family_size > 1 as in_family, place = 0 as is_head,
        case when place < family_size and family_size > 1 then 6 * block else i end as head,
        u('country', i) as draw
    from numbered
),
shares as (
    select *, sum(share) over (order by share desc, country_code) as upto from trio_country
)
select
    placed.i, placed.in_family, placed.is_head or not placed.in_family as is_head, placed.head,
    (select min_by(country_code, upto) from shares where shares.upto > placed.draw * .9999) as own
from placed
"""

_COUNTRY = """
create or replace temp table trio_home as
select
    base.i, base.in_family, base.is_head, base.head,
    -- half of a family sits where its head sits
    case when base.i <> base.head and u('at home', base.i) < .5 then head.own else base.own end
        as country_code
from trio_base as base
join trio_base as head on base.head = head.i
"""

# Names come from a vocabulary that grows with the company count and that some words dominate.
_NAMES = """
create or replace temp table trio_named as
with stems as (
    select
        *,
        floor(pow(u('stem', head), 1.7) * (4000 + {companies} * .55))::int as stem_number,
        floor(u('old stem', i) * (4000 + {companies} * .55))::int as old_number
    from trio_home
),
words as (
    select
        *, country_code = max(case when is_head then country_code end) over (partition by head)
            as is_at_home,
        stem_of(stem_number) as stem, stem_of(old_number) as old_stem,
        case when u('has trade', head) < .78 then pick({trades}, 'trade', head) end as trade,
        case when u('second', head) < .2 then stem_of(stem_number + 7919) end as second
    from stems
)
select
    words.*, trio_country.form, trio_country.tld, trio_country.tax_digits,
    array_to_string(list_filter([
        upper(stem[1]) || stem[2:],
        case when second is not null then upper(second[1]) || second[2:] end,
        case when is_head or u('keeps trade', i) < .55 then trade end,
        -- no register takes the same name twice: sisters in one country tell themselves apart
        case when in_family and not is_head and (is_at_home or u('unit', i) < .5)
                 then {units}[1 + (floor(u('unit word',
                     head) * 60)::int + 4 * (i - head)) % len({units})]
             when in_family and is_head and u('group', i) < .25 then 'Group' end
    ], lambda word: word is not null), ' ') as name,
    case when u('renamed', i) < .03 then
        upper(old_stem[1]) || old_stem[2:] || ' ' || pick({trades}, 'old trade', i) end as old_name
from words
join trio_country using (country_code)
"""

_PLACES = """
create or replace temp table trio_placed as
with seats as (
    select
        *,
        -- some families share the office of their head
        case when i <> head and u('one office', head) < .4 then head else i end as seat,
        u('moved', i) < .05 as has_moved
    from trio_named
)
select
    seats.*,
    country_code || floor(pow(u('city', seat), 2) * {cities})::int as city_key,
    country_code || floor(pow(u('old city', i), 2) * {cities})::int as old_city_key
from seats
"""

_ADDRESSES = """
create or replace temp table trio_located as
select
    *,
    upper(stem_of(city_key)[1]) || stem_of(city_key)[2:] || 'ton' as city,
    lpad((hash(city_key) % 900 + 100)::varchar, 3, '0') || digits('zip', seat, 2) as postal_code,
    (1 + floor(u('house', seat) * 300)::int) || ' ' || pick({streets}, 'street', seat) || ' Street'
        as street,
    upper(stem_of(old_city_key)[1]) || stem_of(old_city_key)[2:] || 'ton' as old_city,
    lpad((hash(old_city_key) % 900 + 100)::varchar, 3, '0') || digits('old zip', i, 2)
        as old_postal_code,
    (1 + floor(u('old house', i) * 300)::int) || ' ' || pick({streets}, 'old street', i)
        || ' Street' as old_street,
    digits('phone', i, 10) as phone,
    -- a family may file under one tax id per country
    case when in_family and u('tax group', head) < .2
        then digits('tax' || country_code, head, tax_digits) else digits('tax', i, tax_digits) end
        as tax_id
from trio_placed
"""

_DOMAINS = """
create or replace temp table trio_company as
with slugs as (
    select
        *,
        in_family and not is_head and u('one domain', head) < .7 as uses_head_domain,
        lower(replace(case floor(u('slug', i) * 3)::int
            when 0 then stem || coalesce(trade, '') when 1 then stem || coalesce('-' || trade, 'hq')
            else stem || coalesce(second, '') end, ' ', '')) as slug,
        case when u('dot com', i) < .55 then 'com' else tld end as ending
    from trio_located
),
own as (
    select
        *,
        slug || case when row_number() over (partition by slug, ending order by i) > 1
            then '-' || lower(country_code) || row_number() over (partition by slug,
                ending order by i)
            else '' end || '.' || ending as own_domain
    from slugs
)
select
    own.*,
    case
        when own.uses_head_domain then head.own_domain
        when u('agency', own.i) < .012
            then 'agency' || floor(u('which agency',
                own.i) * (1 + {companies} / 2500))::int || '.com'
        when u('no site', own.i) < .07 then null
        else own.own_domain
    end as domain,
    -- a brand that mail comes from and nobody's website tells of
    case when u('brand', own.i) < .05 then stem_of(own.i + 104729) || '.io' end as brand_domain
from own
join (select i, own_domain from own) as head on own.head = head.i
"""

COMPANIES = (_BASE, _COUNTRY, _NAMES, _PLACES, _ADDRESSES, _DOMAINS)
