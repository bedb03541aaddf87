"""`tieout identity ...`: who is the same customer, as a steward works with it."""

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from orchestration.console import console
from orchestration.settings import load_settings
from reconcilers.identity.model import SHIPPED

app = typer.Typer(no_args_is_help=True)
out = console()
err = Console(stderr=True)


@app.command()
def train(
    seed: Annotated[
        int | None,
        typer.Option(help="Train on generated trios of this seed, not on the warehouse."),
    ] = None,
    companies: Annotated[int, typer.Option(help="How many companies to generate.")] = 100_000,
    model: Annotated[Path, typer.Option(help="The model file to write.")] = SHIPPED,
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
