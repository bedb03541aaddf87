"""What a night can know of its own quality without the truth."""

from dataclasses import dataclass

from reconcilers.identity.components import label_components
from reconcilers.identity.model import Model
from reconcilers.identity.scorer import Scorer
from reconcilers.identity.work import Work


@dataclass(frozen=True)
class Measures:
    """Counts and shares of one night; a share is null where there is nothing to take it of.

    `masked_recall`: of a tenth of the references, chosen by hash, the share whose two records would
    be one customer if none of that tenth were known.
    """

    dangling_xrefs: int
    contradicted_xrefs: int
    xrefs: int
    masked_xrefs: int
    masked_recall: float | None
    ambiguous: int
    queue: int
    generic_tax_ids: int
    generic_domains: int
    generic_phones: int
    dropped_keys: int
    largest_customer: int
    rings: int
    two_parents: int


# A tenth of the references that hold, the same every night, and all other links.
_MASKED = """
create or replace table identity_masked as
select xref.a, xref.b
from identity_xref as xref
join identity_part as l on xref.a = l.node
join identity_part as r on xref.b = r.node and l.label = r.label
join identity_node as node on xref.a = node.node
where hash(node.system, node.source_id) % 10 = 0;
create or replace table identity_unmasked as
select a, b from identity_held
where method <> 1 or (a, b) not in (select (a, b) from identity_masked)
union all
select a, b from (
    select a, b from identity_by_tax where is_firm
    union all select a, b from identity_by_domain
    union all select a, b from identity_by_postcode)
where (a, b) in (select (a, b) from identity_masked)
"""

_APART = """
create or replace table identity_masked_apart as
select masked.a, masked.b
from identity_masked as masked
left join identity_otherwise as l on masked.a = l.node
left join identity_otherwise as r on masked.b = r.node
where coalesce(l.label, masked.a) <> coalesce(r.label, masked.b)
"""

_XREF_FATE = """
select
    count(*) as xrefs,
    count(*) filter (coalesce(l.label, xref.a) <> coalesce(r.label, xref.b)) as contradicted
from identity_xref as xref
left join identity_part as l on xref.a = l.node
left join identity_part as r on xref.b = r.node
"""


_LARGEST = """
select coalesce(max(records), 0)
from (select count(*) as records from identity_placed group by cluster)
"""


def measure(work: Work, scorer: Scorer, model: Model) -> Measures:
    """Count what the workspace shows after all links are decided."""
    ((xrefs, contradicted),) = work.rows(_XREF_FATE)
    masked, found = _masked(work, scorer, model)
    return Measures(
        dangling_xrefs=work.count("identity_reference where target is null"),
        contradicted_xrefs=contradicted,
        xrefs=xrefs,
        masked_xrefs=masked,
        masked_recall=found / masked if masked else None,
        ambiguous=work.count("identity_decided where verdict = 'ambiguous'"),
        queue=work.count("identity_question"),
        generic_tax_ids=work.count("identity_generic_tax_id"),
        generic_domains=work.count("identity_generic_domain"),
        generic_phones=work.count("identity_generic_phone"),
        dropped_keys=work.count("identity_dropped_key"),
        largest_customer=work.rows(_LARGEST)[0][0],
        rings=work.count("identity_group where is_ring and cluster = head"),
        two_parents=work.count("identity_group where has_two_parents"),
    )


def _masked(work: Work, scorer: Scorer, model: Model) -> tuple[int, int]:
    """How many references were hidden, and how many of their pairs are found all the same."""
    work.run(_MASKED)
    label_components(work, "identity_unmasked", "identity_otherwise")
    work.run(_APART)
    scorer.score(work, "identity_masked_apart", "identity_masked_score")
    masked = work.count("identity_masked")
    lost = work.count(f"identity_masked_score where p < {model.review}")
    return masked, masked - lost
