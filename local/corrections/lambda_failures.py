"""Lambda: dead-letter queues and on-failure destinations of asynchronous invocations."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import datetime, timezone
from typing import Any

from ministack.core.responses import new_uuid
from ministack.services import lambda_svc

from corrections import lambda_async, sqs
from corrections.support import wrap_function

Fields = dict[str, Any]

LONGEST_MESSAGE = 1024


def apply() -> None:
    wrap_function(lambda_svc, "_route_async_failure", send_to_destination)


def send_to_destination(original: Callable[..., None], target: str, name: str, event: Any, result: Fields) -> None:
    """MiniStack sends the same record to both, which has neither format."""
    if ":sqs:" not in target:
        original(target, name, event, result)
        return
    function = lambda_svc._functions[name]
    options = function.get("event_invoke_config") or (function.get("event_invoke_configs") or {}).get("$LATEST") or {}
    destination = ((options.get("DestinationConfig") or {}).get("OnFailure") or {}).get("Destination")
    response = result.get("body") if isinstance(result.get("body"), dict) else {}
    if destination == target:
        record = destination_record(function["config"], options, event, result, response)
        sqs.put(target, json.dumps(record), {})
    else:
        sqs.put(target, json.dumps(event), dead_letter_attributes(response))


def destination_record(config: Fields, options: Fields, event: Any, result: Fields, response: Fields) -> Fields:
    """lambda/latest/dg/invocation-async-retain-records (destinations): the record contains function, condition, event
    and response.

    Recorded: lambda_ test_assess_lambda_destination_invocation, test_maxeventage; test_reserved_concurrency for an event
    that was not invoked.
    """
    condition, attempts = lambda_async.outcome(options)
    if is_throttled := "condition" in result:
        condition, attempts = result["condition"], 0
    return {
        "version": "1.0",
        "timestamp": datetime.now(timezone.utc).isoformat(timespec="milliseconds").replace("+00:00", "Z"),
        "requestContext": {
            "requestId": request_id(),
            "functionArn": f"{config['FunctionArn']}:$LATEST",
            "condition": condition,
            "approximateInvokeCount": attempts,
        },
        "requestPayload": event,
        **({} if is_throttled else response_of(result, response)),
    }


def response_of(result: Fields, response: Fields) -> Fields:
    return {
        "responseContext": {
            "statusCode": 200,
            "executedVersion": "$LATEST",
            "functionError": result.get("function_error") or "Unhandled",
        },
        "responsePayload": response,
    }


def dead_letter_attributes(response: Fields) -> sqs.Attributes:
    """lambda/latest/dg/invocation-async-retain-records (dead-letter queues): the unchanged event, with the error as
    attributes and without the name of the function."""
    message = str(response.get("errorMessage", ""))[:LONGEST_MESSAGE]
    return {"RequestID": request_id(), "ErrorCode": 200, **({"ErrorMessage": message} if message else {})}


def request_id() -> str:
    """Of all attempts; see lambda_async."""
    return lambda_async.request_id.get() or new_uuid()
