"""What of the warehouse stands as a night would build it again, so that it need not.

A view is its definition, and a seed its file. A table stands where nothing changed that it is made
of, the sources and all between: the versions of the sources are kept from build to build. So are
those of views that say what of the day counts (`meta.turns` in dbt): it is the same on most days.
"""

from collections.abc import Collection, Iterable, Mapping
from importlib.metadata import version
from pathlib import Path
from typing import Any

import duckdb

from orchestration.company_files import DBT_PROJECT_DIR, ROOT
from orchestration.dbt import stamp_of
from reconcilers.engine import exists

CODE = tuple(ROOT / name for name in ("extractors", "reconcilers", "orchestration"))
"""Folders of our own code, which makes what views and models stand on."""
WATERMARKS = "model.tieout.stg_control__snapshots"
"""What every reading changes, and most comparisons ask for."""
DAY = "source.tieout.control.build"
"""The day, which is another one each night."""
_ADDED = frozenset({"macro.tieout.coverage", "macro.tieout.when_read"})

_BUILDERS = ("dbt-core", "dbt-duckdb", "duckdb")
_TABLE = "main.built_of"
_CREATED = (
    f"CREATE TABLE IF NOT EXISTS {_TABLE} "
    "(half VARCHAR, fingerprint VARCHAR, definitions VARCHAR, versions MAP(VARCHAR, VARCHAR))"
)
_DEFINITIONS = """
    SELECT string_agg(name || ' ' || definition, chr(10) ORDER BY name),
        count(DISTINCT regexp_replace(name, '__held$', ''))
    FROM (
        SELECT schema_name || '.' || view_name AS name, sql AS definition FROM duckdb_views()
        UNION ALL
        SELECT schema_name || '.' || table_name, sql || ' ' || estimated_size FROM duckdb_tables()
    )
    WHERE list_contains(?::VARCHAR[], regexp_replace(name, '__held$', ''))
"""
_NOTED_VERSIONS = (
    ("raw.made_of", "SELECT name, changed_at::VARCHAR FROM raw.made_of"),
    ("event_log.made_of", "SELECT name, md5(files::VARCHAR) FROM event_log.made_of"),
)


def fingerprint(project_files: str = "", code: Iterable[Path] = CODE) -> str:
    """Of all that a table or its definition depends on: the project, our code, and what builds."""
    files = [file for folder in code for file in folder.rglob("*.py")]
    files.append(DBT_PROJECT_DIR / "profiles.yml")
    return " ".join([project_files, stamp_of(files), *map(version, _BUILDERS)])


def versions(
    con: duckdb.DuckDBPyConnection, sources: Mapping[str, Mapping[str, Any]]
) -> dict[str, str]:
    """Of each source of the manifest that is there: another version once it has other rows.

    Columns that tell of the night alone (`of_the_night` in its meta) do not count.
    """
    noted = {
        name: version
        for table, query in _NOTED_VERSIONS
        if exists(con, table)
        for name, version in con.sql(query).fetchall()
    }
    found = {}
    for id_, source in sources.items():
        name = f"{source['schema']}.{source['identifier']}"
        if noted.get(name) is not None:
            found[id_] = noted[name]
        elif exists(con, name):
            left_out = source["config"]["meta"].get("of_the_night", [])
            kept = f"COLUMNS(lambda name: NOT list_contains({left_out}::VARCHAR[], name))"
            found[id_] = _rows_of(con, f"(SELECT {kept} FROM {name})")
    return found


def turns(
    con: duckdb.DuckDBPyConnection, manifest: Mapping[str, Any], among: Collection[str]
) -> dict[str, str]:
    """Of each of these nodes that is a view of what of the day counts: another version at its turn.

    Where anything else changed that such a view is made of, its rows are those of the last build.
    """
    nodes = manifest["nodes"]
    return {
        id_: _rows_of(con, f"{nodes[id_]['schema']}.{nodes[id_]['alias']}")
        for id_ in sorted(_turning(nodes) & set(among))
    }


