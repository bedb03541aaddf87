"""The app: its pages and actions behind the guard."""

from collections.abc import Awaitable, Callable, Iterable, Mapping
from importlib.resources import files
from urllib.parse import urlsplit

from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import FileResponse, RedirectResponse, Response
from starlette.routing import Mount, Route
from starlette.staticfiles import StaticFiles

from orchestration.review import correction_pages, night_pages, queue_pages
from orchestration.review.access import SESSION_HOURS, Door
from orchestration.review.actions import ACTIONS, Action
from orchestration.review.desk import Desk, desk_of, page, refusal
from orchestration.review.forms import FormError
from orchestration.review.guard import REPORTS, Guard, refused
from orchestration.settings import Settings
from reconcilers.corrections.approval import ApprovalRefusedError
from reconcilers.corrections.states import WrongStateError
from reconcilers.state.store import State
from reconcilers.triage import TriageRefusedError
from reconcilers.waivers import WaiverRefusedError

REFUSALS = (TriageRefusedError, WaiverRefusedError, ApprovalRefusedError, WrongStateError)
Endpoint = Callable[[Request], Awaitable[Response]]


def create_app(settings: Settings, state: State, door: Door, origins: Iterable[str]) -> Starlette:
    """The app for people who reach it as one of the origins, such as http://127.0.0.1:8765."""
    known = frozenset(origins)
    is_secure = all(each.startswith("https:") for each in known)
    # cookies do not tell ports apart: two reviews on one machine need two names
    port = min(urlsplit(each).port or 443 for each in known)
    cookie = "__Host-tieout_review" if is_secure else f"tieout_review_{port}"
    reports = StaticFiles(directory=settings.home / "reports", check_dir=False)
    app = Starlette(
        routes=[
            Route("/login", login),
            Route("/", queue_pages.queue),
            Route("/exceptions/{key}", queue_pages.exception),
            Route("/exceptions/{key}/thread", queue_pages.thread),
            Route("/corrections", correction_pages.corrections),
            Route("/corrections/{id}", correction_pages.correction),
            Route("/dead", correction_pages.dead_letters),
            Route("/tieouts", night_pages.tieouts),
            Route("/tieouts/{day}", night_pages.tieouts),
            Route("/audit", night_pages.audit),
            Route("/keys", keys),
            Route("/logout", doing(leave), methods=["POST"]),
            *(Route(path, doing(act), methods=["POST"]) for path, act in ACTIONS.items()),
            Mount(REPORTS.rstrip("/"), reports),
            Route("/static/thread.css", thread_css),
            Mount("/static", StaticFiles(directory=str(files("orchestration.review") / "static"))),
        ],
        middleware=[Middleware(Guard, door=door, origins=known, cookie=cookie)],
        exception_handlers=PROBLEMS,
    )
    app.state.desk = Desk(settings, state, door, cookie, is_secure)
    return app


def login(request: Request) -> Response:
    """Take a token for a session; the token leaves the address bar."""
    desk = desk_of(request)
    name = desk.door.enter(request.query_params.get("token", ""))
    if name is None:
        return refused(401, "This link was used, or is none. Start `tieout review` again.")
    response = RedirectResponse("/", 303)
    response.set_cookie(
        desk.cookie,
        name,
        max_age=SESSION_HOURS * 3600,
        httponly=True,
        samesite="strict",
        secure=desk.is_secure,
    )
    return response


def keys(request: Request) -> Response:
    """What the keyboard does."""
    return page(request, "keys.html.j2")


def thread_css(_request: Request) -> Response:
    """The styles of a thread, which the pages beside a report carry inside."""
    return FileResponse(str(files("reconcilers.trace") / "thread.css"), media_type="text/css")


def leave(_desk: Desk, actor: str, _form: object) -> str:
    return f"{actor} signed out."


def doing(act: Action) -> Endpoint:
    """The only way to an action: the form is of this session, and its words are taken or refused.

    Then the person sees the page that the form was on.
    """

    async def endpoint(request: Request) -> Response:
        session, desk = request.state.session, desk_of(request)
        async with request.form(max_files=0, max_fields=6_000) as form:
            if not session.holds(form.get("csrf")):
                raise HTTPException(403, "The form is of another session. Load the page again.")
            notice = await run_in_threadpool(act, desk, session.actor, form)
            if act is leave:
                desk.door.leave(request.cookies.get(desk.cookie))
                return refused(200, "You are signed out.")
            session.notices.append(notice)
            return RedirectResponse(_inside(form.get("back")), 303)

    return endpoint


def _inside(back: object) -> str:
    """An address of ours: nobody is sent elsewhere."""
    if not isinstance(back, str) or not back.startswith("/") or back.startswith(("//", "/\\")):
        return "/"
    return back


def _mistake(request: Request, error: Exception) -> Response:
    return refusal(request, str(error), 422)


def _conflict(request: Request, error: Exception) -> Response:
    return refusal(request, str(error), 409)


def _missing(request: Request, error: Exception) -> Response:
    if type(error) is not LookupError:  # a KeyError is a bug of ours
        raise error
    return refusal(request, str(error), 404)


def _http(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    if not hasattr(request.state, "session"):
        return refused(error.status_code, error.detail)
    return refusal(request, error.detail, error.status_code)


PROBLEMS: Mapping[type[Exception], Callable[[Request, Exception], Response]] = {
    FormError: _mistake,
    LookupError: _missing,
    HTTPException: _http,
    **dict.fromkeys(REFUSALS, _conflict),
}
