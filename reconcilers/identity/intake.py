"""Customer records of all systems brought to one comparable form: the table identity_node."""

from reconcilers.identity import hosts, names
from reconcilers.identity.work import Work

# What a record may say; what a source of records lacks is taken for unknown.
COLUMNS = {
    "system": "varchar",
    "role": "varchar",
    "source_id": "varchar",
    "legal_name": "varchar",
    "website": "varchar",
    "email": "varchar",
    "phone": "varchar",
    "street": "varchar",
    "city": "varchar",
    "postal_code": "varchar",
    "country_code": "varchar",
    "tax_id": "varchar",
    "legal_entity": "varchar",
    "parent_id": "varchar",
    "xref_crm_id": "varchar",
    "xref_billing_id": "varchar",
    "xref_erp_id": "varchar",
    "is_active": "boolean",
    "created_at": "timestamp",
}

# A value that more names carry than this belongs to a group, an agent, a landlord or a provider.
CAPS = {"tax_id": 4, "domain": 12, "phone": 4}

_RAW = """
create or replace table identity_raw as
select
    row_number() over (
        order by case role when 'crm' then 1 when 'erp' then 2 else 3 end, system, source_id
    )::integer as node,
    {columns},
    host_of(website) as web_host, host_of(email) as mail_host,
    plain_text(legal_name) as said_name
from {records}
"""

# A name that is a web address says its label; else notes and legal forms go, never down to nothing.
_WORDED = """
create or replace table identity_worded as
select
    node,
    core_words(as_words(case
        when regexp_matches(said_name, '^(www\\.)?[a-z0-9-]+(\\.[a-z0-9-]+)*\\.[a-z]{2,}$')
            then regexp_extract(said_name, '^(?:www\\.)?([a-z0-9-]+)', 1)
        else coalesce(nullif(trim(without_notes(said_name)), ''), said_name)
    end)) as core
from identity_raw
"""

_PLAIN = """
create or replace table identity_plain as
with read as (
    select
        raw.*, nullif(worded.core, '') as core,
        coalesce(web.domain, mail.domain) as any_domain,
        web.domain as web_domain, mail.domain as mail_domain,
        nullif(regexp_replace(upper(tax_id), '[^A-Z0-9]', '', 'g'), '') as tax_letters,
        case upper(country_code) when 'UK' then 'GB' when 'EL' then 'GR'
            else upper(country_code) end as country,
        nullif(right(regexp_replace(phone, '[^0-9]', '', 'g'), 9), '') as phone_end
    from identity_raw as raw
    join identity_worded as worded using (node)
    left join identity_host as web on raw.web_host = web.host
    left join identity_host as mail on raw.mail_host = mail.host
)
select
    node, system, role, source_id, legal_entity, parent_id, coalesce(is_active, true) as is_active,
    created_at, country, core,
    case when system = 'salesforce' then left(source_id, 15) else source_id end as key,
    xref_crm_id, xref_billing_id, xref_erp_id,
    case when web_domain not in (select domain from identity_public_host) then web_domain
        when mail_domain not in (select domain from identity_public_host) then mail_domain
        end as domain,
    -- numbers that registers print with their country's letters in front, or without them
    case when left(tax_letters, 2) = country or (country = 'GR' and left(tax_letters, 2) = 'EL')
        then tax_letters[3:] else tax_letters end as tax_id,
    case when len(phone_end) >= 7 then phone_end end as phone,
    nullif(regexp_replace(upper(postal_code), '[^A-Z0-9]', '', 'g'), '') as postcode,
    nullif(as_words(plain_text(city)), '') as city,
    nullif(replace(as_words(plain_text(street)), ' ', ''), '') as street
from read
"""

_GENERIC = """
create or replace table identity_generic_{column} as
select {column}, count(distinct core) as names, min(node) as node
from identity_plain where {column} is not null
group by {column} having count(distinct core) > {cap}
"""

_WORD_COUNTS = """
create or replace table identity_word as
select word, count(*) as uses
from (select unnest(list_distinct(string_split(core, ' '))) as word from identity_plain)
group by word
"""

_RARE = """
create or replace table identity_rare as
select node, list(word order by uses, len(word) desc, word)[:2] as rare, min(uses) as rarest_uses
from (
    select node, unnest(list_distinct(string_split(core, ' '))) as word
    from identity_plain where core is not null
)
join identity_word using (word)
group by node
"""

_NODE = """
create or replace table identity_node as
with known as (
    select
        plain.* exclude (tax_id, domain, phone),
        case when tax_id not in (select tax_id from identity_generic_tax_id) then tax_id end
            as tax_id,
        case when domain not in (select domain from identity_generic_domain) then domain end
            as domain,
        case when phone not in (select phone from identity_generic_phone) then phone end as phone,
        string_split(core, ' ') as words
    from identity_plain as plain
)
select
    known.*,
    replace(core, ' ', '') as core_key,
    coalesce(nullif(array_to_string(list_filter(words, lambda word: word not {units}), ' '), ''),
        core)
        as stem,
    len(words) as word_count,
    count(*) over (partition by core)::integer as core_uses,
    rare.rare[1] as rare_word,
    rare.rare[2] as second_word,
    rare.rarest_uses::integer as rarest_uses,
    split_part(domain, '.', 1) as label
from known
left join identity_rare as rare using (node)
"""


# As people entered it, for whoever has to look at two records side by side. A view: a thousand of
# millions are ever looked at.
_SAID = """
create or replace view identity_said as
select node.node, said.*
from (select {columns} from {records}) as said
join identity_node as node using (system, source_id)
"""


def take_in(work: Work, records: str = "identity.identity_records") -> None:
    """Read the warehouse's table of records; columns that it lacks count as unknown."""
    source = f'"{work.home}".{records}'
    present = set(work.con.sql(f"select * from {source} limit 0").columns)
    columns = ", ".join(
        f"cast({name if name in present else 'null'} as {kind}) as {name}"
        for name, kind in COLUMNS.items()
    )
    work.run(names.MACROS + hosts.MACROS)
    work.run(_RAW, columns=columns, records=source)
    work.run(_WORDED)
    hosts.register_hosts(work)
    _know_public_hosts(work)
    work.run(_PLAIN)
    work.drop("raw", "worded")
    for column, cap in CAPS.items():
        work.run(_GENERIC, column=column, cap=cap)
    work.run(_WORD_COUNTS)
    work.run(_RARE)
    work.run(_NODE, units=names.IS_UNIT)
    work.drop("plain", "rare")
    work.run(_SAID, columns=columns, records=source)


def _know_public_hosts(work: Work) -> None:
    """Mail providers of the public and the addresses of payables services name no company."""
    known = "seeds.free_mail_domains"
    source = (
        f'select domain from "{work.home}".{known}' if work.has(known) else "select '' as domain"
    )
    work.run(f"create or replace table identity_public_host as {source}")