def take(
    con: duckdb.DuckDBPyConnection, half: str, fingerprint: str, names: Collection[str]
) -> dict[str, str] | None:
    """Versions of the sources that this half was last built of; None where nothing of it stands.

    It stands that was built whole, from the same files, and as which it is still there. What was
    noted of the half is forgotten: a build that fails is followed by one of everything.
    """
    con.execute(_CREATED)
    noted = con.execute(
        f"DELETE FROM {_TABLE} WHERE half = ? RETURNING fingerprint, definitions, versions", [half]
    ).fetchall()
    definitions, count = _defined(con, names)
    if count != len(names) or [row[:2] for row in noted] != [(fingerprint, definitions)]:
        return None
    return dict(noted[0][2])


def note_built(
    con: duckdb.DuckDBPyConnection,
    half: str,
    fingerprint: str,
    names: Collection[str],
    versions: Mapping[str, str],
) -> None:
    """Keep that this half, of which these are the relations, was built whole of these sources."""
    definitions, _ = _defined(con, names)
    con.execute(
        f"INSERT INTO {_TABLE} VALUES (?, ?, ?, ?)",
        [half, fingerprint, definitions, dict(versions)],
    )


def unaffected(manifest: Mapping[str, Any], changed: Iterable[str]) -> frozenset[str]:
    """Views and seeds, and the tables that no changed source leads to: ids of nodes of dbt.

    dbt leaves out a test of nothing but what is left out. So a table is built, although nothing of
    it changed, where it is all that stands between such a test and a view that shows what did.
    """
    nodes, below, behind = manifest["nodes"], set[str](), list(changed)
    turning = _turning(nodes)
    while behind:
        parent = behind.pop()
        children = set(manifest["child_map"][parent]) - below
        if parent in {WATERMARKS, DAY}:
            children -= turning
        if parent == WATERMARKS:
            children -= _added_when_read(manifest)
        below |= children
        behind += children
    views = {id_ for id_, node in nodes.items() if _kind(node) in {"view", "seed"}}
    tables = {id_ for id_, node in nodes.items() if _kind(node) == "table"} - below
    for test in (id_ for id_ in below if id_.startswith("test.")):
        parents = set(manifest["parent_map"][test])
        if parents <= views | tables:
            tables -= parents
    return frozenset(views | tables)


def _added_when_read(manifest: Mapping[str, Any]) -> frozenset[str]:
    """Models that ask for watermarks only where the views over their tables add these."""
    macros, name = manifest["macros"], WATERMARKS.rpartition(".")[2]
    asking = {id_ for id_, macro in macros.items() if name in macro["macro_sql"]}
    while (
        more := {
            id_
            for id_, macro in macros.items()
            if not asking.isdisjoint(macro["depends_on"]["macros"])
        }
        - asking
    ):
        asking |= more
    return frozenset(
        id_
        for id_ in manifest["child_map"][WATERMARKS]
        if (asks := asking.intersection(manifest["nodes"][id_]["depends_on"]["macros"]))
        and asks <= _ADDED
        and name not in manifest["nodes"][id_].get("raw_code", "")
    )


def _turning(nodes: Mapping[str, Any]) -> frozenset[str]:
    return frozenset(
        id_ for id_, node in nodes.items() if node["config"].get("meta", {}).get("turns")
    )


def _rows_of(con: duckdb.DuckDBPyConnection, relation: str) -> str:
    rows = con.sql(f"SELECT count(*) || ' ' || coalesce(sum(hash(t)), 0) FROM {relation} AS t")
    ((found,),) = rows.fetchall()
    return str(found)


def _kind(node: Mapping[str, Any]) -> str:
    return str(node["config"].get("materialized"))


def _defined(con: duckdb.DuckDBPyConnection, names: Collection[str]) -> tuple[str, int]:
    (found,) = con.execute(_DEFINITIONS, [sorted(names)]).fetchall()
    return found
