"""What is pulled from each system, and how it is opened."""

from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from extractors.bank.statements import client as bank
from extractors.bank.statements.objects import OBJECTS as BANK
from extractors.billing.stripe import client as stripe
from extractors.billing.stripe.objects import OBJECTS as STRIPE
from extractors.billing.stripe.target import StripeTarget
from extractors.crm.salesforce import client as salesforce
from extractors.crm.salesforce.objects import OBJECTS as SALESFORCE
from extractors.crm.salesforce.target import SalesforceTarget
from extractors.erp.netsuite import client as netsuite
from extractors.erp.netsuite.objects import OBJECTS as NETSUITE
from extractors.erp.netsuite.target import NetSuiteTarget
from extractors.erp.tryton import client as tryton
from extractors.erp.tryton.objects import OBJECTS as TRYTON
from extractors.erp.tryton.target import TrytonTarget
from extractors.http import HttpDoor, HttpOptions
from extractors.metrics import Metrics
from extractors.protocol import ObjectSpec, Reader, Source, Target
from extractors.systems import OPTIONAL, RECONCILED, SYSTEMS


@dataclass(frozen=True)
class Connector:
    """All there is to know of a system that is called: what it pulls, and how it is opened."""

    system: str
    objects: Mapping[str, ObjectSpec]
    connect: Callable[[Any, HttpOptions], HttpDoor]
    source: Callable[[HttpDoor], Source]
    target: Callable[[HttpDoor], Target]
    options: HttpOptions = field(default_factory=HttpOptions)


CONNECTORS: dict[str, Connector] = {
    connector.system: connector
    for connector in (
        Connector(
            salesforce.SYSTEM,
            SALESFORCE,
            salesforce.connect,
            salesforce.SalesforceSource,
            SalesforceTarget,
            salesforce.DEFAULT_OPTIONS,
        ),
        Connector(
            stripe.SYSTEM,
            STRIPE,
            stripe.connect,
            stripe.StripeSource,
            StripeTarget,
            stripe.DEFAULT_OPTIONS,
        ),
        Connector(
            netsuite.SYSTEM,
            NETSUITE,
            netsuite.connect,
            netsuite.NetSuiteSource,
            NetSuiteTarget,
            netsuite.DEFAULT_OPTIONS,
        ),
        Connector(
            tryton.SYSTEM,
            TRYTON,
            tryton.connect,
            tryton.TrytonSource,
            TrytonTarget,
            tryton.DEFAULT_OPTIONS,
        ),
    )
}


@dataclass(frozen=True)
class Folder:
    """What a connector is whose files lie in a folder: nothing is called, nothing is written."""

    system: str
    objects: Mapping[str, ObjectSpec]
    reader: Callable[[Any], Reader]


FOLDERS: dict[str, Folder] = {bank.SYSTEM: Folder(bank.SYSTEM, BANK, bank.BankSource)}

SOURCES: dict[str, Mapping[str, ObjectSpec]] = {
    system: CONNECTORS[system].objects for system in RECONCILED
}
READ: Mapping[str, Mapping[str, ObjectSpec]] = {
    **SOURCES,
    **{system: FOLDERS[system].objects for system in OPTIONAL},
}


def objects_of(system: str) -> Mapping[str, ObjectSpec]:
    """What is pulled of a system that can be connected."""
    return (FOLDERS if system in FOLDERS else CONNECTORS)[system].objects


def connector_of(config: object) -> Connector:
    """The connector that a configuration is for."""
    for connector in CONNECTORS.values():
        if isinstance(config, SYSTEMS[connector.system].config):
            return connector
    raise TypeError(f"no connector is configured by a {type(config).__name__}")


def open_door(config: object, options: HttpOptions | None = None) -> HttpDoor:
    """The HTTP door of a system; one door holds one concurrency limit and one token."""
    connector = connector_of(config)
    return connector.connect(config, options or connector.options)


@asynccontextmanager
async def open_source(config: object, options: HttpOptions | None = None) -> AsyncIterator[Source]:
    """A system to read from."""
    async with open_door(config, options) as door:
        yield connector_of(config).source(door)


@asynccontextmanager
async def open_target(config: object, options: HttpOptions | None = None) -> AsyncIterator[Target]:
    """A system to correct."""
    async with open_door(config, options) as door:
        yield connector_of(config).target(door)


@asynccontextmanager
async def open_reader(config: object) -> AsyncIterator[tuple[Reader, Metrics]]:
    """What reads a system or a folder, with the count of the calls that it takes."""
    for folder in FOLDERS.values():
        if isinstance(config, SYSTEMS[folder.system].config):
            yield folder.reader(config), Metrics()
            return
    async with open_source(config) as source:
        yield source, source.door.metrics
