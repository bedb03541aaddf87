"""`tieout init`: from nothing to a `.env`, files to edit and a first look at every connection."""

from collections.abc import Mapping, Sequence
from getpass import getpass
from pathlib import Path

import typer
from dotenv import dotenv_values
from rich.prompt import Confirm, Prompt

from orchestration.companies import chosen_company, companies_of, company_env_file, is_own
from orchestration.company_setup import Asking, answers, write_files
from orchestration.console import console
from orchestration.env_file import documented, template_variables, write_private
from orchestration.environment import SettingsError, env_file_of, environment
from orchestration.screen_doctor import show_findings
from orchestration.settings import load_settings

out = console()


class Person(Asking):
    """Somebody at a terminal; what is secret is neither shown nor repeated."""

    def text(self, words: str, default: str) -> str:
        return Prompt.ask(words, console=out, default=default, show_default=bool(default))

    def secret(self, words: str, known: str) -> str:
        # It silences the terminal before it asks: rich asks first, and what is typed by then shows.
        return getpass(f"{words}{' (enter: as it is)' if known else ''}: ") or known

    def choice(self, words: str, options: Sequence[str], default: str) -> str:
        return Prompt.ask(words, console=out, choices=list(options), default=default)

    def yes(self, words: str, *, default: bool) -> bool:
        return Confirm.ask(words, console=out, default=default)


class Nobody(Asking):
    """Takes every default; secrets are what the environment has."""

    def text(self, words: str, default: str) -> str:  # noqa: ARG002
        return default

    def secret(self, words: str, known: str) -> str:  # noqa: ARG002
        return known

    def choice(self, words: str, options: Sequence[str], default: str) -> str:  # noqa: ARG002
        return default

    def yes(self, words: str, *, default: bool) -> bool:  # noqa: ARG002
        return default


def init(
    env_file: Path | None,
    config: Path | None,
    home: Path | None,
    *,
    defaults: bool,
    force: bool,
    check: bool | None,
) -> bool:
    """Ask, write, look. False where what was looked at has an error.

    Of several companies it is for the one that TIEOUT_COMPANY names.

    Raises:
        typer.BadParameter: the file is there, and nobody says that it may be replaced.
        SettingsError: it cannot be told which company is meant.

    """
    shared = environment()
    company = chosen_company(shared, companies_of(shared))
    if env_file is None:
        env_file = company_env_file(shared, company) if company else env_file_of(shared)
    ask: Asking = Nobody() if defaults else Person()
    again = f"{env_file} exists. Replace it? (What it says is offered as answers.)"
    if env_file.exists() and not (force or ask.yes(again, default=False)):
        raise typer.BadParameter(f"{env_file} exists and stays as it is; --force replaces it")
    given = environment(env_file)
    variables = [*template_variables(), *dotenv_values(env_file)]
    known = {name: given[name] for name in variables if given.get(name)}
    if company:
        known = {name: value for name, value in known.items() if is_own(name)}
        config = config or _folder_of(shared, company)
    elif home:
        known["TIEOUT_HOME"] = str(home.expanduser().resolve())
    told = answers(ask, known, is_one_of_many=bool(company))
    folder = config or Path(
        ask.text("Folder of the files that you edit", known.get("TIEOUT_CONFIG", "config"))
    )
    if not company:
        told["TIEOUT_CONFIG"] = str(folder.expanduser().resolve())
    text = documented(told)
    made = write_files(folder.expanduser().resolve())
    write_private(env_file, text)
    out.print(f"{env_file}: {len(told)} variables, readable by you alone", soft_wrap=True)
    names = ", ".join(path.name for path in made) or "nothing new"
    out.print(f"{folder}: {names}; README.md explains them", soft_wrap=True)
    if check is None:
        check = not defaults and ask.yes("Look at every connection now?", default=True)
    return _look(shared if company else told) if check else True


def _folder_of(shared: Mapping[str, str], company: str) -> Path:
    """Where the company's files have to lie."""
    if not shared.get("TIEOUT_CONFIG"):
        raise SettingsError("set TIEOUT_CONFIG: the folder in which each company has one.")
    return Path(shared["TIEOUT_CONFIG"]) / company


def _look(told: Mapping[str, str]) -> bool:
    # Opens every system: whoever only writes the files does not wait for their clients.
    from orchestration.doctor import examine

    return show_findings(out, examine(load_settings(told)))
