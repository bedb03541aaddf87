"""The crosswalk: who is the same customer in the CRM, in billing and in the ERP."""

from reconcilers.identity.crosswalk import CrosswalkResult, CrosswalkSummary, resolve
from reconcilers.identity.model import ModelError
from reconcilers.identity.overrides import OverridesError
from reconcilers.identity.registry import REGISTRY_SCHEMA, History
from reconcilers.identity.scorer import Scorer

__all__ = [
    "REGISTRY_SCHEMA",
    "CrosswalkResult",
    "CrosswalkSummary",
    "History",
    "ModelError",
    "OverridesError",
    "Scorer",
    "resolve",
]
