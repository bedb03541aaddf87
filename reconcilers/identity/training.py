"""Trains the model on explicit cross-references: pairs that they join, and that they rule out.

Nobody labels anything: a record that names its account tells which account it is, and with it that
the others which look alike are not. About two in a hundred references are wrong, which a ridge
penalty and many pairs bear. Runs only by command, never at night.
"""

import polars as pl

from reconcilers.identity import evidence
from reconcilers.identity.candidates import find_candidates
from reconcilers.identity.comparisons import ASPECTS, gamma, splink_settings
from reconcilers.identity.components import label_components
from reconcilers.identity.fitting import Pattern, bits, fit, numbered, probability
from reconcilers.identity.intake import take_in
from reconcilers.identity.model import Model
from reconcilers.identity.scorer import clean, gammas, predicted
from reconcilers.identity.work import Work

# Enough pairs that one odd company decides nothing.
FEWEST_PAIRS = 200

# As if no record named another: what equal values join, and who then still looks alike.
_UNNAMED = """
create or replace table identity_firm as
select a, b from identity_rule_edge
where rule > 1 and is_firm and not has_two_taxes and not (is_duplicate is null)
"""

_NAMED_PARTS = """
create or replace table identity_named as
with linked as (
    select coalesce(l.label, xref.a) as x, coalesce(r.label, xref.b) as y,
        a.role as x_role, b.role as y_role
    from identity_xref as xref
    join identity_node as a on xref.a = a.node
    join identity_node as b on xref.b = b.node
    left join identity_part as l on xref.a = l.node
    left join identity_part as r on xref.b = r.node
    where not xref.conflicts
)
select distinct x, y, y_role as role from linked
union
select distinct y, x, x_role from linked
"""

# A pair is a match when its parts name each other; it is none when its left part names another part
# in the right one's role, or the other way round.
_LABELLED = """
create or replace table identity_labelled as
with said as (
    select
        pair.a, pair.b,
        exists (select 1 from identity_named as n where n.x = pair.a_part and n.y = pair.b_part)
            as is_match,
        exists (select 1 from identity_named as n where n.x = pair.a_part and n.role = r.role)
        or (l.role <> 'billing' and exists (
            select 1 from identity_named as n where n.x = pair.b_part and n.role = l.role))
                as is_told
    from identity_candidate as pair
    join identity_node as l on pair.a = l.node
    join identity_node as r on pair.b = r.node
    where l.role <> r.role and r.role <> 'billing' or l.role = 'crm' and r.role = 'billing'
)
select a, b, is_match from said where is_match or is_told
"""


def train(
    work: Work, command: str, trained_on: str, thresholds: tuple[float, float, float]
) -> Model:
    """Fit the weights to the records of identity.identity_records.

    Raises ValueError when too few pairs are labelled.
    """
    take_in(work)
    evidence.gather(work)
    work.run(_UNNAMED)
    label_components(work, "identity_firm", "identity_part")
    find_candidates(work)
    work.run(_NAMED_PARTS)
    work.run(_LABELLED)
    patterns = _patterns(work)
    pairs = int(patterns["pairs"].sum())
    if pairs < FEWEST_PAIRS:
        raise ValueError(
            f"only {pairs} pairs are labelled by cross-references; {FEWEST_PAIRS} are needed. "
            "Keep the shipped model."
        )
    prior, weights = _fitted(patterns)
    auto, review, margin = thresholds
    return Model(
        command,
        trained_on,
        pairs,
        prior,
        auto,
        review,
        margin,
        follow_likely=False,
        weights=weights,
    )


def _patterns(work: Work) -> pl.DataFrame:
    """How often each pattern of levels occurs, and how often it is a match."""
    settings = splink_settings({}, 0.5) | {"retain_matching_columns": True}
    scored = predicted(work, "identity_labelled", settings)
    columns = ", ".join(gammas())
    found = work.con.sql(
        f"select {columns}, count(*) as pairs, count(*) filter (is_match) as matches "
        f"from {scored} as scored join identity_labelled as said "
        f"on scored.node_l = said.a and scored.node_r = said.b group by all order by all"
    ).pl()
    clean(work)
    return found


def _fitted(patterns: pl.DataFrame) -> tuple[float, dict[str, dict[str, float]]]:
    features = numbered({aspect.name: aspect.words for aspect in ASPECTS})
    by_gamma = {
        (place, gamma(aspect, word)): features[aspect.name, word]
        for place, aspect in enumerate(ASPECTS)
        for word in aspect.words
    }
    rows = [
        Pattern(
            tuple(by_gamma[at] for at in enumerate(levels) if at in by_gamma),
            pairs,
            matches,
        )
        for *levels, pairs, matches in patterns.iter_rows()
    ]
    intercept, nats = fit(rows, len(features))
    weights: dict[str, dict[str, float]] = {aspect.name: {} for aspect in ASPECTS}
    for (aspect_name, word), number in features.items():
        weights[aspect_name][word] = round(bits(nats[number]), 3)
    return round(probability(intercept), 6), weights
