"""Rows as Salesforce writes them, rendered by the database: JSON for REST, CSV for bulk results."""

from collections.abc import Sequence

from extractors.sandbox.salesforce_schema import COMPOUNDS, holds_ids
from extractors.sandbox.schema import Table
from extractors.sandbox.soql import Selected

ROW = "row_"
"""The alias of the table that rows are rendered from."""

_BOOLEAN = "CASE WHEN {0} THEN 'true' ELSE 'false' END"
# Most numbers are written as SQLite does; the others by a function of ours, which takes longer.
_DOUBLE = (
    "CASE WHEN {0} > -1e7 AND {0} < 1e7 AND ({0} >= 0.001 OR {0} <= -0.001 OR {0} = 0) "
    "THEN format('%!.15g', {0}) ELSE double_text({0}) END"
)


def json_object(table: Table, selected: Sequence[Selected], root: str) -> str:
    """SQL that gives a row as a JSON object, with the attributes that every record has."""
    url = f"{root}/sobjects/{table.name}/%s"
    members = [f'"attributes":{{"type":"{table.name}","url":"{url}"}}']
    members += [f'"{item.name}":%s' for item in selected]
    values = [f'{ROW}."Id"', *(_json_value(table, item) for item in selected)]
    return _format("{" + ",".join(members) + "}", values)


def csv_line(table: Table, selected: Sequence[Selected], delimiter: str) -> str:
    """SQL that gives a row as a CSV line; every field is quoted, nulls are empty."""
    pairs = [_csv_value(table, item) for item in selected]
    return _format(delimiter.join(form for form, _ in pairs), [value for _, value in pairs])


def _format(form: str, values: Sequence[str]) -> str:
    return f"format('{form}', {', '.join(values)})"


def _json_value(table: Table, item: Selected) -> str:
    if item.kind == "compound":
        return _compound(table, item.name)
    column = f'{ROW}."{item.name}"'
    if item.kind == "boolean":
        return _BOOLEAN.format(column)
    if item.kind == "decimal":
        return f"coalesce({_DOUBLE.format(column)}, 'null')"
    return f"json_quote({column})"


def _compound(table: Table, name: str) -> str:
    compound = next(each for each in COMPOUNDS[table.name] if each.name == name)
    columns = [f'{ROW}."{column}"' for _, column in compound.parts if column]
    members = ", ".join(
        f"'{member}', " + (f'{ROW}."{column}"' if column else "NULL")
        for member, column in compound.parts
    )
    is_empty = f"coalesce({', '.join(columns)}) IS NULL"
    return f"CASE WHEN {is_empty} THEN 'null' ELSE json_object({members}) END"


def _csv_value(table: Table, item: Selected) -> tuple[str, str]:
    """How a value stands in the line, and the value. `%w` doubles quotes; `%s` of null is empty.

    Times of bulk results end in Z, and those of REST in +0000.
    """
    column = f'{ROW}."{item.name}"'
    if item.kind == "boolean":
        return '"%s"', _BOOLEAN.format(column)
    if item.kind == "decimal":
        return '"%s"', _DOUBLE.format(column)
    if item.kind == "datetime":
        return '"%.23s%s"', f"{column}, CASE WHEN {column} IS NULL THEN '' ELSE 'Z' END"
    if item.kind in {"integer", "date"} or holds_ids(table, item.name):
        return '"%s"', column
    return '"%w"', f"coalesce({column}, '')"
