"""Web and mail hosts reduced to the domain that somebody registered."""

import functools

import polars as pl
from publicsuffixlist import PublicSuffixList

from reconcilers.identity.work import Work

MACROS = """
create or replace macro host_of(address) as nullif(regexp_replace(regexp_extract(
    lower(trim(address)), '^(?:[a-z]+://)?(?:[^/@]*@)?([^/:?#]+)', 1), '^www\\.', ''), '');
"""


@functools.cache
def _suffixes() -> PublicSuffixList:
    return PublicSuffixList(only_icann=True)


def registered_domain(host: str) -> str | None:
    """`shop.acme.co.uk` -> `acme.co.uk`; a bare suffix such as `co.uk` names nobody."""
    return _suffixes().privatesuffix(host)


def register_hosts(work: Work) -> None:
    """Make identity_host (host, domain, label) for every host of the table identity_raw."""
    hosts = work.con.sql(
        "select distinct host from (select web_host as host from identity_raw "
        "union all select mail_host from identity_raw) where host like '%.%'"
    ).pl()["host"]
    domains = [registered_domain(host) for host in hosts]
    labels = [domain.partition(".")[0] if domain else None for domain in domains]
    frame = pl.DataFrame(
        {"host": hosts, "domain": domains, "label": labels},
        schema={"host": pl.String, "domain": pl.String, "label": pl.String},
    )
    work.con.register("_hosts", frame)
    work.con.execute("create or replace table identity_host as select * from _hosts")
    work.con.unregister("_hosts")
