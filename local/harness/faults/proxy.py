"""Start microburst, the fault proxy, in front of a local AWS: proxy.py <port> <upstream>.

It listens on 127.0.0.1. Its rules and what of them fired are at /_microburst/ (see rules.ts), quotas
at /_microburst/quotas (see quotas.py). Of microburst 0.10.0
a few functions are wrapped or replaced, each for the reason that is given below.
"""

from __future__ import annotations

import asyncio
import logging
import sys
from collections.abc import Callable
from importlib import metadata
from types import SimpleNamespace
from typing import Any

import quotas
from aiohttp import web
from microburst import detection, forward, rules
from microburst.app import make_app
from microburst.core import pipeline
from yarl import URL

PINNED = "0.10.0"
"""The only version of microburst that this was written for."""

Fields = dict[str, Any]


def main() -> None:
    installed = metadata.version("microburst")
    if installed != PINNED:
        sys.exit(f"microburst {PINNED} is needed, {installed} is installed")
    port, upstream = sys.argv[1:]
    logging.basicConfig(level=logging.WARNING, format="%(asctime)s %(levelname)s %(name)s %(message)s")
    forward_what_was_signed()
    take_the_service_from_the_signature()
    know_calls_of_an_api()
    hold_the_answer()
    quotas.apply()
    app = make_app(pipeline.Microburst(upstream, resign=False))
    web.run_app(app, host="127.0.0.1", port=int(port), print=None, access_log=None, shutdown_timeout=0)


def forward_what_was_signed() -> None:
    """A signature covers the Host header, which is the proxy's, the path with its escapes, and the body's length, which
    a body that is forwarded as a stream does not have."""
    outbound: Callable[..., Fields] = forward.Upstream._outbound_headers
    start = forward.Upstream.start

    def headers_as_they_came(self: forward.Upstream, request: web.Request) -> Fields:
        return {**outbound(self, request), "host": request.host}

    async def start_with_urls_as_they_came(self: forward.Upstream) -> None:
        await start(self)
        session = self.session
        self.session = SimpleNamespace(
            request=lambda method, url, **options: session.request(method, URL(url, encoded=True), **options),
            close=session.close,
        )

    forward.Upstream._outbound_headers = headers_as_they_came
    forward.Upstream.start = start_with_urls_as_they_came
    pipeline.should_buffer = lambda *_: True


def take_the_service_from_the_signature() -> None:
    """Or from X-Amz-Target. The Host header names none here, and looking for one in it makes the first request wait for
    three seconds, while all models of AWS are read."""
    detection.parse_host = lambda _host: (None, None, None)


def know_calls_of_an_api() -> None:
    """What is called through API Gateway is `execute-api`, what asks for the keys of a user pool `jwks`; the operation
    is the HTTP method, the resource the path."""
    detect = pipeline.detect

    def detect_all(headers: Any, method: str, path: str, *others: Any) -> Any:
        context = detect(headers, method, path, *others)
        if "/_user_request_/" in path:
            context.service, context.operation, context.resource = "execute-api", method, path
        if path.endswith("/.well-known/jwks.json"):
            context.service, context.operation, context.resource = "jwks", method, path
        return context

    pipeline.detect = detect_all


def hold_the_answer() -> None:
    """`response: {hold_ms}`: the request takes effect at once, the answer comes later."""
    build, stream = rules._response_fault, forward._stream_to_client

    def build_with_hold(spec: Fields | None) -> Any:
        fault = build(spec)
        if fault is not None:
            fault.hold_ms = (spec or {}).get("hold_ms", 0)
        return fault

    async def stream_after_hold(request: web.Request, status: int, headers: Any, fault: Any, chunks: Any) -> Any:
        if fault is not None:
            await asyncio.sleep(fault.hold_ms / 1000)
        return await stream(request, status, headers, fault, chunks)

    rules._response_fault, forward._stream_to_client = build_with_hold, stream_after_hold


if __name__ == "__main__":
    main()
