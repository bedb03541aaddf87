"""dbt asks for it: that of the adapter beneath."""

from dbt.adapters.spark.__version__ import version

__all__ = ["version"]
