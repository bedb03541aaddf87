"""Models of a large company in parts: built of what a load touched, and put in their tables.

The customers that were touched are built twice in a small warehouse, as they were before and as
they are. A table has to hold the rows of the first, each as it was built there: so it shows, night
by night, that a part tells of its customers what the whole does. Then it gives up and takes in what
the two tell otherwise. A table that does not show it is built anew, and so is what hangs on it, and
what the day or anything of the company's own leads to.
"""

import os
from collections.abc import Collection, Iterable, Iterator, Mapping
from collections.abc import Set as AbstractSet
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb
from dagster_dbt import DbtCliResource

from extractors.raw_history import quoted
from orchestration import standing
from orchestration.touched import (
    CROSSWALK,
    FORMER_CROSSWALK,
    LINKED,
    Change,
    changes_of,
    gather,
    rows_of,
)

LEAST_RECORDS = 10_000_000
"""Of a smaller company all is built as fast as two parts of it."""
MOST_TOUCHED = 0.3
"""Share of the linked records beyond which all is built at once: a part is built twice."""

_WAREHOUSE = "warehouse.duckdb"  # its name is that of the catalog, which models are compiled with


@dataclass(frozen=True)
class PartTable:
    """A model's own table, by which columns its rows are told apart, and which rows change."""

    id: str
    name: str
    grain: str
    number: int

    @property
    def gone(self) -> str:
        return f"gone_{self.number}"

    @property
    def come(self) -> str:
        return f"come_{self.number}"

    @property
    def held(self) -> str:
        return f"held_{self.number}"


@dataclass(frozen=True)
class Workshop:
    """Where parts are built, by what project with its manifest, and of which models."""

    folder: Path
    dbt: DbtCliResource
    manifest: Mapping[str, Any]
    models: Collection[str]


def bring_up(
    con: duckdb.DuckDBPyConnection,
    shop: Workshop,
    built_of: Mapping[str, str],
    changed: Collection[str],
) -> frozenset[str]:
    """Bring tables to what a build would make of them, where parts of them tell; ids of models.

    `built_of` are the versions of the sources that were last built from, `changed` the ids of those
    that are others now, and of views that turned.

    Raises:
        DagsterDbtError: a part cannot be built, or breaks a test.

    """
    manifest = shop.manifest
    names = {
        id_: f"{one['schema']}.{one['identifier']}" for id_, one in manifest["sources"].items()
    }
    (crosswalk,) = (manifest["sources"][id_] for id_, name in names.items() if name == CROSSWALK)
    changes = changes_of(
        con,
        [names[id_] for id_ in changed if id_ in names],
        {name: built_of[id_] for id_, name in names.items() if id_ in built_of},
        crosswalk["config"]["meta"].get("of_the_night", ()),
    )
    whole = [id_ for id_ in changed if names.get(id_) not in changes]
    stays = standing.unaffected(manifest, standing.below(manifest, changed))

    def in_parts(built_whole: Collection[str] = ()) -> frozenset[str]:
        left = standing.unaffected(manifest, standing.below(manifest, whole, built_whole))
        return (left - stays).intersection(shop.models)

    parts = in_parts()
    if not parts or gather(con, changes) > MOST_TOUCHED * _records(con):
        return frozenset()
    folder = shop.folder
    folder.mkdir(parents=True, exist_ok=True)
    selected = set(manifest["nodes"]) - standing.below(manifest, whole)
    selected |= _above(manifest, selected)
    for state in ("before", "after"):
        _fill(con, folder / _WAREHOUSE, manifest, selected, changes, before=state == "before")
        _build(shop, selected, with_tests=state == "after")
        place = (folder / _WAREHOUSE).replace(folder / f"{state}.duckdb")
        con.execute(f"ATTACH '{quoted(str(place))}' AS {state} (READ_ONLY)")
    tables = _tables(con, manifest, parts)
    kept = in_parts({table.id for table in tables if not find_changes(con, table)})
    put_changes(con, [table for table in tables if table.id in kept])
    for state in ("before", "after"):
        con.execute(f"DETACH {state}")
        (folder / f"{state}.duckdb").unlink()
    return kept


def _above(manifest: Mapping[str, Any], nodes: Iterable[str]) -> set[str]:
    """All that these models stand on."""
    found, ahead = set[str](), [id_ for id_ in nodes if id_.startswith("model.")]
    while ahead:
        parents = set(manifest["parent_map"][ahead.pop()]).intersection(manifest["nodes"]) - found
        found |= parents
        ahead += parents
    return found


def remember(con: duckdb.DuckDBPyConnection) -> None:
    """Keep what a build was made of and a later load does not keep itself."""
    con.execute(f"CREATE OR REPLACE TABLE {FORMER_CROSSWALK} AS FROM {CROSSWALK}")


def _records(con: duckdb.DuckDBPyConnection) -> int:
    ((records,),) = con.execute(
        "SELECT coalesce(sum(estimated_size), 0) FROM duckdb_tables() "
        "WHERE list_contains(?::VARCHAR[], schema_name || '.' || table_name)",
        [sorted(LINKED)],
    ).fetchall()
    return int(records)


