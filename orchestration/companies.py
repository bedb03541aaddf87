"""Several companies in one deployment: which there are, and what each has of its own.

Every variable has one place. Those of the deployment stand in the environment or in `.env`; what
they name is divided by the companies' names. Those of a company stand in its own file alone,
`.env.acme` beside `.env`, so that no other company can ever get them.
"""

import re
from collections.abc import Mapping
from pathlib import Path

from extractors.systems import SYSTEMS
from orchestration.connections import variables
from orchestration.environment import SettingsError, env_file_of, home_of, stored

COMPANIES = "TIEOUT_COMPANIES"
COMPANY = "TIEOUT_COMPANY"
_POSTGRESQL = "postgresql"
# A folder, a prefix and a schema are called by it: it begins with a letter, as no day does.
_NAME = re.compile(r"[a-z][a-z0-9_-]{0,39}")

# Divided between companies by their names.
_DIVIDED = frozenset(
    {
        "TIEOUT_HOME",
        "TIEOUT_CONFIG",
        "TIEOUT_STATE_URL",
        "TIEOUT_RAW_URL",
        "TIEOUT_EXPORTS_URL",
    }
)
# The same for all of them.
_SHARED = frozenset(
    {
        COMPANIES,
        COMPANY,
        "TIEOUT_ENV_FILE",
        "TIEOUT_MEMORY_LIMIT",
        "TIEOUT_ENGINE",
        "TIEOUT_SPARK_OPTIONS",
        "TIEOUT_BROWSER",
        "TIEOUT_ACTOR",
        "TIEOUT_LOG",
        "TIEOUT_LOG_LEVEL",
    }
)
OF_DEPLOYMENT = _DIVIDED | _SHARED
_OWN = frozenset(
    {
        "TIEOUT_MATRIX",
        "TIEOUT_POLICY",
        "TIEOUT_IDENTITY_OVERRIDES",
        "TIEOUT_IDENTITY_MAX_CHANGED",
        "TIEOUT_KEY_SCAN_DAYS",
        "TIEOUT_SEALING_KEYS",
        "TIEOUT_ALERTS",
        "TIEOUT_REVIEW_URL",
        "TIEOUT_EVENTS_URL",
        "TIEOUT_EVENTS_TOKEN",
        "TIEOUT_EVENTS_BATCH",
        "TIEOUT_EXCEPTION_MINUTES",
        "TIEOUT_HOURLY_RATE_MINOR",
        *(name for system in SYSTEMS for name in variables(system)),
    }
)


def companies_of(environ: Mapping[str, str]) -> tuple[str, ...]:
    """The companies of the deployment; none where it is one company's.

    Raises:
        SettingsError: a name cannot be one, or stands there twice.

    """
    names = (environ.get(COMPANIES) or "").replace(",", " ").split()
    wrong = [name for name in names if not _NAME.fullmatch(name)]
    if wrong:
        raise SettingsError(
            f"{COMPANIES}: {', '.join(wrong)}: a company is named by at most 40 lower-case "
            "letters, digits, - and _, the first a letter."
        )
    if twice := sorted({name for name in names if names.count(name) > 1}):
        raise SettingsError(f"{COMPANIES} lists {', '.join(twice)} twice.")
    return tuple(names)


def chosen_company(environ: Mapping[str, str], names: tuple[str, ...]) -> str:
    """The company that is meant, '' where the deployment is one company's.

    Raises:
        SettingsError: there are several, and it is none of them, or not said.

    """
    company = environ.get(COMPANY) or ""
    if not names and company:
        raise SettingsError(f"{COMPANY} is {company!r}, but {COMPANIES} lists no companies.")
    if names and company not in names:
        told = f"{COMPANY} is {company!r}" if company else f"{COMPANY} is not set"
        raise SettingsError(
            f"{told}, and {COMPANIES} lists {', '.join(names)}: say which one is meant, "
            f"such as {COMPANY}={names[0]}."
        )
    return company


def environment_of(environ: Mapping[str, str], company: str) -> dict[str, str]:
    """What the deployment sets, as it is for this company, and what the company's file does.

    Raises:
        SettingsError: a variable stands where it must not, a SQLite store would be everybody's, or
            the company has no folder of files.

    """
    file = company_env_file(environ, company)
    own = stored(file)
    if leaking := sorted(name for name in environ if environ[name] and is_own(name)):
        raise SettingsError(
            f"with {COMPANIES} set, {', '.join(leaking)} would be every company's: move them from "
            f"the environment or {env_file_of(environ).name} to a company's own file "
            f"({file.name})."
        )
    if strange := sorted(name for name in own if not is_own(name)):
        raise SettingsError(
            f"{file.name} sets {', '.join(strange)}: no variable of one company (see .env.example)."
        )
    return {**environ, **own, **_divided(environ, company)}


def company_env_file(environ: Mapping[str, str], company: str) -> Path:
    """`.env.acme` beside `.env`."""
    shared = env_file_of(environ)
    return shared.with_name(f"{shared.name}.{company}")


def state_schema(company: str, state_url: str) -> str:
    """The company's schema on PostgreSQL; '' for a file, which is one company's by its place."""
    return f"tieout_{company}" if company and state_url.startswith(_POSTGRESQL) else ""


def deployment(environ: Mapping[str, str]) -> dict[str, str]:
    """What is no company's: enough to make the code location and its run history."""
    return {name: environ[name] for name in (_SHARED | {"TIEOUT_HOME"}) & environ.keys()}


def _divided(environ: Mapping[str, str], company: str) -> dict[str, str]:
    found = {"TIEOUT_HOME": str(home_of(environ) / "companies" / company)}
    for name in ("TIEOUT_RAW_URL", "TIEOUT_EXPORTS_URL"):
        if url := environ.get(name):
            found[name] = f"{url.rstrip('/')}/{company}"
    if folder := environ.get("TIEOUT_CONFIG"):
        own = Path(folder).expanduser().resolve() / company
        if not own.is_dir():
            raise SettingsError(f"{company} has no folder of its own files: {own} is none.")
        found["TIEOUT_CONFIG"] = str(own)
    if not (environ.get("TIEOUT_STATE_URL") or _POSTGRESQL).startswith(_POSTGRESQL):
        raise SettingsError(
            "TIEOUT_STATE_URL names one file for all companies: leave it out, and each has a file "
            "in its home, or name a PostgreSQL database, where each has a schema."
        )
    return found


def is_own(name: str) -> bool:
    """Whether a variable is a company's; those of dispatch are, too."""
    return name.replace("_WRITE_", "_", 1) in _OWN
