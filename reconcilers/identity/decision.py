"""Scored pairs decided: joined unseen, joined until a person looks, asked about, or left alone.

A billing customer belongs to one account and one ERP customer, an ERP customer to one account. Who
fits several is joined to the best only when that one is clearly better than the next.
"""

from reconcilers.identity.model import Model
from reconcilers.identity.work import Work

# A reference that its two records do not bear out is still evidence; of those that say nothing
# else about each other nine of ten are right.
REFERENCE_BITS = 6.0
# Last night's link stays unless the evidence against it is clear.
HYSTERESIS_BITS = 3.0

_TO_SCORE = """
create or replace table identity_to_score as
select distinct a, b from (
    select a, b from identity_candidate
    union all
    select xref.a, xref.b from identity_xref as xref
    left join identity_part as l on xref.a = l.node
    left join identity_part as r on xref.b = r.node
    where coalesce(l.label, xref.a) <> coalesce(r.label, xref.b)
)
"""

_WEIGHED = """
create or replace table identity_weighed as
select
    score.a, score.b, score.p,
    xref.a is not null as is_xref,
    coalesce(l.previous_id = r.previous_id, false) as was_one,
    score.bits + case when xref.a is not null then {reference_bits} else 0 end
        + case when l.previous_id = r.previous_id then {hysteresis_bits} else 0 end as bits,
    score.bits + case when xref.a is not null then {reference_bits} else 0 end as plain_bits
from identity_score as score
left join identity_xref as xref on score.a = xref.a and score.b = xref.b
left join identity_before as l on score.a = l.node
left join identity_before as r on score.b = r.node
"""

_PART_FACTS = """
create or replace table identity_part_fact as
select
    coalesce(part.label, node.node)::integer as part,
    bool_or(role = 'crm') as has_crm,
    bool_or(role = 'erp') as has_erp,
    min(legal_entity) filter (role = 'erp') as entity,
    list_distinct(list(coalesce(legal_entity, '?')) filter (role = 'erp')) as entities,
    list_distinct(list(country) filter (tax_id is not null)) as tax_countries,
    list_distinct(list(country || '|' || tax_id) filter (tax_id is not null)) as taxes
from identity_node as node
left join identity_part as part using (node)
group by 1
"""

# The strongest pair speaks for its two parts, unless they can never be one customer.
_RIVALRY = """
create or replace table identity_rivalry as
with placed as (
    select
        w.*, coalesce(l.label, w.a)::integer as x, coalesce(r.label, w.b)::integer as y
    from identity_weighed as w
    left join identity_part as l on w.a = l.node
    left join identity_part as r on w.b = r.node
),
best as (
    select *
    from placed
    where x <> y
    qualify row_number() over (
        partition by least(x, y), greatest(x, y) order by bits desc, a, b) = 1
)
select
    best.*, fx.has_crm as x_crm, fy.has_crm as y_crm, fx.has_erp as x_erp, fy.has_erp as y_erp,
    fx.entity as x_entity, fy.entity as y_entity
from best
join identity_part_fact as fx on best.x = fx.part
join identity_part_fact as fy on best.y = fy.part
left join identity_never_part as never
    on least(best.x, best.y) = never.x and greatest(best.x, best.y) = never.y
join identity_node as l on best.a = l.node
join identity_node as r on best.b = r.node
where never.x is null
    and not (fx.has_crm and fy.has_crm)
    and not coalesce(fx.has_erp and fy.has_erp and (
        list_has_any(fx.entities, fy.entities)
        or list_contains(fx.entities, '?') or list_contains(fy.entities, '?')), false)
    and not coalesce(
        list_has_any(fx.tax_countries, fy.tax_countries) and not list_has_any(fx.taxes, fy.taxes)
        and not coalesce(len(l.tax_id) >= 8 and levenshtein(l.tax_id, r.tax_id) <= 1, false), false)
"""

_NEVER_PARTS = """
create or replace table identity_never_part as
select distinct least(coalesce(l.label, never.a), coalesce(r.label, never.b)) as x,
    greatest(coalesce(l.label, never.a), coalesce(r.label, never.b)) as y
from identity_never as never
left join identity_part as l on never.a = l.node
left join identity_part as r on never.b = r.node
"""

# For each part and each thing that it can have once: who comes first, and how far ahead of the next
_CHOSEN = """
create or replace table identity_ranked as
with wishes as (
    select a, b, x as part, bits, 'crm' as slot from identity_rivalry where not x_crm and y_crm
    union all
    select a, b, y, bits, 'crm' from identity_rivalry where not y_crm and x_crm
    union all
    select a, b, x, bits, 'erp' || coalesce(y_entity, '') from identity_rivalry
        where not x_erp and y_erp
    union all
    select a, b, y, bits, 'erp' || coalesce(x_entity, '') from identity_rivalry
        where not y_erp and x_erp
),
ranked as (
    select
        *, row_number() over w as place, bits - lead(bits) over w as ahead
    from wishes
    window w as (partition by part, slot order by bits desc, a, b)
)
select
    a, b, max(place) as place, coalesce(min(ahead) filter (place = 1), 99) as ahead
from ranked group by a, b
"""

_DECIDED = """
create or replace table identity_decided as
select
    rivalry.*, ranked.place, ranked.ahead,
    case when is_xref then 1 else 5 end as method,
    case
        when coalesce(place, 1) > 1 then 'outdone'
        when {p} < {review} then 'no match'
        when coalesce(ahead, 99) < {margin} then 'ambiguous'
        when {plain_p} >= {auto} then 'auto'
        else 'review'
    end as verdict
from identity_rivalry as rivalry
left join identity_ranked as ranked using (a, b)
"""


def _sigmoid(bits: str) -> str:
    return f"(1 / (1 + pow(2.0, -least(greatest({bits}, -60), 60))))"


def find_open_pairs(work: Work) -> None:
    """Make identity_to_score: candidates, and references that nothing else bears out."""
    work.run(_TO_SCORE)


def weigh(work: Work) -> None:
    """Make identity_weighed from identity_score, references and last night's links counted in."""
    work.run(_WEIGHED, reference_bits=REFERENCE_BITS, hysteresis_bits=HYSTERESIS_BITS)


def decide(work: Work, model: Model) -> None:
    """Make identity_decided: a verdict per pair of parts; identity_chosen: those to be followed.

    What is only likely is followed where it was one customer before, or where the model says so.
    """
    work.run(_NEVER_PARTS)
    work.run(_PART_FACTS)
    work.run(_RIVALRY)
    work.run(_CHOSEN)
    work.run(
        _DECIDED,
        p=_sigmoid("bits"),
        plain_p=_sigmoid("plain_bits"),
        review=model.review,
        auto=model.auto,
        margin=model.margin,
    )
    work.run(
        "create or replace table identity_chosen as select a, b, bits, p, method, "
        "verdict = 'auto' as is_auto from identity_decided where verdict = 'auto' "
        f"or verdict = 'review' and (was_one or {model.follow_likely})"
    )
