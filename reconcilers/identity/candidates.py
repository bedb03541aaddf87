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
select {number}::utinyint, hash(value), node
from (select node, {expression} as value from identity_node)
where value is not null
"""

_PART_OF = """
create or replace table identity_part_of as
with placed as (
    select node.node, node.role, coalesce(part.label, node.node)::integer as part
    from identity_node as node
    left join identity_part as part using (node)
)
select node, part, bool_or(role = 'crm') over (partition by part) as has_crm from placed
"""

_SIZES = """
create or replace table identity_key_size as
select number, key, count(*) as sharing from identity_key group by all having count(*) > 1
"""

# Kind by kind, so that only the keys of one are held at a time.
_MET = """
insert into identity_met
with kept as (
    select key.key, key.node, part_of.part, part_of.has_crm
    from identity_key as key
    join identity_key_size as size using (number, key)
    join identity_part_of as part_of using (node)
    where size.sharing <= {cap}
)
select distinct l.node, r.node, l.part, r.part
from kept as l
join kept as r on l.key = r.key and l.node < r.node
where l.part <> r.part and not (l.has_crm and r.has_crm)
"""

_DROPPED = """
insert into identity_dropped
select number, key, any_value(sharing), min(node)
from identity_key
join identity_key_size using (number, key)
where sharing > {cap}
group by number, key
"""

_PAIRS = """
create or replace table identity_candidate as
select distinct a, b, a_part, b_part from identity_met
"""

# The keys themselves are hashes: what a dropped one says is read off one of its records.
_DROPPED_VALUE = """
insert into identity_dropped_key
select '{kind}', {expression}, sharing, dropped.node
from identity_dropped as dropped
join identity_node using (node)
where dropped.number = {number}
"""

_EMPTY = """
create or replace table identity_met (a integer, b integer, a_part integer, b_part integer);
create or replace table identity_dropped
    (number utinyint, key ubigint, sharing bigint, node integer);
create or replace table identity_dropped_key
    (kind varchar, value varchar, sharing bigint, node integer)
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
    work.run(_PART_OF)
    work.run(_EMPTY)
    for met in dict.fromkeys(_MEETS.get(kind, kind) for kind in KEYS):
        _meet(work, [kind for kind in KEYS if _MEETS.get(kind, kind) == met])
    work.run(_PAIRS)
    for number, (kind, expression) in enumerate(KEYS.items()):
        work.run(_DROPPED_VALUE, number=number, kind=kind, expression=expression)
    work.drop("part_of", "met", "dropped")


def _meet(work: Work, kinds: list[str]) -> None:
    """Add the pairs of these kinds, which meet each other's values, to identity_met."""
    work.run("create or replace table identity_key (number utinyint, key ubigint, node integer)")
    for kind in kinds:
        work.run(_KEY, number=list(KEYS).index(kind), expression=KEYS[kind])
    work.run(_SIZES)
    work.run(_MET, cap=MAX_SHARING)
    work.run(_DROPPED, cap=MAX_SHARING)
    work.drop("key", "key_size")
