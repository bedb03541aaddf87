"""dbt as a night runs it: `python -m orchestration.dbt_process build ...`.

dbt holds its whole manifest until it ends; looking through it for garbage is a tenth of its time.
"""

import gc

gc.set_threshold(100_000, 50, 100)  # before the imports, which make the most objects

from dbt.cli.main import cli  # noqa: E402

if __name__ == "__main__":
    cli()
