"""What identity asks a person: links that stand until somebody looks, and some that do not.

Ranked by money: what is billed to the records decides which question comes first.
"""

from reconcilers.identity.model import Model
from reconcilers.identity.reasons import give_reasons
from reconcilers.identity.work import Work

# More questions than a steward can answer help nobody; the rest is counted.
MAX_QUESTIONS = 1000

_QUESTIONS = """
create or replace table identity_question as
with asked as (
    select a, b, 'joined for now' as reason, p, true as is_linked, 2 as place
    from identity_held where not is_auto
    union all
    select a, b, 'fits several', p, false, 3 from identity_decided where verdict = 'ambiguous'
    union all
    select a, b, 'probably one', p, false, 2 from identity_decided
    where verdict = 'review' and (a, b) not in (select (a, b) from identity_held)
    union all
    select xref.a, xref.b, 'reference contradicted', score.p, false, 1
    from identity_xref as xref
    left join identity_part as l on xref.a = l.node
    left join identity_part as r on xref.b = r.node
    left join identity_score as score on xref.a = score.a and xref.b = score.b
    where coalesce(l.label, xref.a) <> coalesce(r.label, xref.b)
    union all
    select a, b, 'two tax ids', null, false, 4
    from identity_rule_edge where has_two_taxes and not is_xref
),
one_each as (
    select a, b, arg_min(reason, place) as reason, max(p) as p, bool_or(is_linked) as is_linked
    from asked group by a, b
)
select one_each.*, coalesce(l.amount, 0) + coalesce(r.amount, 0) as amount_minor
from one_each
anti join identity_never as decided on one_each.a = decided.a and one_each.b = decided.b
left join identity_exposure as l on one_each.a = l.node
left join identity_exposure as r on one_each.b = r.node
"""

_EXPOSURE = """
create or replace table identity_exposure as
select node, sum(amount_reporting_minor)::bigint as amount
from {source} join identity_node using (system, source_id) group by node
"""

_ASKED = """
create or replace table identity_asked as
select
    *, p is not null as is_scored,
    row_number() over (order by amount_minor desc, reason, p desc nulls last, a, b) as place
from identity_question
qualify place <= {most}
"""

_QUEUE = """
create or replace table "{home}".identity.review_queue as
select
    question.place, question.reason, question.is_linked, question.p as probability,
    question.amount_minor as amount_reporting_minor,
    l.system as left_system, l.source_id as left_id, l.legal_name as left_name,
    l.website as left_website, l.email as left_email, l.country_code as left_country,
    l.postal_code as left_postal_code, l.city as left_city, l.tax_id as left_tax_id,
    r.system as right_system, r.source_id as right_id, r.legal_name as right_name,
    r.website as right_website, r.email as right_email, r.country_code as right_country,
    r.postal_code as right_postal_code, r.city as right_city, r.tax_id as right_tax_id,
    json_object('keys', why.keys, 'weights', why.weights)::varchar as evidence
from identity_asked as question
join identity_asked_reason as why using (a, b)
join identity_said as l on question.a = l.node
join identity_said as r on question.b = r.node
order by place
"""


def ask(work: Work) -> None:
    """Make identity_question (a, b, reason, p, is_linked, amount_minor)."""
    exposure = "identity.identity_exposure"
    known = work.has(exposure)
    source = (
        f'"{work.home}".{exposure}'
        if known
        else (
            "(select null::varchar as system, null::varchar as source_id, "
            "0 as amount_reporting_minor)"
        )
    )
    work.run(_EXPOSURE, source=source)
    work.run(_QUESTIONS)


def publish_queue(work: Work, model: Model) -> None:
    """Write identity.review_queue into the warehouse, both records of a question side by side."""
    work.run(_ASKED, most=MAX_QUESTIONS)
    give_reasons(work, "identity_asked", "identity_asked_reason", model)
    work.run(_QUEUE, home=work.home)
