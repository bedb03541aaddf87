"""What the command line shows: progress of a night, its summary, tables and threads."""

import time
from collections.abc import Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn
from rich.table import Table

from orchestration.console import money, table
from orchestration.extraction import Extraction
from orchestration.night import NightResult
from orchestration.progress import listening
from orchestration.scoring import Evaluation
from orchestration.settings import Settings
from reconcilers.engine import open_warehouse

STEP_NAMES = {
    "extract_salesforce": "extract Salesforce",
    "extract_stripe": "extract Stripe",
    "extract_netsuite": "extract NetSuite",
    "raw__tables": "load raw tables into DuckDB",
    "models_before_identity": "dbt: staging",
    "identity__crosswalk": "resolve identities",
    "models_after_identity": "dbt: conformed, canonical, comparison",
    "events__log": "append business events",
    "events__cloud_events": "publish business events",
    "match_records": "match without keys",
    "reconcile": "rules",
    "reconciliation__exceptions": "exceptions",
    "reconciliation__tieouts": "tie-outs",
    "corrections__plan": "plan corrections",
    "reporting__kpis": "key figures",
    "reporting__nightly_report": "report",
    "corrections__attempts": "dispatch corrections",
}


@contextmanager
def watching(out: Console, title: str) -> Iterator[None]:
    """A live line per running step of the nights started inside, and how long each took."""
    started: dict[str, float] = {}
    with Progress(
        SpinnerColumn(), TextColumn("{task.description}"), TimeElapsedColumn(), console=out
    ) as progress:
        task = progress.add_task(title, total=None)

        def show(step: str, event: str) -> None:
            name = STEP_NAMES.get(step, step)
            if event == "STEP_START":
                started[step] = time.monotonic()
                progress.update(task, description=f"{title}: {name}")
            elif event in {"STEP_SUCCESS", "STEP_FAILURE"}:
                mark = "[green]done[/]" if event == "STEP_SUCCESS" else "[red]failed[/]"
                seconds = time.monotonic() - started.get(step, time.monotonic())
                progress.console.print(f"  {name:<40} {mark} {seconds:6.1f} s")

        with listening(show):
            yield


def night_line(out: Console, settings: Settings, result: NightResult) -> None:
    """One line: the day, whether it went through, and what was found."""
    if not result.ok:
        out.print(f"{result.day} [red]failed[/] in {result.failed_step}: {result.reason}")
        return
    with open_warehouse(settings.warehouse_path) as con:
        counts = dict(
            con.sql(
                "select disposition, count(*) from reconciliation.drift group by 1 order by 1"
            ).fetchall()
        )
        broken = con.sql("select count(*) from reconciliation.tieouts where not holds").fetchall()[
            0
        ][0]
    out.print(
        f"{result.day} [green]ok[/]  exceptions {counts.get('exception', 0)}, in flight "
        f"{counts.get('in_flight', 0)}, unproven {counts.get('unproven', 0)}, "
        f"tie-outs broken {broken}"
    )


def night_summary(out: Console, settings: Settings, result: NightResult) -> None:
    """The line of the night, its exceptions by code, and where the report is."""
    night_line(out, settings, result)
    if not result.ok:
        return
    out.print(drift_table(settings))
    out.print(f"report: {settings.report_dir(result.day) / 'report.html'}", soft_wrap=True)


def drift_table(settings: Settings) -> Table:
    """Exceptions per code with their money in the reporting currency."""
    drift = table("code", "exceptions", "in flight", "at risk, reporting currency", title="Drift")
    with open_warehouse(settings.warehouse_path) as con:
        rows = con.sql(
            """
            select
                code,
                count(*) filter (where disposition = 'exception'),
                count(*) filter (where disposition = 'in_flight'),
                coalesce(sum(abs(impact_reporting_minor))
                    filter (where disposition = 'exception'), 0)
            from reconciliation.drift
            group by code
            order by code
            """
        ).fetchall()
    for code, exceptions, in_flight, minor in rows:
        drift.add_row(code, str(exceptions), str(in_flight), money(minor))
    return drift


def score_table(result: Evaluation) -> Table:
    """Precision and recall per code."""
    scores = table(
        "code",
        "planted",
        "implied",
        "found",
        "true",
        "false",
        "missed",
        "precision",
        "recall",
        title=f"Seed {result.seed}, {result.customers} customers, day {result.day}; "
        f"tie-outs {'hold' if result.tieouts_hold else 'BREAK'}; "
        f"money at its true cause: {result.attributed:.1%}",
    )
    for score in result.scores:
        counts = (score.planted, score.implied, score.found, score.true, score.false, score.missed)
        scores.add_row(
            score.code,
            *(str(count) for count in counts),
            f"{score.precision:.3f}",
            f"{score.recall:.3f}",
        )
    return scores


def confusion_lines(result: Evaluation) -> list[str]:
    """What was told as something else, missed, or told of records that are all right."""
    return [
        f"{true} told as {told}: {count}"
        for true, row in result.confusion.items()
        for told, count in row.items()
        if told != true
    ]


def extraction_table(extraction: Extraction, title: str) -> Table:
    """What was read per object."""
    made = table("object", "mode", "landed", "quarantined", "deleted", "keys", title=title)
    for manifest in extraction.manifests:
        made.add_row(
            manifest.object,
            manifest.mode,
            f"{manifest.landed:,}",
            str(manifest.quarantined),
            str(manifest.deleted),
            "" if manifest.keys_scanned is None else f"{manifest.keys_scanned:,}",
        )
    return made
