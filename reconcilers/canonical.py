"""One text per value, so that values can be hashed, compared and stored without surprises."""

import json
from typing import Any


def canonical_json(value: Any) -> str:
    """JSON with sorted keys and no spaces. Takes only what JSON holds without loss."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
