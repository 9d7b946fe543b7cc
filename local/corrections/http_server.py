"""The HTTP server: uvicorn instead of Hypercorn.

Hypercorn parses in Python, which is half of the time that a call takes here. uvicorn serves the same ASGI application
with the parser of httptools and the event loop of uvloop. And it tells header names as the client wrote them, as API
Gateway hands them to functions (apigateway/latest/developerguide/set-up-lambda-proxy-integrations).
"""

from __future__ import annotations

import asyncio
from typing import Any

import hypercorn.asyncio
import uvicorn
import uvloop
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from corrections import recording

GRACE = 2
"""How long answers that are under way have when the server is stopped, in seconds."""


def apply() -> None:
    asyncio.set_event_loop_policy(uvloop.EventLoopPolicy())
    hypercorn.asyncio.serve = serve


class HeadersAsSent(HttpToolsProtocol):
    """Header names are told in lower case otherwise."""

    def on_header(self, name: bytes, value: bytes) -> None:
        super().on_header(name, value)
        self.headers[-1] = (name, value)


async def serve(app: Any, config: Any) -> None:
    """Takes what MiniStack has to say to Hypercorn: one address, without TLS."""
    host, port = config.bind[0].rsplit(":", 1)
    said = uvicorn.Config(
        recording.around(app),
        host=host,
        port=int(port),
        http=HeadersAsSent,
        ws="none",
        lifespan="on",
        log_level="warning",
        server_header=False,
        date_header=False,
        timeout_keep_alive=int(config.keep_alive_timeout),
        timeout_graceful_shutdown=GRACE,
    )
    await uvicorn.Server(said).serve()
