"""NetSuite's refusals: one body shape, with a code, and a path or parameter where it lies."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

_TITLES = {
    400: "Bad Request",
    401: "Unauthorized",
    403: "Forbidden",
    404: "Not Found",
    405: "Method Not Allowed",
}
_SECTION = "https://www.rfc-editor.org/rfc/rfc9110.html#name-{status}"


@dataclass(eq=False)
class NetSuiteError(Exception):
    """`place` names the key under which `where` is told: o:errorPath, o:errorQueryParam, ..."""

    detail: str
    code: str = "INVALID_CONTENT"
    where: str | None = None
    status: int = 400
    place: str = "o:errorPath"
    title: str | None = None
    headers: Mapping[str, str] = field(default_factory=dict)

    def body(self) -> dict[str, Any]:
        problem = {"detail": self.detail, "o:errorCode": self.code}
        if self.where is not None:
            problem[self.place] = self.where
        return {
            "type": _SECTION.format(status=self.status),
            "title": self.title or _TITLES.get(self.status, "Error"),
            "status": self.status,
            "o:errorDetails": [problem],
        }


def not_found(kind: str, key: str) -> NetSuiteError:
    detail = f"The record instance does not exist. Provide a valid record instance ID: {kind} {key}"
    return NetSuiteError(detail, "NONEXISTENT_ID", None, 404)


def wrong_parameter(name: str, detail: str) -> NetSuiteError:
    return NetSuiteError(detail, "INVALID_PARAMETER", name, 400, "o:errorQueryParam")
