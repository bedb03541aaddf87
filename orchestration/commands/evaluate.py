"""`tieout evaluate ...`: how good detection, identity and matching are, against labelled truth."""

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from orchestration.console import console, mistakes_told, table
from orchestration.settings import load_settings

if TYPE_CHECKING:
    from orchestration.identity_evaluation import IdentityEvaluation
    from orchestration.match_evaluation import MatchEvaluation

app = typer.Typer(add_completion=False)
out = console()


@app.callback(invoke_without_command=True)
def evaluate(
    context: typer.Context,
    seed: Annotated[int, typer.Option(help="The world's seed.")] = 1,
    plant: Annotated[
        list[str] | None, typer.Option(help="CODE=K, or none to start from nothing planted.")
    ] = None,
    scale: Annotated[
        str, typer.Option(help="How large a company: small (300 customers) or medium (1,000).")
    ] = "small",
    *,
    customers: Annotated[
        int | None, typer.Option(help="How many customers exactly, in place of --scale.")
    ] = None,
    skew: Annotated[
        list[str] | None, typer.Option(help="ROLE=24h: read this system so much earlier.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON only.")] = False,
) -> None:
    """Measure precision and recall per drift code on a fresh, labelled world."""
    if context.invoked_subcommand is not None:
        return
    from orchestration.evaluate import (
        SCALES,
        EvaluationError,
        evaluate_seed,
        parse_plants,
        parse_skew,
    )
    from orchestration.screen import confusion_lines, score_table

    if scale not in SCALES:
        raise typer.BadParameter(f"{scale!r} is not one of {', '.join(SCALES)}")
    with mistakes_told(EvaluationError):
        result = evaluate_seed(
            load_settings(),
            seed,
            parse_plants(plant or []),
            customers or SCALES[scale],
            parse_skew(skew or []),
        )
    if as_json:
        out.print_json(data=result.as_dict())
    else:
        out.print(score_table(result))
        for line in confusion_lines(result):
            out.print(line, soft_wrap=True)
    raise typer.Exit(0 if result.perfect else 1)


@app.command()
def identity(
    seed: Annotated[int, typer.Option(help="Seed of the generated trios.")] = 1,
    companies: Annotated[int, typer.Option(help="How many companies to generate.")] = 100_000,
    records: Annotated[
        Path | None, typer.Option(help="A CSV of customer records instead (docs/identity.md).")
    ] = None,
    truth: Annotated[
        Path | None, typer.Option(help="Its truth: system, source_id, entity_id.")
    ] = None,
    *,
    follow_likely: Annotated[
        bool, typer.Option(help="Follow the links of band review too, as a company may.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON only.")] = False,
) -> None:
    """Measure precision and recall of identity, on generated trios or on labelled files."""
    from orchestration.identity_evaluation import LabelledFileError, evaluate_files, evaluate_trios
    from reconcilers.identity.model import load_model

    if (records is None) != (truth is None):
        raise typer.BadParameter("--records and --truth belong together.")
    model = replace(load_model(), follow_likely=follow_likely)
    with mistakes_told(LabelledFileError, OSError):
        if records is not None and truth is not None:
            result = evaluate_files(records, truth, model)
        else:
            result = evaluate_trios(seed, companies, model)
    if as_json:
        out.print_json(data=result.as_dict())
    else:
        _show(result)


@app.command()
def match(
    seed: Annotated[int, typer.Option(help="Seed of the generated populations.")] = 1,
    records: Annotated[int, typer.Option(help="About how many records a side.")] = 4_000,
    passes: Annotated[
        Path | None, typer.Option(help="Another file of passes for the same pairings.")
    ] = None,
    *,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON only.")] = False,
) -> None:
    """Measure how much the matching passes match, and how much of that is right."""
    from orchestration.match_evaluation import EvaluationError, evaluate_matching
    from reconcilers.match import PassesError, load_pairings

    with mistakes_told(PassesError, EvaluationError, OSError):
        result = evaluate_matching(seed, records, load_pairings(passes))
    if as_json:
        out.print_json(data=result.as_dict())
    else:
        _show_matching(result)
    raise typer.Exit(0 if result.is_good else 1)


def _show_matching(result: "MatchEvaluation") -> None:
    scores = table("pairing", "pass", "mode", "matches", "right", "precision", "rate")
    for pairing in result.pairings:
        for each in pairing.passes:
            scores.add_row(
                each.pairing,
                each.name,
                each.mode,
                str(each.matches),
                str(each.right),
                f"{each.precision:.4f}",
                f"{each.rate:.1%}",
            )
    out.print(scores)
    for pairing in result.pairings:
        out.print(
            f"{pairing.name}: {pairing.automatic_rate:.1%} of {pairing.records} automatic at "
            f"{pairing.automatic_precision:.2%} precision, {pairing.rate:.1%} with suggestions; "
            f"by amount and date alone {pairing.naive_rate:.1%} at {pairing.naive_precision:.1%}",
            soft_wrap=True,
        )


def _show(result: "IdentityEvaluation") -> None:
    scores = table("way of matching", "pairs found", "precision", "recall", "F1")
    for score in result.scores:
        shares = (f"{share:.4f}" for share in (score.precision, score.recall, score.f1))
        scores.add_row(score.name, str(score.found), *shares)
    out.print(scores)
    out.print(
        f"{result.label}: {result.records} records, {result.customers} customers, {result.queue} "
        f"questions to stewards; {result.seconds} s ({result.cpu_seconds} s of CPU), "
        f"{result.peak_gigabytes} GB at most",
        soft_wrap=True,
    )
