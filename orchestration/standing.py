"""What of the warehouse stands as a night would build it again: views and seeds of the same files.

A view is its definition, and a seed its file; a third of a night's tables are one of these.
"""

import hashlib
from collections.abc import Iterable
from pathlib import Path

import duckdb

from orchestration.company_files import ROOT

CODE = tuple(ROOT / name for name in ("extractors", "reconcilers", "orchestration"))
"""Folders of our own code, which makes what views and models stand on."""
KINDS = frozenset({"view", "seed"})
"""What stands from one night to the next; a table is made of what was read for its day."""

_TABLE = "main.built_from"
_CREATED = (
    f"CREATE TABLE IF NOT EXISTS {_TABLE} (half VARCHAR, fingerprint VARCHAR, names VARCHAR[])"
)
_VIEWS_AND_SEEDS = """
    SELECT schema_name || '.' || view_name AS name FROM duckdb_views() WHERE NOT internal
    UNION ALL
    SELECT schema_name || '.' || table_name FROM duckdb_tables() WHERE schema_name = 'seeds'
"""


def fingerprint(project_files: str, code: Iterable[Path] = CODE) -> str:
    """Of all that a definition depends on: the project, and the code that makes other tables."""
    files = sorted(file for folder in code for file in folder.rglob("*.py"))
    told = [(str(file), file.stat().st_size, file.stat().st_mtime_ns) for file in files]
    return hashlib.sha256(repr((project_files, told)).encode()).hexdigest()


def stands(con: duckdb.DuckDBPyConnection, half: str, fingerprint: str) -> bool:
    """Whether this half was built whole with this fingerprint, and nothing of it is gone.

    Where it was not, what was noted of it is forgotten: what is built now may not be all of it.
    """
    con.execute(_CREATED)
    (found,) = con.execute(
        f"SELECT count(*) FROM {_TABLE} WHERE half = $half AND fingerprint = $fingerprint "
        f"AND list_has_all((SELECT list(name) FROM ({_VIEWS_AND_SEEDS})), names)",
        {"half": half, "fingerprint": fingerprint},
    ).fetchall()
    if not found[0]:
        forget(con, half)
    return bool(found[0])


def forget(con: duckdb.DuckDBPyConnection, half: str) -> None:
    """Have everything of this half built by the next night, whatever its files are then."""
    con.execute(_CREATED)
    con.execute(f"DELETE FROM {_TABLE} WHERE half = ?", [half])


def note_built(con: duckdb.DuckDBPyConnection, half: str, fingerprint: str) -> None:
    """Keep that this half was built whole."""
    con.execute(
        f"INSERT INTO {_TABLE} SELECT ?, ?, list(name) FROM ({_VIEWS_AND_SEEDS})",
        [half, fingerprint],
    )
