"""Routes of the local AWS itself: functions that AWS has no API for.

POST /_local_aws/<name> with the route's arguments in a JSON object. The response is the JSON object that the route
returns, or 409 with the reasons. The server listens on 127.0.0.1 only (BIND_HOST), so other machines cannot reach
them.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable
from typing import Any

from ministack import app
from ministack.core.responses import json_response

from corrections.support import wrap_function

Record = dict[str, Any]
Response = tuple[int, dict[str, str], bytes]

PREFIX = "/_local_aws/"

ROUTES: dict[str, Callable[..., Record]] = {}
"""The corrections that have routes add them, by name."""


class Refused(Exception):
    """A rejected request; the response contains `reasons`."""

    def __init__(self, **reasons: Any) -> None:
        super().__init__(reasons)
        self.reasons = reasons


def apply() -> None:
    wrap_function(app, "_handle_post_body_shortcuts", answer)


async def answer(
    original: Callable[..., Awaitable[Response | None]], method: str, path: str, headers: Record, body: bytes, *rest: Any
) -> Response | None:
    route = ROUTES.get(path.removeprefix(PREFIX)) if method == "POST" and path.startswith(PREFIX) else None
    if route is None:
        return await original(method, path, headers, body, *rest)
    try:
        return json_response(await asyncio.to_thread(route, **json.loads(body)))
    except Refused as refused:
        return json_response(refused.reasons, 409)
