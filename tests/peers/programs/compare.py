"""Other software that compares two tables: how long it takes, what it needs, and how many rows differ.

Each runs in an environment of its own. They get two Parquet files, or a DuckDB file with the same
two tables, and have to tell which rows differ and in which columns.
"""

import json
import os
import sys
import time
from pathlib import Path


def fastrecon(task):
    from fastrecon import ParquetFile, compare

    found = compare(ParquetFile(task["left"]), ParquetFile(task["right"]), keys=[task["key"]])
    return found.changed_rows + found.missing_in_left + found.missing_in_right


def fastrecon_hashing(task):
    from fastrecon import ParquetFile, ReconConfig, compare

    found = compare(
        ParquetFile(task["left"]),
        ParquetFile(task["right"]),
        keys=[task["key"]],
        config=ReconConfig(row_hash=True),
    )
    return found.changed_rows + found.missing_in_left + found.missing_in_right


def diffly(task):
    import polars as pl
    from diffly import compare_frames

    left, right = (pl.scan_parquet(task[side]) for side in ("left", "right"))
    found = compare_frames(left, right, primary_key=task["key"])
    found.fraction_same()
    return (
        found.num_rows_joined_unequal() + found.num_rows_left_only() + found.num_rows_right_only()
    )


def datacompy(task):
    import polars as pl
    from datacompy import PolarsCompare

    left, right = (pl.read_parquet(task[side]) for side in ("left", "right"))
    found = PolarsCompare(left, right, join_columns=task["key"])
    unequal = found.intersect_rows.height - found.count_matching_rows()
    return unequal + found.df1_unq_rows.height + found.df2_unq_rows.height


def reladiff(task):
    from reladiff import connect_to_table, diff_tables

    tables = [
        connect_to_table(
            {"driver": "duckdb", "filepath": task["database"]},
            name,
            task["key"],
            extra_columns=tuple(task["columns"]),
        )
        for name in ("billing", "erp")
    ]
    return len({row[1][0] for row in diff_tables(*tables)})


def sqlmesh(task):
    from sqlmesh import Context
    from sqlmesh.core.config import (
        Config,
        DuckDBConnectionConfig,
        GatewayConfig,
        ModelDefaultsConfig,
    )

    connection = DuckDBConnectionConfig(database=task["database"])
    config = Config(
        gateways={"": GatewayConfig(connection=connection)},
        model_defaults=ModelDefaultsConfig(dialect="duckdb"),
    )
    context = Context(paths=task["folder"], config=config)
    (found,) = context.table_diff(source="billing", target="erp", on=[task["key"]], show=False)
    rows = found.row_diff()
    return rows.join_count - rows.full_match_count + rows.s_only_count + rows.t_only_count


def main():
    task = json.load(sys.stdin)
    os.chdir(task["folder"])
    begun, worked = time.perf_counter(), time.process_time()
    differing = globals()[task["tool"]](task)
    seconds, cpu = time.perf_counter() - begun, time.process_time() - worked
    status = Path("/proc/self/status").read_text("utf-8").splitlines()
    (peak,) = (int(line.split()[1]) / 1024**2 for line in status if line.startswith("VmHWM"))
    answer = {"seconds": seconds, "cpu": cpu, "peak_gb": peak, "differing": int(differing)}
    sys.stdout.write(json.dumps(answer) + "\n")


if __name__ == "__main__":
    main()
