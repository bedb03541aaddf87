"""Which columns of its parents each column of a model is made of, read from the SQL dbt compiled.

Dagster can find this out in a night, and asks sqlglot once a column: 149 s of processor time for
the models of this project. Once a model takes 6 s, and nothing where the SQL is as it was; those
who open the UI wait for it, no night does.
"""

import hashlib
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from sqlglot import exp
from sqlglot.errors import SqlglotError
from sqlglot.lineage import lineage

KEPT = "column_lineage.json"


class Column(NamedTuple):
    """A column of a parent, by dbt's unique id of the model, seed or source."""

    parent: str
    name: str


Columns = Mapping[str, Sequence[Column]]
Lineage = Mapping[str, Columns]


def column_lineage(manifest_path: Path, target: Path) -> Lineage:
    """By model and column; without the models that dbt has not compiled in this target yet."""
    manifest = json.loads(manifest_path.read_bytes())
    kept = target / KEPT
    known = json.loads(kept.read_bytes()) if kept.exists() else {}
    found = {}
    for unique_id, node in manifest["nodes"].items():
        path = target / "compiled" / node["package_name"] / node["original_file_path"]
        if node["resource_type"] != "model" or not path.exists():
            continue
        sql, parents = path.read_text(encoding="utf-8"), _parents(manifest, node)
        mark, told = _mark(sql, parents), known.get(unique_id)
        if told is None or told["mark"] != mark:
            columns = columns_of(sql, parents, manifest["metadata"]["adapter_type"])
            told = {"mark": mark, "columns": columns}
        found[unique_id] = told
    if any(told is not known.get(unique_id) for unique_id, told in found.items()):
        _keep(kept, found)
    return {
        unique_id: {
            name: [Column(*one) for one in made_of] for name, made_of in told["columns"].items()
        }
        for unique_id, told in found.items()
    }


def columns_of(sql: str, parents: Mapping[str, Mapping[str, Any]], dialect: str) -> Columns:
    """What each column of a query is made of; nothing of a query that sqlglot cannot resolve.

    `parents`: what dbt knows of each model, seed and source that the query reads, by unique id.
    """
    schema: dict[str, dict[str, dict[str, dict[str, str]]]] = {}
    ids = {}
    for unique_id, node in parents.items():
        table = node.get("identifier") or node["alias"]
        ids[node["schema"], table] = unique_id
        if columns := {name: one["data_type"] or "text" for name, one in node["columns"].items()}:
            schema.setdefault(node["database"], {}).setdefault(node["schema"], {})[table] = columns
    try:
        trees = lineage(None, sql, schema, dialect=dialect, trim_selects=False)
    except SqlglotError:  # such as `select unnest(...)` of a source, whose columns dbt is not told
        return {}
    return {
        name: sorted(
            {
                Column(ids[table.db, table.name], exp.to_column(leaf.name).name)
                for leaf in tree.walk()
                if isinstance(table := leaf.source, exp.Table) and (table.db, table.name) in ids
            }
        )
        for name, tree in trees.items()
    }


def _parents(manifest: Mapping[str, Any], node: Mapping[str, Any]) -> dict[str, Any]:
    return {
        unique_id: manifest["nodes"].get(unique_id) or manifest["sources"][unique_id]
        for unique_id in node["depends_on"]["nodes"]
    }


def _mark(sql: str, parents: Mapping[str, Mapping[str, Any]]) -> str:
    """Changes with the query, and with the columns that a `*` in it stands for."""
    read = [(unique_id, list(node["columns"])) for unique_id, node in sorted(parents.items())]
    return hashlib.sha256(f"{sql}{json.dumps(read)}".encode()).hexdigest()


def _keep(path: Path, found: Mapping[str, Any]) -> None:
    staged = path.with_name(f".{path.name}.new")
    staged.write_text(json.dumps(found), encoding="utf-8")
    staged.replace(path)
