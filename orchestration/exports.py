"""What others take from us, put in an object store too where `TIEOUT_EXPORTS_URL` names one."""

import datetime as dt
from pathlib import Path

from extractors.object_store import open_store, put_file, put_version
from orchestration.settings import Settings


def publish_report(settings: Settings, day: dt.date) -> None:
    """The files of a night's report, as one version of `reports/DAY`.

    Raises:
        SourceError: the store does not take them; they are in the home.

    """
    if settings.exports_url:
        store = open_store(settings.exports_url)
        put_version(store, f"reports/{day.isoformat()}", settings.report_dir(day))


def publish_file(settings: Settings, file: Path) -> None:
    """A file of `exports`, under the path that it has there.

    Raises:
        SourceError: the store does not take it; it is in the home.

    """
    if settings.exports_url:
        name = file.relative_to(settings.home / "exports").as_posix()
        put_file(open_store(settings.exports_url), name, file)
