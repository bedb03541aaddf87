"""`tieout identity ...`: who is the same customer, as a steward works with it."""

import datetime as dt
import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console

from orchestration.console import console, money, table
from orchestration.settings import load_settings
from reconcilers.engine import open_warehouse
from reconcilers.identity.model import SHIPPED

if TYPE_CHECKING:
    import polars as pl
    from rich.table import Table

app = typer.Typer(no_args_is_help=True, add_completion=False)
out = console()
err = Console(stderr=True)

_SIDES = ("system", "id", "name", "website", "email", "country", "postal_code", "city", "tax_id")


@app.command()
def review(
    place: Annotated[int | None, typer.Argument(help="Show this question, both sides.")] = None,
    export: Annotated[Path | None, typer.Option(help="Write all questions to this CSV.")] = None,
    answers: Annotated[
        Path | None, typer.Option("--import", help="Take the answers of the returned CSV.")
    ] = None,
    most: Annotated[int, typer.Option(help="How many questions to list.")] = 20,
) -> None:
    """List what identity asks, the dearest question first; send it out; take the answers back."""
    if answers is not None:
        _take(answers)
        return
    queue = _queue()
    if export is not None:
        from reconcilers.identity.stewardship import export_questions

        out.print(
            f"{export_questions(queue, export)} questions written to {export}", soft_wrap=True
        )
    elif place is not None:
        _show(queue, place)
    else:
        _list(queue, most)


@app.command()
def unused(
    most: Annotated[int, typer.Option(help="How many to list of each kind.")] = 20,
) -> None:
    """List what records say and identity does not follow: too common values, rings, dead ends."""
    found = _read("select * from identity.unused_evidence")
    told = table("why", "what", "value", "uses", "most", "for example")
    for _, group in found.group_by("reason", "what", maintain_order=True):
        for reason, what, value, uses, cap, system, source_id in group.head(most).iter_rows():
            counts = ("" if each is None else str(each) for each in (uses, cap))
            told.add_row(reason, what, value, *counts, f"{system} {source_id}")
    out.print(told)
    out.print(f"{found.height} in identity.unused_evidence.")


@app.command()
def history(
    canonical_id: Annotated[
        str, typer.Argument(help="A canonical customer id, also a former one.")
    ],
) -> None:
    """Tell what became of a canonical id: minted, merged, split, and its id today."""
    from orchestration.stores import opened_state
    from reconcilers.identity.registry import current_id
    from reconcilers.state.registry import load_aliases, load_identity_events, load_registry

    with opened_state(load_settings()) as state:
        told, aliases = load_identity_events(state), load_aliases(state)
        known = load_registry(state, dt.date.max)
    rows = told.filter(
        (told["canonical_customer_id"] == canonical_id) | (told["other_id"] == canonical_id)
    )
    if rows.is_empty():
        err.print(f"{canonical_id}: no night ever gave this id.")
        raise typer.Exit(1)
    events = table("night", "event", "id", "other id", "records")
    for night, kind, one, other, records in rows.iter_rows():
        events.add_row(str(night), kind, one, other or "", str(records))
    out.print(events)
    live = set(known["canonical_customer_id"])
    out.print(f"today: {current_id(canonical_id, live, aliases) or 'no record has it'}")


@app.command()
def train(
    seed: Annotated[
        int | None, typer.Option(help="Train on generated trios of this seed, not the warehouse.")
    ] = None,
    companies: Annotated[int, typer.Option(help="How many companies to generate.")] = 100_000,
    model: Annotated[
        Path, typer.Option(help="The model file to write.", show_default="the one that ships")
    ] = SHIPPED,
) -> None:
    """Learn the weights of the comparisons from explicit cross-references; never done at night."""
    from orchestration.identity_training import train_on_trios, train_on_warehouse

    try:
        if seed is None:
            trained = train_on_warehouse(load_settings(), model)
        else:
            trained = train_on_trios(seed, companies, model)
    except ValueError as error:
        err.print(str(error), soft_wrap=True)
        raise typer.Exit(1) from error
    out.print(
        f"{trained.labelled_pairs} labelled pairs of {trained.trained_on}; written to {model}",
        soft_wrap=True,
    )


def _queue() -> "pl.DataFrame":
    return _read("from identity.review_queue order by place")


def _read(query: str) -> "pl.DataFrame":
    settings = load_settings()
    with open_warehouse(settings.warehouse_path, memory_limit=settings.memory_limit) as con:
        return con.sql(query).pl()


def _take(answers: Path) -> None:
    from reconcilers.identity.stewardship import import_answers

    settings = load_settings()
    day = dt.datetime.now(dt.UTC).date()
    done = import_answers(answers, settings.overrides_path, day, settings.actor)
    out.print(
        f"{done.taken} answers taken into {settings.overrides_path}, {done.known} were known, "
        f"{done.blank} questions are still open. The next night follows them.",
        soft_wrap=True,
    )


def _list(queue: "pl.DataFrame", most: int) -> None:
    questions = table("no.", "why asked", "joined", "probability", "billed", "left", "right")
    for row in queue.head(most).iter_rows(named=True):
        questions.add_row(
            str(row["place"]),
            row["reason"],
            "yes" if row["is_linked"] else "no",
            "" if row["probability"] is None else f"{row['probability']:.2f}",
            money(row["amount_reporting_minor"]),
            f"{row['left_system']} {row['left_id']}",
            f"{row['right_system']} {row['right_id']}",
        )
    out.print(questions)
    out.print(f"{queue.height} questions; `tieout identity review NO` shows both records.")


def _show(queue: "pl.DataFrame", place: int) -> None:
    found = queue.filter(queue["place"] == place)
    if found.is_empty():
        raise typer.BadParameter(f"there is no question {place}; there are {queue.height}.")
    (row,) = found.to_dicts()
    sides = table("", "left", "right")
    for name in _SIDES:
        sides.add_row(name, row[f"left_{name}"] or "", row[f"right_{name}"] or "")
    out.print(sides)
    told = json.loads(row["evidence"])
    if told["weights"]:
        out.print(_weights(told["weights"]))
    out.print(_at_stake(row))
    out.print(f"equal in both: {', '.join(told['keys']) or 'nothing'}", soft_wrap=True)
    out.print(f"{row['reason']}; {'joined for now' if row['is_linked'] else 'not joined'}")


def _at_stake(question: dict[str, Any]) -> "Table":
    """What is billed to, open on, and contracted with either record, per currency."""
    found = _read(
        "select system, source_id, kind, currency, amount_minor "
        "from identity.identity_exposure order by all"
    )
    told = table("at stake", "currency", "left, minor units", "right, minor units")
    for place, side in enumerate(("left", "right")):
        record = (question[f"{side}_system"], question[f"{side}_id"])
        for system, source_id, kind, currency, minor in found.iter_rows():
            if (system, source_id) == record:
                cells = ["", ""]
                cells[place] = f"{minor:,}"
                told.add_row(kind, currency, *cells)
    return told


def _weights(weights: dict[str, Any]) -> "Table":
    """What each comparison says, in bits: + for one customer, - against it."""
    told = table("comparison", "level", "bits")
    for name, part in weights.items():
        level, bits = (part["level"], part["bits"]) if isinstance(part, dict) else ("", part)
        told.add_row(name, level, f"{bits:+.1f}")
    return told
