"""Step Functions: a task that runs another state machine (step-functions/latest/dg/connect-stepfunctions).

The names in brackets are those of LocalStack's tests, whose recordings of AWS these follow
(docs/decisions/0030-recorded-on-aws.md).
"""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from ministack.services import stepfunctions

from corrections.stepfunctions_callback import LOOK_EVERY_SECONDS, submitted
from corrections.stepfunctions_end import ended_within, leave_if_ended
from corrections.support import replace_text, wrap_function

Record = dict[str, Any]


def apply() -> None:
    wrap_function(stepfunctions, "_invoke_nested_start_execution_sync", run_to_its_end)
    name_errors_as_its_integration()
    start_with_nothing_for_null()


def run_to_its_end(_original: Callable[..., Any], resource: str, arguments: Record) -> Record:
    """The end of the other execution ends the task; unless it succeeded, the task fails with States.TaskFailed and a
    description as cause [test_start_execution_sync, test_start_execution_sync2,
    test_start_execution_sync_delegate_failure].

    MiniStack runs it in the task's thread, without the event TaskSubmitted, and with another error and cause.
    """
    started = stepfunctions._invoke_nested_start_execution(resource, arguments)
    submitted(resource, started)
    execution = stepfunctions._executions[started["ExecutionArn"]]
    while not ended_within(execution, LOOK_EVERY_SECONDS):
        leave_if_ended()
    leave_if_ended()
    description = describe(execution, json.loads if resource.endswith(".sync:2") else str)
    if execution["status"] != "SUCCEEDED":
        raise stepfunctions._ExecutionError("States.TaskFailed", json.dumps(description, separators=(",", ":")))
    return description


def describe(execution: Record, value: Callable[[str], Any]) -> Record:
    output = execution["output"]
    return {
        **{name.title(): execution[name] for name in ("error", "cause") if name in execution},
        "ExecutionArn": execution["executionArn"],
        "Input": value(execution["input"]),
        "InputDetails": {"Included": True},
        "Name": execution["name"],
        **({} if output is None else {"Output": value(output), "OutputDetails": {"Included": True}}),
        "StartDate": stepfunctions._iso_to_epoch_ms(execution["startDate"]),
        "StateMachineArn": execution["stateMachineArn"],
        "Status": execution["status"],
        "StopDate": stepfunctions._iso_to_epoch_ms(execution["stopDate"]),
    }


def name_errors_as_its_integration() -> None:
    """[test_start_execution_no_such_arn]"""
    stepfunctions._integration_error = lambda name: f"StepFunctions.{name.removesuffix('Exception')}Exception"
    replace_text(
        stepfunctions,
        "_invoke_nested_start_execution",
        '            payload.get("__type", "States.Runtime"),\n',
        '            _integration_error(payload["__type"]),\n',
    )


def start_with_nothing_for_null() -> None:
    """[test_start_execution_sync, test_start_execution_sync_delegate_timeout]"""
    replace_text(
        stepfunctions,
        "_nested_start_execution_request",
        'input_data.get("Input", input_data.get("input", {}))',
        'input_data.get("Input") or {}',
    )
    replace_text(
        stepfunctions,
        "_nested_start_execution_request",
        "json.dumps(nested_input)",
        'json.dumps(nested_input, separators=(",", ":"))',
    )
