"""The entity diagrams of docs/data-model.md, drawn from dbt's manifest.

A relation is what a `relationships` test proves, or what a column's meta declares as
`refers_to: model.column` where orphans are drift, not a broken build. `make docs` writes the page:
`python -m orchestration.entity_diagram MANIFEST PAGE`.
"""

import json
import sys
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

BEGIN, END = "<!-- entity diagrams: written by make docs -->", "<!-- end of entity diagrams -->"
SCHEMAS = ("canonical", "events")
# Values beside their sources (one row per attribute) and steps on the way to another table.
_NO_ENTITY_ENDING = ("_values", "attribute_owners")
_NO_ENTITY_BEGINNING = ("happening", "event_", "fresh_event", "recurring_contract")
# Subject areas by the beginnings of table names; the longest that fits decides.
AREAS: Mapping[str, tuple[str, ...]] = {
    "Customers": ("customer",),
    "Catalogue": ("product", "price"),
    "Contracts": ("contract", "opportunit"),
    "Subscriptions and usage": ("subscription", "usage", "mrr"),
    "Invoices": ("invoice",),
    "Credits": ("credit_note",),
    "Payments": ("payment",),
    "Refunds and disputes": ("refund", "dispute"),
    "Payouts": ("payout", "deposit", "bank"),
    "Ledger": ("journal", "accounting_period", "ledger"),
    "Revenue": ("revenue",),
    "Reference": ("legal_entit", "tax_code", "fx_rate"),
    "Events and process": ("business_event", "process", "thread", "trace"),
}
OTHER = "Other"
# After its keys a box shows these first, then what else there is, and never when rows were written.
_FIRST_ENDINGS = ("status", "_minor", "_amount", "_date", "_at")
_NEVER = ("created_at", "modified_at", "correlation_id")
_MOST_COLUMNS = 8


@dataclass(frozen=True)
class Column:
    name: str
    kind: str
    keys: tuple[str, ...]  # PK, FK


@dataclass(frozen=True)
class Entity:
    name: str
    area: str
    columns: tuple[Column, ...]


@dataclass(frozen=True, order=True)
class Relation:
    """`child.column` names `parent`; tested: an orphan stops the build."""

    parent: str
    child: str
    column: str
    is_tested: bool
    is_one_to_one: bool

    def drawn(self) -> str:
        left = "||" if self.is_tested else "|o"
        line = "--" if self.is_tested else ".."
        right = "o|" if self.is_one_to_one else "o{"
        return f"    {self.parent} {left}{line}{right} {self.child} : {self.column}"


def diagrams(manifest: Mapping[str, Any]) -> str:
    """An overview and one diagram per subject area, as Markdown with Mermaid."""
    models = dict(sorted(_models(manifest).items(), key=lambda pair: pair[1]["alias"]))
    grains = _grains(manifest)
    relations = sorted(_relations(manifest, models, grains))
    entities = [_entity(model, grains, relations) for model in models.values()]
    sections = [_overview(entities, relations)]
    for area in (*AREAS, OTHER):
        inside = [entity for entity in entities if entity.area == area]
        if inside:
            sections.append(_area(area, inside, relations))
    return "\n".join(sections)


def rewritten(page: str, drawn: str) -> str:
    """The page with what stands between its two marks replaced.

    Raises ValueError when the marks are not there.
    """
    before, found, rest = page.partition(BEGIN)
    _, ended, after = rest.partition(END)
    if not found or not ended:
        raise ValueError(f"the page must hold {BEGIN!r} and {END!r}")
    return f"{before}{BEGIN}\n\n{drawn}\n{END}{after}"


