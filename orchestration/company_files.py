"""The files in which a company says how it works, and where its own stand in for the shipped ones.

They lie in the folder that TIEOUT_CONFIG names, under the names that they ship by; one that is
not there is the shipped one.
"""

import csv
import os
import shutil
from collections.abc import Mapping
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
DBT_PROJECT_DIR = ROOT / "dbt_project"
SHIPPED_SEEDS = DBT_PROJECT_DIR / "seeds"

MATRIX = "system_of_record.csv"
POLICY = "policy.toml"
OVERRIDES = "overrides.csv"
PASSES = "passes.toml"

# What each decides, as `tieout init` explains it in the folder's README.
SEEDS: Mapping[str, str] = {
    MATRIX: "which system owns which attribute, how it is compared, tolerance and grace",
    "legal_entities.csv": "country, time zone, functional currency and default tax code of each",
    "currencies.csv": "decimals of each currency",
    "fx_rates.csv": "rates into the reporting currency",
    "tax_codes.csv": "rates of tax by code",
    "ledger_accounts.csv": "the account that each event of each product family posts to",
    "posting_matrix.csv": "which documents must post, and by which events",
    "revenue_policies.csv": "how revenue is earned: daily, by the month, at once, as used",
    "process_expectations.csv": "how many hours each hop from contract to cash may take",
    "audited_fields.csv": "which fields of the ERP's audit trail are financial",
    "integration_users.csv": "which users of the ERP are no people",
    "free_mail_domains.csv": "mail domains that say nothing of whose they are",
}
SHIPPED: Mapping[str, Path] = {
    POLICY: ROOT / "reconcilers" / "corrections" / "policy.toml",
    OVERRIDES: ROOT / "reconcilers" / "identity" / "overrides.csv",
    PASSES: ROOT / "reconcilers" / "match" / "passes.toml",
    **{name: SHIPPED_SEEDS / name for name in SEEDS},
}
WORDS: Mapping[str, str] = {
    POLICY: "per class of drift: report, approve or auto; caps, assignee, time to a decision",
    OVERRIDES: "what a data steward decided about who is whom",
    PASSES: "which records are matched where no shared key exists",
    **SEEDS,
}
# They change what a correction posts, so none of them is guessed for a company.
TO_ADAPT = (
    "legal_entities.csv",
    "currencies.csv",
    "fx_rates.csv",
    "tax_codes.csv",
    "ledger_accounts.csv",
)


class CompanyFilesError(Exception):
    """The folder cannot be used; every mistake in it is named."""


def company_file(folder: Path | None, name: str) -> Path:
    """The company's own file of this name, or the shipped one."""
    own = folder / name if folder else None
    return own if own is not None and own.is_file() else SHIPPED[name]


def own_files(folder: Path) -> list[str]:
    """Names of the files that stand in for shipped ones.

    Raises:
        CompanyFilesError: the folder is not there, holds a file of an unknown name, or a table
            whose columns are not those of the shipped one.

    """
    if not folder.is_dir():
        raise CompanyFilesError(f"TIEOUT_CONFIG names {folder}, which is no folder")
    there = sorted(each.name for each in folder.iterdir() if each.suffix in {".csv", ".toml"})
    wrong = [f"{name} is none of {', '.join(SHIPPED)}" for name in there if name not in SHIPPED]
    wrong += [
        f"{name}: {told}"
        for name in there
        if name in SEEDS and (told := _columns_told(folder / name, SHIPPED[name]))
    ]
    if wrong:
        raise CompanyFilesError(f"in {folder} " + "; ".join(wrong))
    return there


def laid_over_seeds(folder: Path, target: Path) -> Path:
    """The shipped seeds with the company's laid over them, in `target`, for dbt.

    What is the same already keeps its time, so that dbt does not read it again.

    Raises:
        CompanyFilesError: the folder cannot be used.

    """
    own_files(folder)
    target.mkdir(parents=True, exist_ok=True)
    for shipped in SHIPPED_SEEDS.iterdir():
        source = company_file(folder, shipped.name) if shipped.name in SEEDS else shipped
        copy = target / shipped.name
        if not copy.exists() or copy.read_bytes() != source.read_bytes():
            shutil.copyfile(source, copy)
    return target


def dbt_seed_path(seeds: Path) -> str:
    """As dbt wants it: from the project's folder."""
    return os.path.relpath(seeds, DBT_PROJECT_DIR)


def _columns_told(own: Path, shipped: Path) -> str:
    has, should = _header(own), _header(shipped)
    if set(has) == set(should):
        return ""
    parts = {
        "lacks": [name for name in should if name not in has],
        "has unknown": [name for name in has if name not in should],
    }
    return " and ".join(f"{word} {', '.join(names)}" for word, names in parts.items() if names)


def _header(path: Path) -> list[str]:
    with path.open(encoding="utf-8", newline="") as file:
        return next(csv.reader(file), [])
