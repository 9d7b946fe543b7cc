"""API Gateway (REST): invalid responses of functions, and response headers."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from ministack.services import apigateway_v1

from corrections.support import replace_text, wrap_function

Fields = dict[str, Any]

KNOWN = {"statusCode", "headers", "multiValueHeaders", "body", "isBase64Encoded"}


def apply() -> None:
    wrap_function(apigateway_v1, "_lambda_proxy_response", read_answer)
    apigateway_v1._bad_gateway = bad_gateway
    replace_text(
        apigateway_v1,
        "_invoke_lambda_proxy_v1",
        'return 502, {"Content-Type": "application/json"}, json.dumps({"message": err}).encode()',
        "return _bad_gateway()",
    )
    replace_text(
        apigateway_v1,
        "_gateway_error_response",
        '(403 if response_type == "DEFAULT_4XX" else 500)',
        '(403 if response_type == "DEFAULT_4XX" else getattr(error, "status", 500))',
    )


def read_answer(
    original: Callable[..., tuple[Fields | None, str | None]], result: Fields
) -> tuple[Fields | None, str | None]:
    """apigateway/latest/developerguide/set-up-lambda-proxy-integrations (output format): a response of another format is
    rejected, as is an error of the function. MiniStack accepts any, and returns the function's error to the client.

    Recorded: apigateway test_aws_proxy_response_payload_format_validation, test_lambda_aws_proxy_response_format.
    """
    if result.get("throttle"):
        return original(result)
    answer = result.get("body")
    if result.get("error") or not is_well_formed(answer):
        return None, "malformed"
    return {**answer, "statusCode": int(answer.get("statusCode", 200)), **merged_headers(answer)}, None


def is_well_formed(answer: Any) -> bool:
    """Recorded: apigateway test_lambda_aws_proxy_response_format: no field is required, and an empty response is 200.
    (In test_aws_proxy_response_payload_format_validation the function receives no body, and fails.)"""
    if not isinstance(answer, dict) or answer.keys() - KNOWN:
        return False
    headers, lists = answer.get("headers") or {}, answer.get("multiValueHeaders") or {}
    if not isinstance(headers, dict) or not isinstance(lists, dict):
        return False
    if not all(isinstance(values, list) for values in lists.values()):
        return False
    return isinstance(answer.get("body") or "", str) and str(answer.get("statusCode", 200)).isdigit()


def merged_headers(answer: Fields) -> Fields:
    """A header in both fields has the values of the list first.

    Recorded: apigateway test_aws_proxy_response_payload_format_validation.
    """
    headers = {name: as_text(value) for name, value in (answer.get("headers") or {}).items()}
    lists = {name: list(values) for name, values in (answer.get("multiValueHeaders") or {}).items()}
    for name, values in lists.items():
        for single in [other for other in headers if other.lower() == name.lower()]:
            values.append(headers.pop(single))
    return {"headers": headers, "multiValueHeaders": lists}


def as_text(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value)


def bad_gateway() -> Any:
    """apigateway/latest/developerguide/supported-gateway-response-types (DEFAULT_5XX): 502, unless the gateway response has
    another status."""
    error = apigateway_v1._GatewayError("DEFAULT_5XX", "Internal server error")
    error.status = 502
    return error
