"""API Gateway (REST): access logs."""

from __future__ import annotations

import logging
import re
import time
from collections.abc import Awaitable, Callable, Mapping
from contextvars import ContextVar
from typing import Any

from ministack import app
from ministack.core.responses import get_request_client_ip, new_uuid, request_scope
from ministack.services import apigateway_v1, cloudwatch_logs

from corrections.support import wrap_function

logger = logging.getLogger("corrections.apigateway_access_log")

Response = tuple[int, dict[str, Any], bytes]
Context = dict[str, Any]

integrated: ContextVar[Context] = ContextVar("integrated")
"""The requestContext of the current request, if its function was invoked."""

refused: ContextVar[Context] = ContextVar("refused")
"""The context of the current request, if API Gateway responded itself."""

VARIABLE = re.compile(r"\$context\.([A-Za-z_][\w.]*)")


def apply() -> None:
    wrap_function(app, "_handle_execute_api_request", log_access)
    wrap_function(apigateway_v1, "_build_lambda_event_v1", remember_integration)
    wrap_function(apigateway_v1, "_gateway_error_response", remember_refusal)


async def log_access(
    original: Callable[..., Awaitable[Response | None]], host: str, path: str, method: str, *rest: Any, **options: Any
) -> Response | None:
    """apigateway/latest/developerguide/set-up-logging: one line per request, in the format of the stage.

    MiniStack writes none.
    """
    started = time.monotonic()
    integrated.set({})
    refused.set({})
    response = await original(host, path, method, *rest, **options)
    addressed = app._parse_execute_api_url(host, path)
    scope = addressed and apigateway_v1.find_api_scope(addressed[0])
    if response is None or not scope:
        return response
    api_id, stage_name, resource = addressed
    with request_scope(*scope):
        settings = apigateway_v1.stages_for_api(api_id).get(stage_name, {}).get("accessLogSettings", {})
        if settings.get("destinationArn"):
            context = {
                "requestId": new_uuid(),
                "apiId": api_id,
                "stage": stage_name,
                "httpMethod": method,
                "path": f"/{stage_name}{resource}",
                "protocol": "HTTP/1.1",
                "requestTimeEpoch": int(time.time() * 1000),
                "identity": {"sourceIp": get_request_client_ip()},
                **refused.get(),
                **integrated.get(),
                "status": response[0],
                "responseLength": len(response[2]),
                "responseLatency": round((time.monotonic() - started) * 1000),
            }
            write(settings["destinationArn"], render(settings["format"], context))
    return response


def remember_integration(original: Callable[..., dict[str, Any]], *request: Any, **options: Any) -> dict[str, Any]:
    event = original(*request, **options)
    integrated.set(event["requestContext"])
    return event


def remember_refusal(original: Callable[..., Response], error: Any, request: Mapping[str, Any]) -> Response:
    message = error.message
    refused.set(
        {
            "requestId": request["request_id"],
            "resourcePath": request["resource_path"],
            "error": {"message": message, "messageString": f'"{message}"', "responseType": error.response_type},
        }
    )
    return original(error, request)


def render(line: str, context: Context) -> str:
    """apigateway/latest/developerguide/api-gateway-variables-for-access-logging: a variable without a value is `-`."""
    return VARIABLE.sub(lambda variable: text(context, variable[1]), line)


def text(context: Context, variable: str) -> str:
    value: Any = context
    for name in variable.split("."):
        value = value.get(name) if isinstance(value, dict) else None
    return "-" if value is None else str(value)


def write(log_group_arn: str, line: str) -> None:
    group = log_group_arn.split(":log-group:")[1].removesuffix(":*")
    place = {"logGroupName": group, "logStreamName": "access"}
    cloudwatch_logs._create_log_stream(place)  # exists after the first request
    status, _, body = cloudwatch_logs._put_log_events({**place, "logEvents": [{"message": line}]})
    if status != 200:  # delivery is best effort on AWS, too
        logger.warning("%s: not logged: %s", group, body)