def _models(manifest: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    return {
        key: node
        for key, node in manifest["nodes"].items()
        if node["resource_type"] == "model"
        and node["schema"] in SCHEMAS
        and node["config"]["materialized"] != "ephemeral"
        and not node["name"].endswith(_NO_ENTITY_ENDING)
        and not node["name"].startswith(_NO_ENTITY_BEGINNING)
    }


def _grains(manifest: Mapping[str, Any]) -> dict[str, tuple[str, ...]]:
    """Key columns of each model, as its grain test states them."""
    return {
        test["attached_node"]: tuple(test["test_metadata"]["kwargs"]["columns"])
        for test in _tests(manifest, "grain")
    }


def _tests(manifest: Mapping[str, Any], name: str) -> Iterator[dict[str, Any]]:
    for node in manifest["nodes"].values():
        if node["resource_type"] == "test":
            about = node.get("test_metadata") or {}
            if about.get("name") == name:
                yield node


def _relations(
    manifest: Mapping[str, Any],
    models: Mapping[str, Mapping[str, Any]],
    grains: Mapping[str, tuple[str, ...]],
) -> set[Relation]:
    names = {model["name"]: model["alias"] for model in models.values()}
    names |= {alias: alias for alias in names.values()}
    found = set()

    def add(child: str, column: str, parent: str, *, is_tested: bool) -> None:
        if child in models and parent in names:
            one_to_one = grains.get(child) == (column,)
            alias = models[child]["alias"]
            found.add(Relation(names[parent], alias, column, is_tested, one_to_one))

    for test in _tests(manifest, "relationships"):
        parents = [ref["name"] for ref in test["refs"]]
        to = str(test["test_metadata"]["kwargs"]["to"])
        parent = next(name for name in parents if f"'{name}'" in to)
        add(test["attached_node"], test["column_name"], parent, is_tested=True)
    for key, model in models.items():
        for name, column in model["columns"].items():
            target = (column.get("meta") or {}).get("refers_to")
            if target:
                add(key, name, target.partition(".")[0], is_tested=False)
    return found


def _entity(
    model: Mapping[str, Any], grains: Mapping[str, tuple[str, ...]], relations: Iterable[Relation]
) -> Entity:
    foreign = {one.column for one in relations if one.child == model["alias"]}
    primary = grains.get(model["unique_id"], ())
    columns = [
        Column(name, _kind(column["data_type"]), _marks(name, primary, foreign))
        for name, column in model["columns"].items()
        if name not in _NEVER
    ]
    ordered = sorted(
        columns, key=lambda column: (not column.keys, not column.name.endswith(_FIRST_ENDINGS))
    )
    chosen = ordered[: max(_MOST_COLUMNS, sum(bool(column.keys) for column in columns))]
    return Entity(model["alias"], _area_of(model["alias"]), tuple(chosen))


def _marks(name: str, primary: Iterable[str], foreign: Iterable[str]) -> tuple[str, ...]:
    return tuple(mark for mark, names in (("PK", primary), ("FK", foreign)) if name in names)


def _kind(data_type: str | None) -> str:
    return (data_type or "unknown").partition("(")[0].replace(" ", "_").replace("[]", "_list")


def _area_of(name: str) -> str:
    fitting = [
        (len(beginning), area)
        for area, beginnings in AREAS.items()
        for beginning in beginnings
        if name.startswith(beginning)
    ]
    return max(fitting)[1] if fitting else OTHER


def _overview(entities: Iterable[Entity], relations: Iterable[Relation]) -> str:
    """How the areas hang together: what is named across their borders."""
    area_of = {entity.name: entity.area for entity in entities}
    across = sorted(
        {
            (area_of[one.parent], area_of[one.child])
            for one in relations
            if area_of[one.parent] != area_of[one.child]
        }
    )
    numbers = {area: f"a{number}" for number, area in enumerate((*AREAS, OTHER))}
    names = {area: [e.name for e in entities if e.area == area] for area in numbers}
    boxes = [
        f'    {numbers[area]}["<b>{area}</b><br/>{"<br/>".join(members)}"]'
        for area, members in names.items()
        if members
    ]
    arrows = [f"    {numbers[child]} --> {numbers[parent]}" for parent, child in across]
    return "\n".join(
        [
            "### Overview",
            "",
            "Tables by subject. An arrow points to the subject whose tables are named.",
            "",
            "```mermaid",
            "flowchart LR",
            *boxes,
            *arrows,
            "```",
            "",
        ]
    )


def _area(area: str, entities: Iterable[Entity], relations: Iterable[Relation]) -> str:
    members = list(entities)
    names = {entity.name for entity in members}
    drawn = [one.drawn() for one in relations if one.child in names]
    return "\n".join(
        [f"### {area}", "", "```mermaid", "erDiagram", *drawn, *map(_box, members), "```", ""]
    )


def _box(entity: Entity) -> str:
    rows = [
        f"        {column.kind} {column.name} {', '.join(column.keys)}".rstrip()
        for column in entity.columns
    ]
    return "\n".join([f"    {entity.name} {{", *rows, "    }"])


def main() -> None:
    """Write the diagrams of a manifest into a page."""
    manifest, page = (Path(argument) for argument in sys.argv[1:3])
    drawn = diagrams(json.loads(manifest.read_text(encoding="utf-8")))
    page.write_text(rewritten(page.read_text(encoding="utf-8"), drawn), encoding="utf-8")


if __name__ == "__main__":
    main()
