"""One text per value, so that values can be hashed, compared and stored without surprises."""

import json
from typing import Any

_ENCODER = json.JSONEncoder(sort_keys=True, separators=(",", ":"), ensure_ascii=False)


def canonical_json(value: Any) -> str:
    """JSON with sorted keys and no spaces. Takes only what JSON holds without loss."""
    return _ENCODER.encode(value)
