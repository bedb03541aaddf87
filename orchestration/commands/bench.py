"""`tieout bench ...`: what a night takes on this machine."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from orchestration.console import console, mistakes_told, table
from orchestration.settings import load_settings

if TYPE_CHECKING:
    from orchestration.worlds.bench import NightBench

app = typer.Typer(no_args_is_help=True, add_completion=False)
out = console()


@app.callback()
def bench() -> None:
    """What a night takes on this machine."""


@app.command()
def night(
    customers: Annotated[int, typer.Option(help="How many customers, at least.")] = 1_000,
    seed: Annotated[int, typer.Option(help="Same seed, same world.")] = 7,
    plant: Annotated[
        list[str] | None,
        typer.Option(help="CODE=K in each copy; none: start from nothing planted."),
    ] = None,
    nights: Annotated[
        int, typer.Option(min=1, help="Each night after the first loads what a day changed.")
    ] = 1,
    *,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON only.")] = False,
) -> None:
    """Write a world of that size in a temporary place, reconcile it, and time each step.

    Ends with 1 unless exactly the drift that is there was found and all tie-outs hold.
    """
    from orchestration.evaluate import EvaluationError, parse_plants
    from orchestration.worlds.bench import bench_nights
    from orchestration.worlds.world import PLANTED, WorldError

    with mistakes_told(EvaluationError, WorldError):
        plants = parse_plants(plant or [], PLANTED)
        first, *later = bench_nights(load_settings(), customers, seed, plants, nights)
    if as_json:
        told = [{**night.as_dict(), "of_first": night.of(first)} for night in later]
        out.print_json(data={**first.as_dict(), "later": told})
    else:
        for result in (first, *later):
            _show(result)
        for result in later:
            out.print(f"{result.world.day}: {_compared(result, first)}", soft_wrap=True)
    raise typer.Exit(0 if all(result.is_perfect for result in (first, *later)) else 1)


@app.command()
def spark(
    folder: Annotated[
        Path | None,
        typer.Option(
            help="A folder that Spark and its workers see, for what it reads and makes; kept. "
            "Left out: a temporary one."
        ),
    ] = None,
    options: Annotated[
        str, typer.Option(help="Of spark-submit, such as: --master spark://host:7077")
    ] = "--master local[2]",
) -> None:
    """Build the models of the last night in copies, with DuckDB and with Spark; tell what differs.

    Ends with 1 where there are any.
    """
    import tempfile

    from duckdb import Error

    from orchestration.spark.build import SparkBuild
    from orchestration.spark.compare import compare_engines
    from orchestration.spark.folder import SparkBuildError, SparkFolder

    with (
        mistakes_told(SparkBuildError, Error, FileNotFoundError),
        tempfile.TemporaryDirectory(prefix="tieout-spark-") as passing,
    ):
        build = SparkBuild(SparkFolder((folder or Path(passing)).absolute(), options))
        found = compare_engines(load_settings().warehouse_path, build)
    took = f"DuckDB {found.duckdb_seconds:,.0f} s, Spark {found.spark_seconds:,.0f} s"
    out.print(f"{found.models} models: {took}; {len(found.differences)} differ")
    if not found.differences:
        return
    told = table("model", "rows of Spark only", "rows of DuckDB only")
    for each in found.differences:
        told.add_row(
            f"{each.table.schema}.{each.table.name}", str(each.spark_only), str(each.duckdb_only)
        )
    out.print(told)
    raise typer.Exit(1)


def _compared(night: "NightBench", first: "NightBench") -> str:
    share = night.of(first)
    return (
        f"{share['records']:.1%} of the records of the first night were read, "
        f"for {share['cpu_seconds']:.0%} of its processor time"
    )


def _show(result: "NightBench") -> None:
    told = result.as_dict()
    stages = table("step", "s", "CPU s", "peak, GB", "records/s")
    for stage in result.stages:
        stages.add_row(
            stage.step,
            f"{stage.seconds:,.1f}",
            f"{stage.cpu_seconds:,.1f}",
            f"{stage.peak_gigabytes:.2f}",
            f"{result.world.records / max(stage.seconds, 0.001):,.0f}",
        )
    stages.add_row(
        "all",
        f"{told['seconds']:,.1f}",
        f"{told['cpu_seconds']:,.1f}",
        f"{told['peak_gigabytes']:.2f}",
        f"{told['records_per_second']:,.0f}",
    )
    out.print(stages)
    out.print(
        f"{result.customers:,} customers, {result.world.records:,} records, "
        f"{result.world.drifts:,} drifts: {result.missed} missed, {result.false} false",
        soft_wrap=True,
    )