def _fill(
    con: duckdb.DuckDBPyConnection,
    place: Path,
    manifest: Mapping[str, Any],
    selected: Collection[str],
    changes: Mapping[str, Change],
    *,
    before: bool,
) -> None:
    """A new warehouse of what the selected models stand on, of the touched customers alone."""
    place.unlink(missing_ok=True)
    parents = {id_ for node in selected for id_ in manifest["parent_map"].get(node, ())}
    given = [manifest["sources"][id_] for id_ in parents if id_ in manifest["sources"]]
    given += [node for id_ in parents if (node := manifest["nodes"].get(id_)) and _is_seed(node)]
    con.execute(f"ATTACH '{quoted(str(place))}' AS part")
    for node in given:
        name = f"{node['schema']}.{node.get('identifier') or node['alias']}"
        con.execute(f"CREATE SCHEMA IF NOT EXISTS part.{node['schema']}")
        rows = f"FROM {name}"
        if name in LINKED:
            rows = rows_of(name, changes.get(name), before=before)
        con.execute(f"CREATE TABLE part.{name} AS {rows}")
    con.execute("DETACH part")


def _is_seed(node: Mapping[str, Any]) -> bool:
    return str(node["resource_type"]) == "seed"


def _build(shop: Workshop, selected: AbstractSet[str], *, with_tests: bool) -> None:
    nodes, parents = shop.manifest["nodes"], shop.manifest["parent_map"]
    types = {"model", "test"} if with_tests else {"model"}
    asked = sorted(
        ".".join(nodes[id_]["fqn"])
        for id_ in selected
        if nodes[id_]["resource_type"] in types
        and "grain" not in nodes[id_]["tags"]
        and selected >= nodes.keys() & set(parents[id_])
    )
    with _in_warehouse(shop.folder / _WAREHOUSE):
        shop.dbt.cli(
            [
                *("build", "--select", " ".join(asked), "--exclude", "tag:grain,path:models"),
                *("--exclude-resource-type", "unit_test", "--no-write-json", "--threads", "1"),
            ],
            target_path=shop.folder / "target",
        ).wait()


@contextmanager
def _in_warehouse(place: Path) -> Iterator[None]:
    former = {name: os.environ.pop(name, None) for name in ("TIEOUT_WAREHOUSE", "TIEOUT_STANDING")}
    os.environ["TIEOUT_WAREHOUSE"] = str(place)
    try:
        yield
    finally:
        os.environ.pop("TIEOUT_WAREHOUSE")
        os.environ.update({name: value for name, value in former.items() if value is not None})


def _tables(
    con: duckdb.DuckDBPyConnection, manifest: Mapping[str, Any], models: Collection[str]
) -> list[PartTable]:
    nodes = manifest["nodes"]
    grains = {
        node["attached_node"]: node["test_metadata"]["kwargs"]["columns"]
        for node in nodes.values()
        if node["resource_type"] == "test" and "grain" in node["tags"]
    }
    there = con.sql(
        "SELECT schema_name || '.' || table_name FROM duckdb_tables() WHERE database_name = 'after'"
    )
    names = {name.removesuffix("__held"): name for (name,) in there.fetchall()}
    return [
        PartTable(
            id_,
            names[f"{nodes[id_]['schema']}.{nodes[id_]['alias']}"],
            ", ".join(grains[id_]),
            number,
        )
        for number, id_ in enumerate(sorted(models))
    ]


def find_changes(con: duckdb.DuckDBPyConnection, table: PartTable) -> bool:
    """Note which rows go and come; whether the table has the rows of the part as it was before.

    A part that had no rows shows nothing.
    """
    for rows, these, others in ((table.gone, "before", "after"), (table.come, "after", "before")):
        con.execute(
            f"CREATE OR REPLACE TEMP TABLE {rows} AS "
            f"FROM {these}.{table.name} EXCEPT ALL FROM {others}.{table.name}"
        )
    con.execute(
        f"CREATE OR REPLACE TEMP TABLE {table.held} AS SELECT rowid AS row_number, * "
        f"FROM {table.name} SEMI JOIN "
        f"(SELECT {table.grain} FROM {table.gone} UNION SELECT {table.grain} FROM {table.come}) "
        f"USING ({table.grain})"
    )
    held = f"SELECT * EXCLUDE (row_number) FROM {table.held}"
    part = f"before.{table.name}"
    if not con.sql(f"FROM {part} LIMIT 1").fetchall():
        return False
    alike = (
        (f"FROM {part}", f"FROM {table.name} SEMI JOIN {part} USING ({table.grain})"),
        # what comes has no key that the table has but of what goes
        (held, f"FROM {table.gone}"),
    )
    return not any(
        con.sql(f"({these}) EXCEPT ALL ({others}) LIMIT 1").fetchall() for these, others in alike
    )


def put_changes(con: duckdb.DuckDBPyConnection, tables: Iterable[PartTable]) -> None:
    """Exchange in all tables at once what was found."""
    con.execute("BEGIN")
    for table in tables:
        con.execute(
            f"DELETE FROM {table.name} WHERE rowid IN (SELECT row_number FROM {table.held})"
        )
        con.execute(f"INSERT INTO {table.name} FROM {table.come}")
    con.execute("COMMIT")
