"""Start microburst, the fault proxy, in front of a local AWS: proxy.py <port> <upstream>.

It listens on 127.0.0.1. /_microburst/ manages its rules (see rules.ts), /_microburst/quotas its quotas (see quotas.py).
A few functions of microburst 0.10.0 are wrapped or replaced, each with a reason below.
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
"""The supported version of microburst."""

Fields = dict[str, Any]


def main() -> None:
    installed = metadata.version("microburst")
    if installed != PINNED:
        sys.exit(f"microburst {PINNED} is needed, {installed} is installed")
    port, upstream = sys.argv[1:]
    logging.basicConfig(level=logging.WARNING, format="%(asctime)s %(levelname)s %(name)s %(message)s")
    keep_signatures_valid()
    read_service_from_signature()
    detect_api_calls()
    support_delayed_responses()
    quotas.apply()
    app = make_app(pipeline.Microburst(upstream, resign=False))
    web.run_app(app, host="127.0.0.1", port=int(port), print=None, access_log=None, shutdown_timeout=0)


def keep_signatures_valid() -> None:
    """A signature covers the Host header of the proxy, the escaped path, and the length of the body, which a streamed
    body does not have."""
    outbound: Callable[..., Fields] = forward.Upstream._outbound_headers
    start = forward.Upstream.start

    def original_headers(self: forward.Upstream, request: web.Request) -> Fields:
        return {**outbound(self, request), "host": request.host}

    async def start_with_original_urls(self: forward.Upstream) -> None:
        await start(self)
        session = self.session
        self.session = SimpleNamespace(
            request=lambda method, url, **options: session.request(method, URL(url, encoded=True), **options),
            close=session.close,
        )

    forward.Upstream._outbound_headers = original_headers
    forward.Upstream.start = start_with_original_urls
    pipeline.should_buffer = lambda *_: True


def read_service_from_signature() -> None:
    """Or from X-Amz-Target. The Host header contains no service here, and parsing it delays the first request by three
    seconds, because it loads all service models."""
    detection.parse_host = lambda _host: (None, None, None)


def detect_api_calls() -> None:
    """The service of a call through API Gateway is `execute-api`, that of a request for the keys of a user pool `jwks`; the
    operation is the HTTP method, and the resource is the path."""
    detect = pipeline.detect

    def detect_all(headers: Any, method: str, path: str, *others: Any) -> Any:
        context = detect(headers, method, path, *others)
        if "/_user_request_/" in path:
            context.service, context.operation, context.resource = "execute-api", method, path
        if path.endswith("/.well-known/jwks.json"):
            context.service, context.operation, context.resource = "jwks", method, path
        return context

    pipeline.detect = detect_all


def support_delayed_responses() -> None:
    """`response: {hold_ms}`: the request takes effect at once, and the response is delayed."""
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
