"""Why two records are taken for one customer: keys that match, and what the model makes of them.

Names of keys and levels only, never their values: what is written here may leave identity.
"""

import math

from reconcilers.identity.comparisons import ASPECTS, USED_COLUMNS, Aspect
from reconcilers.identity.decision import HYSTERESIS_BITS, REFERENCE_BITS
from reconcilers.identity.model import Model
from reconcilers.identity.work import Work

# Keys as people call them, and when they match; `xref` is a reference of either to the other.
_KEYS = {
    "reference": "is_xref",
    "tax id": "tax_id_l = tax_id_r",
    "domain": "domain_l = domain_r",
    "country": "country_l = country_r",
    "name": "core_key_l = core_key_r",
    "postcode": "postcode_l = postcode_r",
    "city": "city_l = city_r",
    "street": "street_l = street_r",
    "phone": "phone_l = phone_r",
}

# The weights of a scored pair add up to its bits, with the prior and what references and last
# night's link count for.
_REASONS = """
create or replace table {out} as
with sides as (
    select
        pair.a, pair.b, pair.is_scored, xref.a is not null as is_xref,
        coalesce(x.previous_id = y.previous_id, false) as was_one, {columns}
    from {pairs} as pair
    join identity_node as l on pair.a = l.node
    join identity_node as r on pair.b = r.node
    left join identity_xref as xref on pair.a = xref.a and pair.b = xref.b
    left join identity_before as x on pair.a = x.node
    left join identity_before as y on pair.b = y.node
),
levelled as (
    select
        a, b, is_scored, is_xref, was_one,
        list_filter([{keys}], lambda key: key is not null) as keys,
        {levels}
    from sides
)
select
    a, b, keys,
    case when is_scored then json_object(
        'prior', {prior}, {weights},
        'reference', case when is_xref then {reference_bits} else 0 end,
        'joined before', case when was_one then {hysteresis_bits} else 0 end
    ) end as weights
from levelled
"""


def give_reasons(work: Work, pairs: str, out: str, model: Model) -> None:
    """Make the table `out` (a, b, keys, weights) for pairs (a, b, is_scored).

    `weights`, of scored pairs only, is JSON: per comparison its level and that level's bits.
    """
    work.run(
        _REASONS,
        out=out,
        pairs=pairs,
        columns=", ".join(f"l.{name} as {name}_l, r.{name} as {name}_r" for name in USED_COLUMNS),
        keys=", ".join(f"case when {match} then '{key}' end" for key, match in _KEYS.items()),
        levels=", ".join(
            f'case when is_scored then {_level(a)} end as "{a.name}"' for a in ASPECTS
        ),
        weights=", ".join(_weight(aspect, model) for aspect in ASPECTS),
        prior=round(math.log2(model.prior / (1 - model.prior)), 3),
        reference_bits=REFERENCE_BITS,
        hysteresis_bits=HYSTERESIS_BITS,
    )


def _level(aspect: Aspect) -> str:
    cases = "".join(
        f" when {condition} then '{_quoted(word)}'" for word, condition in aspect.levels
    )
    return (
        f"case when {aspect.unknown} then 'unknown'{cases} else '{_quoted(aspect.otherwise)}' end"
    )


def _weight(aspect: Aspect, model: Model) -> str:
    cases = "".join(
        f" when '{_quoted(word)}' then {bits}" for word, bits in model.weights[aspect.name].items()
    )
    bits = f'case "{aspect.name}"{cases} else 0 end'
    return f"""'{aspect.name}', json_object('level', "{aspect.name}", 'bits', {bits})"""


def _quoted(word: str) -> str:
    return word.replace("'", "''")
