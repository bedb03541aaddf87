"""Which systems there are, what is pulled from each, and how to open them."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from extractors.billing.stripe import client as stripe
from extractors.billing.stripe.objects import OBJECTS as STRIPE
from extractors.billing.stripe.target import StripeTarget
from extractors.crm.salesforce import client as salesforce
from extractors.crm.salesforce.objects import OBJECTS as SALESFORCE
from extractors.crm.salesforce.target import SalesforceTarget
from extractors.erp.netsuite import client as netsuite
from extractors.erp.netsuite.objects import OBJECTS as NETSUITE
from extractors.erp.netsuite.target import NetSuiteTarget
from extractors.http import HttpDoor, HttpOptions
from extractors.protocol import ObjectSpec, Source, Target

SystemConfig = salesforce.SalesforceConfig | stripe.StripeConfig | netsuite.NetSuiteConfig

SOURCES: dict[str, dict[str, ObjectSpec]] = {
    salesforce.SYSTEM: SALESFORCE,
    stripe.SYSTEM: STRIPE,
    netsuite.SYSTEM: NETSUITE,
}


def open_door(config: SystemConfig, options: HttpOptions | None = None) -> HttpDoor:
    """The HTTP door of a system; one door holds one concurrency limit and one token."""
    options = options or HttpOptions()
    match config:
        case salesforce.SalesforceConfig():
            return salesforce.connect(config, options)
        case stripe.StripeConfig():
            return stripe.connect(config, options)
        case netsuite.NetSuiteConfig():
            return netsuite.connect(config, options)


@asynccontextmanager
async def open_source(
    config: SystemConfig, options: HttpOptions | None = None
) -> AsyncIterator[Source]:
    """A system to read from."""
    async with open_door(config, options) as door:
        match config:
            case salesforce.SalesforceConfig():
                yield salesforce.SalesforceSource(door)
            case stripe.StripeConfig():
                yield stripe.StripeSource(door)
            case netsuite.NetSuiteConfig():
                yield netsuite.NetSuiteSource(door)


@asynccontextmanager
async def open_target(
    config: SystemConfig, options: HttpOptions | None = None
) -> AsyncIterator[Target]:
    """A system to correct."""
    async with open_door(config, options) as door:
        match config:
            case salesforce.SalesforceConfig():
                yield SalesforceTarget(door)
            case stripe.StripeConfig():
                yield StripeTarget(door)
            case netsuite.NetSuiteConfig():
                yield NetSuiteTarget(door)
