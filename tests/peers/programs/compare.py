"""Other software that compares two tables: how long it takes, what it needs, and how many rows differ.

Each runs in an environment of its own. They get two Parquet files, or a DuckDB file with the same
two tables, and have to tell which rows differ and in which columns.
"""

import os
import time

from wire import answer, peak_gigabytes, task


def fastrecon(asked):
    from fastrecon import ParquetFile, compare

    found = compare(ParquetFile(asked["left"]), ParquetFile(asked["right"]), keys=[asked["key"]])
    return found.changed_rows + found.missing_in_left + found.missing_in_right


def fastrecon_hashing(asked):
    from fastrecon import ParquetFile, ReconConfig, compare

    found = compare(
        ParquetFile(asked["left"]),
        ParquetFile(asked["right"]),
        keys=[asked["key"]],
        config=ReconConfig(row_hash=True),
    )
    return found.changed_rows + found.missing_in_left + found.missing_in_right


def diffly(asked):
    import polars as pl
    from diffly import compare_frames

    left, right = (pl.scan_parquet(asked[side]) for side in ("left", "right"))
    found = compare_frames(left, right, primary_key=asked["key"])
    found.fraction_same()
    return (
        found.num_rows_joined_unequal() + found.num_rows_left_only() + found.num_rows_right_only()
    )


def datacompy(asked):
    import polars as pl
    from datacompy import PolarsCompare

    left, right = (pl.read_parquet(asked[side]) for side in ("left", "right"))
    found = PolarsCompare(left, right, join_columns=asked["key"])
    unequal = found.intersect_rows.height - found.count_matching_rows()
    return unequal + found.df1_unq_rows.height + found.df2_unq_rows.height


def reladiff(asked):
    from reladiff import connect_to_table, diff_tables

    tables = [
        connect_to_table(
            {"driver": "duckdb", "filepath": asked["database"]},
            name,
            asked["key"],
            extra_columns=tuple(asked["columns"]),
        )
        for name in ("billing", "erp")
    ]
    return len({row[1][0] for row in diff_tables(*tables)})


def sqlmesh(asked):
    from sqlmesh import Context
    from sqlmesh.core.config import (
        Config,
        DuckDBConnectionConfig,
        GatewayConfig,
        ModelDefaultsConfig,
    )

    connection = DuckDBConnectionConfig(database=asked["database"])
    config = Config(
        gateways={"": GatewayConfig(connection=connection)},
        model_defaults=ModelDefaultsConfig(dialect="duckdb"),
    )
    context = Context(paths=asked["folder"], config=config)
    (found,) = context.table_diff(source="billing", target="erp", on=[asked["key"]], show=False)
    rows = found.row_diff()
    return rows.join_count - rows.full_match_count + rows.s_only_count + rows.t_only_count


def main():
    asked = task()
    os.chdir(asked["folder"])
    begun, worked = time.perf_counter(), time.process_time()
    differing = globals()[asked["tool"]](asked)
    answer(
        {
            "seconds": time.perf_counter() - begun,
            "cpu": time.process_time() - worked,
            "peak_gb": peak_gigabytes(),
            "differing": int(differing),
        }
    )


if __name__ == "__main__":
    main()
