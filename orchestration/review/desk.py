"""What all pages of the review share: the home they show, and how a page is made."""

from dataclasses import dataclass
from functools import cache, partial
from importlib.resources import files
from pathlib import Path
from typing import Any

from jinja2 import ChoiceLoader, Environment, FileSystemLoader, StrictUndefined, pass_context
from jinja2.runtime import Context
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response

from orchestration.review.access import Door
from orchestration.settings import Settings
from reconcilers.corrections.brakes import halted
from reconcilers.corrections.policy import Policy, load_policy
from reconcilers.masking import masked
from reconcilers.report.amounts import amount, value_of
from reconcilers.rules.codes import CODES
from reconcilers.state.store import State
from reconcilers.state.views import ExceptionView
from reconcilers.trace.folded import duration
from reconcilers.trace.html import name_of


@dataclass(frozen=True)
class Desk:
    """One home, opened for people."""

    settings: Settings
    state: State
    door: Door
    cookie: str
    is_secure: bool

    @property
    def policy(self) -> Policy:
        """The policy as its file says now."""
        path = self.settings.policy_path
        return _policy(path, path.stat().st_mtime_ns)

    @property
    def exponent(self) -> int:
        """Decimals of the reporting currency; 0 for one that the company's file does not know."""
        return self.settings.exponents().get(self.policy.reporting_currency, 0)


def desk_of(request: Request) -> Desk:
    desk: Desk = request.app.state.desk
    return desk


def page(request: Request, template: str, status: int = 200, **context: Any) -> Response:
    """A page for the person of the session, with what it was last told."""
    desk, session = desk_of(request), request.state.session
    notices, session.notices = session.notices, []
    exponents, currency = desk.settings.exponents(), desk.policy.reporting_currency
    html = (
        _templates()
        .get_template(template)
        .render(
            session=session,
            path=request.url.path,
            company=desk.settings.company,
            notices=notices,
            halt=halted(desk.state),
            codes=CODES,
            exponents=exponents,
            reporting=partial(amount, currency=currency, exponents=exponents),
            **context,
        )
    )
    return HTMLResponse(html, status)


@cache
def _templates() -> Environment:
    places = (files("orchestration.review") / "templates", files("reconcilers.trace"))
    environment = Environment(
        loader=ChoiceLoader([FileSystemLoader(str(place)) for place in places]),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {
        "amount": _amount,
        "duration": duration,
        "kind": name_of,
        "role": lambda side: {"crm": "CRM", "erp": "ERP"}.get(side, side.replace("_", " ")),
        "words": lambda name: str(name).replace("_", " "),
        "seen": _seen,
    }
    return environment


@cache
def _policy(path: Path, _changed_ns: int) -> Policy:
    return load_policy(path)


@pass_context
def _amount(context: Context, minor: int | None, currency: str | None) -> str:
    return amount(minor, currency, context["exponents"]) if currency else ""


@pass_context
def _seen(context: Context, value: str | None, view: ExceptionView, currency: str | None) -> str:
    shown = masked(view.attribute, value)
    return value_of(view.code, view.attribute, shown, currency, context["exponents"])


def refusal(request: Request, words: str, status: int) -> Response:
    """What is told where something was not taken; nothing was changed."""
    return page(request, "refused.html.j2", status, words=words)
