"""What of the warehouse stands as a night would build it again: views and seeds of the same files.

A view is its definition, and a seed its file; a third of a night's tables are one of these.
"""

from collections.abc import Collection, Iterable
from importlib.metadata import version
from pathlib import Path

import duckdb

from orchestration.company_files import DBT_PROJECT_DIR, ROOT
from orchestration.dbt import stamp_of

CODE = tuple(ROOT / name for name in ("extractors", "reconcilers", "orchestration"))
"""Folders of our own code, which makes what views and models stand on."""
KINDS = frozenset({"view", "seed"})
"""What stands from one night to the next; a table is made of what was read for its day."""

_BUILDERS = ("dbt-core", "dbt-duckdb", "duckdb")
_TABLE = "main.built_from"
_CREATED = (
    f"CREATE TABLE IF NOT EXISTS {_TABLE} (half VARCHAR, fingerprint VARCHAR, definitions VARCHAR)"
)
_DEFINITIONS = """
    SELECT string_agg(name || ' ' || definition, chr(10) ORDER BY name), count(*)
    FROM (
        SELECT schema_name || '.' || view_name AS name, sql AS definition FROM duckdb_views()
        UNION ALL
        SELECT schema_name || '.' || table_name, sql FROM duckdb_tables()
    )
    WHERE list_contains(?::VARCHAR[], name)
"""


def fingerprint(project_files: str = "", code: Iterable[Path] = CODE) -> str:
    """Of all that a table or its definition depends on: the project, our code, and what builds."""
    files = [file for folder in code for file in folder.rglob("*.py")]
    files.append(DBT_PROJECT_DIR / "profiles.yml")
    return " ".join([project_files, stamp_of(files), *map(version, _BUILDERS)])


def take(
    con: duckdb.DuckDBPyConnection, half: str, fingerprint: str, names: Collection[str]
) -> bool:
    """Whether these views and seeds stand as this half was last built, whole, from the same files.

    What was noted of the half is forgotten: a build that fails is followed by one of everything.
    """
    con.execute(_CREATED)
    noted = con.execute(
        f"DELETE FROM {_TABLE} WHERE half = ? RETURNING fingerprint, definitions", [half]
    ).fetchall()
    definitions, count = _defined(con, names)
    return noted == [(fingerprint, definitions)] and count == len(names)


def note_built(
    con: duckdb.DuckDBPyConnection, half: str, fingerprint: str, names: Collection[str]
) -> None:
    """Keep that this half, of which these are the views and seeds, was built whole."""
    definitions, _ = _defined(con, names)
    con.execute(f"INSERT INTO {_TABLE} VALUES (?, ?, ?)", [half, fingerprint, definitions])


def _defined(con: duckdb.DuckDBPyConnection, names: Collection[str]) -> tuple[str, int]:
    (found,) = con.execute(_DEFINITIONS, [sorted(names)]).fetchall()
    return found
