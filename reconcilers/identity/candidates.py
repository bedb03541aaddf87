"""Pairs worth a score: records that share a key, found without ever comparing all with all."""

from reconcilers.identity.work import Work

# Keys that more records share than this are dropped and told: they would pair all with all.
MAX_SHARING = 50

# Each kind of key is one column of text; the country keeps common words of distant firms apart.
KEYS = {
    "domain": "domain",
    "tax id": "tax_id",
    "phone": "phone",
    "name": "core_key",
    "site name": "case when len(label) >= 4 then label end",
    "name as site": "case when len(core_key) >= 4 then core_key end",
    "stem": "case when stem <> core then stem || '|' || coalesce(country, '') end",
    "stem as name": "stem || '|' || coalesce(country, '')",
    "first words": "case when word_count > 2 then core_words_at(core, 2) end",
    "rarest words": "case when word_count > 1 then least(rare_word, second_word) || ' ' "
    "|| greatest(rare_word, second_word) end",
    "rare word": "case when rarest_uses <= 40 and len(rare_word) >= 4 then rare_word end",
    "word and postcode": "rare_word || '|' || postcode",
    "start and postcode": "core_key[:3] || '|' || postcode",
    "street and postcode": "case when len(street) >= 5 then street || '|' || postcode end",
    "start and city": "core_key[:6] || '|' || city",
    "start and tax": "tax_id[:6] || '|' || core_key[:3]",
}
# Kinds that meet each other's values.
_MEETS = {"name as site": "site name", "stem as name": "stem"}

_KEY = """
insert into identity_key
select {number}::utinyint, hash({kind}, value), node, part
from (select node, part, {expression} as value from identity_open)
where value is not null
"""

_OPEN = """
create or replace table identity_open as
select node.*, coalesce(part.label, node.node)::integer as part
from identity_node as node
left join identity_part as part using (node)
"""

_SIZES = """
create or replace table identity_key_size as
select number, key, count(*) as sharing from identity_key group by all having count(*) > 1
"""

_PAIRS = """
create or replace table identity_candidate as
with kept as (
    select key.key, key.node, key.part
    from identity_key as key
    join identity_key_size as size using (number, key)
    where size.sharing <= {cap}
),
met as (
    select distinct l.node as a, r.node as b, l.part as a_part, r.part as b_part
    from kept as l
    join kept as r on l.key = r.key and l.node < r.node
    where l.part <> r.part
)
select met.a, met.b, met.a_part, met.b_part
from met
join identity_part_fact as l on met.a_part = l.part
join identity_part_fact as r on met.b_part = r.part
where not (l.has_crm and r.has_crm)
"""

_FACTS = """
create or replace table identity_part_fact as
select part, bool_or(role = 'crm') as has_crm
from identity_open group by part
"""

_DROPPED = """
create or replace table identity_dropped as
select number, key, any_value(sharing) as sharing, min(node) as node
from identity_key
join identity_key_size using (number, key)
where sharing > {cap}
group by number, key;
create or replace table identity_dropped_key
    (kind varchar, value varchar, sharing bigint, node integer)
"""

# The keys themselves are hashes: what a dropped one says is read off one of its records.
_DROPPED_VALUE = """
insert into identity_dropped_key
select '{kind}', {expression}, sharing, dropped.node
from identity_dropped as dropped
join identity_open using (node)
where dropped.number = {number}
"""


def find_candidates(work: Work) -> None:
    """Make identity_candidate (a, b and their parts) for records of different parts.

    `identity_part` (node, label) says what firm evidence has joined already. The dropped keys are
    in identity_dropped_key (kind, value, sharing, and one node that has it).
    """
    work.run(
        "create or replace macro core_words_at(words, n) as "
        "array_to_string(string_split(words, ' ')[:n], ' ')"
    )
    work.run(_OPEN)
    work.run(_FACTS)
    work.run(
        "create or replace table identity_key "
        "(number utinyint, key ubigint, node integer, part integer)"
    )
    for number, (kind, expression) in enumerate(KEYS.items()):
        met = _MEETS.get(kind, kind)
        work.run(_KEY, number=number, kind=f"'{met}'", expression=expression)
    work.run(_SIZES)
    work.run(_PAIRS, cap=MAX_SHARING)
    work.run(_DROPPED, cap=MAX_SHARING)
    for number, (kind, expression) in enumerate(KEYS.items()):
        work.run(_DROPPED_VALUE, number=number, kind=kind, expression=expression)
    for table in ("open", "key", "key_size", "dropped"):
        work.run(f"drop table identity_{table}")
