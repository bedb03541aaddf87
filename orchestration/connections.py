"""From settings to what the connectors need: one frozen configuration per system."""

from pathlib import Path

from extractors.billing.stripe.client import StripeConfig
from extractors.crm.salesforce.client import SalesforceConfig
from extractors.erp.netsuite.client import NetSuiteConfig
from extractors.registry import SystemConfig
from orchestration.settings import Settings


def system_config(settings: Settings, system: str) -> SystemConfig:
    """How to reach a system: the configured one, or the sandbox's.

    Raises:
        SettingsError: neither is there.

    """
    connection = settings.connections()[system]
    match system:
        case "salesforce":
            return SalesforceConfig(**connection)
        case "stripe":
            return StripeConfig(**connection)
        case "netsuite":
            key_path = Path(connection["private_key_path"])
            return NetSuiteConfig(**{**connection, "private_key_path": key_path})
        case _:
            raise ValueError(f"no connector for {system}")
