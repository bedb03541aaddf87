"""The records to match, in a shape of our own: temporary tables of the connection.

`match_item` holds both sides; `match_member` fills up with accepted matches, `match_verdict` with
the reasons why a pass could not match a record.
"""

import duckdb

COLUMNS = (
    "item_id",
    "currency",
    "amount_minor",
    "item_date",
    "party",
    "reference_keys",
    "document_numbers",
    "group_keys",
)
_LISTS = ("reference_keys", "document_numbers", "group_keys")


class DuplicateItemError(ValueError):
    """A record stands twice in one population, so no match of it could be exclusive."""


def take_in(con: duckdb.DuckDBPyConnection, left: str, right: str) -> None:
    """Read both populations. Raises DuplicateItemError."""
    sides = (("left", left), ("right", right))
    union = " union all ".join(_read(side, table) for side, table in sides)
    con.execute(f"create or replace temp table match_item as {union}")
    for side, table in sides:
        twice = con.sql(
            "select min(item_id) from match_item where side = ? group by item_id "
            "having count(*) > 1 or item_id is null order by 1 limit 1",
            params=[side],
        ).fetchall()
        if twice:
            raise DuplicateItemError(
                f"Matching {table}: the record {twice[0][0]} stands there twice; "
                "a population has one row per item_id."
            )
    con.execute("""
        create or replace temp table match_member (
            pass_number bigint, gid varchar, side varchar, item_id varchar
        );
        create or replace temp table match_verdict (
            pass_number bigint, side varchar, item_id varchar, reason varchar, candidates varchar[]
        );
    """)


def _read(side: str, table: str) -> str:
    lists = ", ".join(
        f"list_distinct(list_filter(coalesce({name}, []), "
        f"lambda key: key is not null and key <> '')) as {name}"
        for name in _LISTS
    )
    return f"""
        select
            '{side}' as side, item_id, currency, cast(amount_minor as bigint) as amount_minor,
            item_date, party, {lists}
        from {table}
    """
