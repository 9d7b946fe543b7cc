"""The HTTP server: uvicorn instead of Hypercorn.

Hypercorn parses in Python, which takes half of the time of a call. uvicorn serves the same ASGI application with the
parser of httptools and the event loop of uvloop. It also keeps the case of header names, which API Gateway passes to
functions (apigateway/latest/developerguide/set-up-lambda-proxy-integrations).
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
"""Seconds for running requests when the server is stopped."""


def apply() -> None:
    asyncio.set_event_loop_policy(uvloop.EventLoopPolicy())
    hypercorn.asyncio.serve = serve


class HeadersAsSent(HttpToolsProtocol):
    """Otherwise header names are in lower case."""

    def on_header(self, name: bytes, value: bytes) -> None:
        super().on_header(name, value)
        self.headers[-1] = (name, value)


async def serve(app: Any, config: Any) -> None:
    """Accepts MiniStack's Hypercorn configuration: one address, without TLS."""
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
