"""API Gateway (REST): metrics of requests."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable
from typing import Any

from ministack import app
from ministack.core.responses import request_scope
from ministack.services import apigateway_v1, cloudwatch

from corrections.support import wrap_function

Response = tuple[int, dict[str, Any], bytes]


def apply() -> None:
    wrap_function(app, "_handle_execute_api_request", count_request)


async def count_request(
    original: Callable[..., Awaitable[Response | None]], host: str, path: str, *rest: Any, **options: Any
) -> Response | None:
    """apigateway/latest/developerguide/api-gateway-metrics-and-dimensions: AWS/ApiGateway by API and stage; the errors are
    0 or 1 for each request, so that their average is a rate.

    MiniStack has none.
    """
    started = time.monotonic()
    response = await original(host, path, *rest, **options)
    addressed = app._parse_execute_api_url(host, path)
    scope = addressed and apigateway_v1.find_api_scope(addressed[0])
    if response is None or not scope:
        return response
    api_id, stage, _ = addressed
    milliseconds = (time.monotonic() - started) * 1000
    with request_scope(*scope):
        dimensions = {"ApiName": apigateway_v1._rest_apis[api_id]["name"], "Stage": stage}
        for name, value, unit in (
            ("Count", 1, "Count"),
            ("4XXError", int(400 <= response[0] < 500), "Count"),
            ("5XXError", int(response[0] >= 500), "Count"),
            ("Latency", milliseconds, "Milliseconds"),
        ):
            cloudwatch.record_metric("AWS/ApiGateway", name, value, unit, dimensions)
    return response
