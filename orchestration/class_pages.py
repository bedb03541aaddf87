"""A page for each class of drift, written from its rules, the policy and a labelled world.

Run by `make drift-pages`: plants every class in a fresh company, runs a night, and writes
`docs/drift`. What stands above "Seen on the sandbox" needs no night, and a test holds it against
the rules.
"""

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from orchestration.console import money
from orchestration.evaluate import SCALES, evaluate_world, parse_plants, temporary_world
from orchestration.reference_pages import table
from orchestration.scoring import CodeScore, Evaluation
from orchestration.settings import load_settings
from reconcilers.causes import EDGES
from reconcilers.corrections.policy import CAUSES, Policy, load_policy
from reconcilers.engine import open_warehouse
from reconcilers.matrix import load_matrix
from reconcilers.rules.base import Rule
from reconcilers.rules.catalogue import all_rules
from reconcilers.rules.codes import CODES
from reconcilers.rules.meanings import meanings

SEEN = "## Seen on the sandbox"
_SEED = 7
_SEEN_ROWS = """
select code, cause, owner_system, owner_id, attribute, expected, observed, impact_reporting_minor,
    severity
from reconciliation.drift
where disposition = 'exception'
qualify row_number() over (partition by code, cause, attribute order by exception_key) = 1
order by code, cause, attribute
"""
_MOST_SEEN = 8


def known(code: str, rules: Iterable[Rule], policy: Policy) -> str:
    """The part of a class's page that rules, policy and cause graph say."""
    text = meanings()[code]
    own = [rule for rule in rules if rule.code == code]
    return "\n".join(
        [
            f"# {code}: {CODES[code]}",
            "",
            text["means"],
            "",
            "## How it is found",
            "",
            text["found"],
            "",
            table(("compared in", "attribute", "window"), _checks(own)),
            "",
            *_causes(code),
            *_graph(code),
            "## What is done",
            "",
            text["todo"],
            "",
            table(
                ("cause", "mode", "severity at least", "goes to", "decision within"),
                _decided(code, policy),
            ),
            "",
        ]
    )


def _checks(rules: Sequence[Rule]) -> Iterator[tuple[str, ...]]:
    if not rules:
        yield ("matches of the night", "existence", "none")
    for rule in sorted(rules, key=lambda each: each.name):
        window = f"{rule.grace_hours} h" if rule.grace_hours else "none"
        yield (f"`{rule.over}`", rule.attribute or "existence", window)


def _causes(code: str) -> list[str]:
    told = CAUSES.get(code, ())
    return [f"Causes that are told apart: {', '.join(f'`{one}`' for one in told)}.", ""] * bool(
        told
    )


def _graph(code: str) -> list[str]:
    parents = [_link(edge.parent) for edge in EDGES if edge.child == code]
    children = [_link(edge.child) for edge in EDGES if edge.parent == code]
    lines = []
    if parents:
        lines += [f"It may only follow from {', '.join(parents)}, and is not counted then.", ""]
    if children:
        lines += [f"It may explain {', '.join(children)}.", ""]
    return lines


def _link(code: str) -> str:
    return f"[{code}]({code}.md)"


def _decided(code: str, policy: Policy) -> Iterator[tuple[str, ...]]:
    for (of, cause), rule in policy.rules.items():
        if of == code:
            hours = f"{rule.sla_hours} h"
            name = f"`{cause}`" if cause else "any"
            yield (name, rule.mode.value, rule.severity_floor, rule.assignee, hours)


def seen(rows: Iterable[Sequence[str | int | None]]) -> str:
    """The part of a class's page that a night gives: a row per cause and attribute."""
    shown = [
        (
            f"`{cause}`" if cause else "",
            f"{system} `{owner}`",
            str(attribute or "existence"),
            str(expected or ""),
            str(observed or ""),
            money(int(minor or 0)),
            str(severity),
        )
        for _, cause, system, owner, attribute, expected, observed, minor, severity in rows
    ]
    titles = ("cause", "record", "attribute", "expected", "observed", "impact, USD", "severity")
    return "\n".join([SEEN, "", table(titles, shown[:_MOST_SEEN]), ""])


def index(result: Evaluation) -> str:
    """All classes with what they came to on the labelled world."""
    measured = (
        f"Measured on a labelled company of {result.customers} customers, every class planted at "
        f"once (`tieout evaluate --seed {result.seed}`). {result.attributed:.1%} of the money at "
        "risk hangs on its true cause."
    )
    return "\n".join(
        [
            "# Classes of drift",
            "",
            measured,
            "",
            table(
                ("class", "", "planted", "implied", "found", "false", "missed"),
                map(_scored, result.scores),
            ),
            "",
        ]
    )


def _scored(score: CodeScore) -> tuple[str, ...]:
    counts = (score.planted, score.implied, score.found, score.false, score.missed)
    return (_link(score.code), CODES[score.code], *map(str, counts))


def main() -> None:
    """Write all pages."""
    settings = load_settings()
    folder = Path("docs/drift")
    folder.mkdir(exist_ok=True)
    with temporary_world(settings, _SEED, SCALES["small"]) as world:
        result = evaluate_world(
            world, _SEED, parse_plants([]), customers=SCALES["small"], behind={}
        )
        rules = all_rules(load_matrix(world.matrix_path), result.day)
        with open_warehouse(world.warehouse_path) as con:
            rows = con.sql(_SEEN_ROWS).fetchall()
    policy = load_policy(settings.policy_path)
    for code in CODES:
        page = known(code, rules, policy) + "\n" + seen(row for row in rows if row[0] == code)
        (folder / f"{code}.md").write_text(page, encoding="utf-8")
    (folder / "README.md").write_text(index(result), encoding="utf-8")


if __name__ == "__main__":
    main()
