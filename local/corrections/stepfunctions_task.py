"""Step Functions: permissions, failures and retries of tasks."""

from __future__ import annotations

import json
import random
from collections.abc import Callable
from typing import Any

from ministack.core.responses import get_account_id, get_region
from ministack.services import stepfunctions

from corrections.eventbridge import event_keys
from corrections.iam import role_may
from corrections.stepfunctions_end import present
from corrections.support import wrap_function

Record = dict[str, Any]

SERVICE = "states.amazonaws.com"


def apply() -> None:
    wrap_function(stepfunctions, "_call_lambda", call_lambda)
    wrap_function(stepfunctions, "_invoke_events_put_events", put_events)
    wrap_function(stepfunctions, "_nested_start_execution_request", start_execution)
    stepfunctions._pause_before_retry = pause_before_retry


def demand(action: str, resource: str, error: str, keys: Record | None = None) -> None:
    """step-functions/latest/dg/procedure-create-iam-role: a task uses the role of the state machine at the start.

    MiniStack checks no permission. The task fails with `error` if the role lacks the permission.
    """
    execution = present.get()
    if execution is None:  # TestState
        return
    role = execution["events"][0]["executionStartedEventDetails"]["roleArn"]
    if not role_may(SERVICE, role, action, resource, execution["stateMachineArn"], keys):
        cause = f"User: {role} is not authorized to perform: {action} on resource: {resource}"
        raise stepfunctions._ExecutionError(error, cause)


def call_lambda(original: Callable[[str, Any], Any], function: str, event: Any) -> Any:
    """step-functions/latest/dg/connect-lambda"""
    arn = function if function.startswith("arn:") else arn_of("lambda", f"function:{function}")
    demand("lambda:InvokeFunction", arn, "Lambda.AWSLambdaException")
    return original(function, event)


def put_events(original: Callable[[str, Record], Record], resource: str, request: Record) -> Record:
    """step-functions/latest/dg/connect-eventbridge: each event has state machine and execution as its resources, and an
    event that EventBridge rejects fails the task. MiniStack does neither."""
    execution = present.get()
    sender = [execution["stateMachineArn"], execution["executionArn"]] if execution else []
    entries = [{**entry, "Resources": [*entry.get("Resources", []), *sender]} for entry in request["Entries"]]
    for entry in entries:
        bus = entry.get("EventBusName", "default")
        arn = bus if bus.startswith("arn:") else arn_of("events", f"event-bus/{bus}")
        keys = event_keys(entries, by_rule=False)
        demand("events:PutEvents", arn, "EventBridge.EventBridgeException", keys)
    result = original(resource, {**request, "Entries": entries})
    if result["FailedEntryCount"] > 0:
        raise stepfunctions._ExecutionError("EventBridge.FailedEntry", json.dumps(result))
    return result


def start_execution(original: Callable[[Record], Record], arguments: Record) -> Record:
    """step-functions/latest/dg/connect-stepfunctions"""
    request = original(arguments)
    demand("states:StartExecution", request["stateMachineArn"], "StepFunctions.AWSStepFunctionsException")
    return request


def arn_of(service: str, resource: str) -> str:
    return f"arn:aws:{service}:{get_region()}:{get_account_id()}:{resource}"


FIVE_MINUTES = 300
LONG_PAUSES = 1.0
"""Factor on intervals without jitter that grow to five minutes or more; the failure suite changes it."""


def pause_before_retry(retrier: Record, retries: int) -> None:
    """step-functions/latest/dg/concepts-error-handling: MaxDelaySeconds and JitterStrategy.

    MiniStack supports neither and waits for one minute at most.
    """
    seconds = retrier.get("IntervalSeconds", 1) * retrier.get("BackoffRate", 2.0) ** retries
    seconds = min(seconds, retrier.get("MaxDelaySeconds", seconds))
    if retrier.get("JitterStrategy") == "FULL":
        seconds = full_jitter(seconds)
    elif retrier.get("MaxDelaySeconds", 0) >= FIVE_MINUTES:
        seconds *= LONG_PAUSES
    stepfunctions._scaled_sleep(seconds)


def full_jitter(seconds: float) -> float:
    return random.uniform(0, seconds)
