"""Windows of results: what NetSuite allows, and how it links from one to the next."""

from typing import Any

from starlette.requests import Request

from extractors.sandbox.netsuite_errors import NetSuiteError, wrong_parameter
from extractors.sandbox.suiteql import LARGEST_PAGE, LAST_ROW, Page
from extractors.sandbox.suiteql_translation import SuiteqlError
from extractors.sandbox.wire import JSONAnswer


def require_transient(request: Request) -> None:
    if "transient" not in request.headers.get("prefer", "").lower():
        detail = "The required request header 'Prefer' is missing or not 'transient'."
        raise NetSuiteError(detail, "INVALID_HEADER", "Prefer", 400, "o:errorHeader")


def refused(error: SuiteqlError) -> NetSuiteError:
    return wrong_parameter(
        "q", f"Invalid search query. Detailed unprocessed description follows. {error}"
    )


def window(request: Request) -> tuple[int, int]:
    """Limit and offset as NetSuite allows them."""
    limit = _number(request, "limit", LARGEST_PAGE)
    offset = _number(request, "offset", 0)
    if not 1 <= limit <= LARGEST_PAGE:
        detail = f"The limit must be between 1 and {LARGEST_PAGE}."
        raise wrong_parameter("limit", detail)
    if offset % limit:
        raise wrong_parameter("offset", "The offset must be a multiple of the limit.")
    if offset + limit > LAST_ROW:
        detail = f"Only the first {LAST_ROW} rows can be paged."
        raise wrong_parameter("offset", detail)
    return limit, offset


class Window(JSONAnswer):
    """One page of a collection; its items are JSON text already."""

    def __init__(self, request: Request, page: Page, limit: int, offset: int) -> None:
        url = str(request.url.replace(query=""))
        self._items = page.items
        super().__init__(
            {
                "links": _links(url, limit, offset, page),
                "count": len(page.items),
                "hasMore": page.has_more,
                "items": [],
                "offset": offset,
                "totalResults": page.total,
            }
        )

    def render(self, content: Any) -> bytes:
        head, tail = super().render(content).split(b'"items":[]', 1)
        return b"".join((head, b'"items":[', ",".join(self._items).encode(), b"]", tail))


def _number(request: Request, name: str, default: int) -> int:
    text = request.query_params.get(name, str(default))
    if not text.isdecimal():
        raise wrong_parameter(name, f"Not a number: {text}")
    return int(text)


def _links(url: str, limit: int, offset: int, page: Page) -> list[dict[str, str]]:
    offsets = {"self": offset}
    if offset:
        offsets |= {"first": 0, "previous": max(offset - limit, 0)}
    if page.has_more:
        offsets |= {"next": offset + limit, "last": (page.total - 1) // limit * limit}
    return [{"rel": rel, "href": f"{url}?limit={limit}&offset={at}"} for rel, at in offsets.items()]
