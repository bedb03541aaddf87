"""dbt as a night runs it: `python -m orchestration.dbt_process build ...`.

dbt holds its whole manifest until it ends; looking through it for garbage is a tenth of its time.
Of each line that it logs it looks through all variables for secrets: it gets those that it needs,
which no credential of a source system is.
"""

import gc
import os

gc.set_threshold(100_000, 50, 100)  # before the imports, which make the most objects

_NEEDED = (
    "DBT_",
    "TIEOUT_WAREHOUSE",
    "TIEOUT_MEMORY_LIMIT",
    "TIEOUT_SEEDS",
    "TIEOUT_SNAPSHOT_DATE",
    "TIEOUT_STANDING",
    *("HADOOP_", "JAVA_HOME", "PYSPARK_", "SPARK_", "TIEOUT_SPARK_"),
    *("HOME", "LANG", "LC_", "PATH", "PYTHON", "TMPDIR", "TZ"),
)
for _name in [name for name in os.environ if not name.startswith(_NEEDED)]:
    del os.environ[_name]

from dbt.cli.main import cli  # noqa: E402

if __name__ == "__main__":
    cli()
