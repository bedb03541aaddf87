"""Where the dbt project is compiled, and what its process must see."""

import hashlib
import os
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from dagster_dbt import DbtCliResource, DbtProject
from dagster_dbt.compat import DBT_PYTHON_VERSION

from orchestration.company_files import DBT_PROJECT_DIR
from orchestration.settings import Settings

SOURCE_FOLDERS = ("models", "macros", "tests")


def dbt_project(settings: Settings) -> DbtProject:
    """The project with a target folder of its own, so that two homes do not share one."""
    return DbtProject(
        project_dir=DBT_PROJECT_DIR,
        profiles_dir=DBT_PROJECT_DIR,
        target_path=settings.dbt_target_dir,
    )


def enter_dbt_environment(settings: Settings) -> None:
    """Set what dbt's process must see.

    Raises:
        CompanyFilesError: the folder of the company's own files cannot be used.

    """
    # Left out where there are none: set to its default it would cost a full parse.
    os.environ.pop("TIEOUT_SEEDS", None)
    os.environ.pop("TIEOUT_STANDING", None)
    if seeds := settings.dbt_seeds():
        os.environ["TIEOUT_SEEDS"] = seeds
    os.environ.update(_dbt_environment(settings))


def _dbt_environment(settings: Settings) -> dict[str, str]:
    return {
        "TIEOUT_WAREHOUSE": str(settings.warehouse_path),
        "TIEOUT_MEMORY_LIMIT": settings.memory_limit,
        "DBT_LOG_PATH": str(settings.home / "dbt" / "logs"),
        "DBT_SEND_ANONYMOUS_USAGE_STATS": "false",
        "DBT_VERSION_CHECK": "false",
        # What dbt would tell of each night besides is 12 MB, and a tenth of its time.
        "DBT_LOG_LEVEL_FILE": "info",
    }


class _Dbt(DbtCliResource):
    """Dagster's dbt without an adapter in this process, by which it would look at tables itself."""

    @property
    def _cli_version(self) -> Any:
        """Of dbt beside us; Dagster would start a process to ask it."""
        return DBT_PYTHON_VERSION

    def _initialize_dbt_core_adapter(self, args: Sequence[str]) -> Any:
        """None: making one imports half of dbt, and no asset asks Dagster for columns or counts."""


def dbt_client(project: DbtProject) -> DbtCliResource:
    """Dbt of this environment, in a process of this interpreter, whatever PATH says."""
    return _Dbt(
        project_dir=str(project.project_dir),
        profiles_dir=str(DBT_PROJECT_DIR),
        dbt_executable=sys.executable,
        # -P: the folder that dbt works in is no place to import from
        global_config_flags=["-P", "-m", "orchestration.dbt_process"],
    )


def ensure_manifest(project: DbtProject) -> None:
    """Parse the project if that was never done for its files as they are.

    Their times alone do not tell: a new version of Tieout may be older than the last night. Of a
    project that lay in another folder nothing is taken over: dbt would look for its seeds there.
    """
    manifest = Path(project.manifest_path)
    parsed = manifest.with_name("parsed_files.sha256")
    folder, files = f"{DBT_PROJECT_DIR}\n", source_files()
    known = parsed.read_text("utf-8") if parsed.exists() else ""
    if manifest.exists() and known == folder + files:
        return
    if not known.startswith(folder):
        manifest.with_name("partial_parse.msgpack").unlink(missing_ok=True)
    dbt_client(project).cli(["parse", "--quiet"], target_path=manifest.parent).wait()
    parsed.write_text(folder + files, "utf-8")


def source_files() -> str:
    """A hash of what a parse depends on, by the names, sizes and times of the files."""
    found = [DBT_PROJECT_DIR / "dbt_project.yml"]
    seeds = os.environ.get("TIEOUT_SEEDS", "seeds")
    for folder in (*SOURCE_FOLDERS, seeds):
        found += [path for path in (DBT_PROJECT_DIR / folder).rglob("*") if path.is_file()]
    return stamp_of(found)


def stamp_of(files: Iterable[Path]) -> str:
    """A hash that is another once one of the files is: by their names, sizes and times."""
    told = sorted((str(path), path.stat().st_size, path.stat().st_mtime_ns) for path in files)
    return hashlib.sha256(repr(told).encode()).hexdigest()
