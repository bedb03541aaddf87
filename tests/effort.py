"""How many examples a property gets: a third of them in `make test`, all in `make test-all`."""

import os

IS_THOROUGH = os.environ.get("TIEOUT_THOROUGH") == "1"


def examples(count: int) -> int:
    return count if IS_THOROUGH else max(2, count // 3)
