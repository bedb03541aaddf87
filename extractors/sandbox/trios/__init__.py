"""Labelled trios: companies as CRM, billing and ERP know them, with real-life noise."""

from extractors.sandbox.trios.build import build_trios

__all__ = ["build_trios"]
