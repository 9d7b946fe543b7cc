"""Step Functions: tasks that wait for a callback with their token."""

from __future__ import annotations

import json
import math
import threading
import time
from collections.abc import Callable
from contextvars import Context, copy_context
from typing import Any

from ministack.core import iam_actions
from ministack.core.responses import error_response_json
from ministack.services import stepfunctions

from corrections.stepfunctions_end import ends, is_over, leave_if_ended, present
from corrections.stepfunctions_history import TaskEvents
from corrections.support import replace_text, wrap_function

Record = dict[str, Any]
Response = tuple[int, dict[str, str], bytes]

LOOK_EVERY_SECONDS = 1
"""Seconds until a waiting task notices that its execution has finished."""

FIVE_MINUTES = 300
LONG_TIMEOUTS = 1.0
"""Factor on the timeouts of tasks that can wait five minutes or more; the failure suite changes it."""


def apply() -> None:
    wrap_function(stepfunctions, "_invoke_with_callback", wait_for_token)
    for operation in ("_send_task_success", "_send_task_failure", "_send_task_heartbeat"):
        wrap_function(stepfunctions, operation, refuse_closed_token)
    keep_the_time_of_heartbeats()
    send_no_error_of_its_own()
    wrap_function(iam_actions, "extract_resource_arn", name_the_machine)


def wait_for_token(_original: Callable[..., Any], resource: str, arguments: Any, token: str, limits: Record) -> Any:
    """step-functions/latest/dg/connect-to-resource (wait for a callback): the task makes the call and waits for the
    callback with the token.

    An error of the call is the error of the task (step-functions/latest/dg/connect-lambda); MiniStack waits anyway. A
    callback that arrives while the call still runs counts. Afterwards the token is unknown.
    """
    execution = present.get()
    if execution is not None:
        machines[token] = execution["stateMachineArn"]
        waiting[token] = copy_context()
    info: Record = {"event": threading.Event(), "result": None, "error": None, "heartbeat": None}
    stepfunctions._task_tokens[token] = info
    began = time.monotonic()
    try:
        try:
            submitted(resource, stepfunctions._invoke_resource(resource.removesuffix(".waitForTaskToken"), arguments))
        except stepfunctions._ExecutionError:
            if not info["event"].is_set():
                raise
        has_arrived = wait_for_callback(info, began, limits)
        with ends:  # a callback that was accepted counts
            stepfunctions._task_tokens.pop(token, None)
            has_arrived = has_arrived or info["event"].is_set()
        if not has_arrived:
            raise stepfunctions._ExecutionError("States.Timeout", None)
    finally:
        stepfunctions._task_tokens.pop(token, None)
        waiting.pop(token, None)
    if info["error"] is not None:
        raise stepfunctions._ExecutionError(info["error"]["Error"], info["error"]["Cause"])
    return json.loads(info["result"])


def submitted(resource: str, answer: Any) -> None:
    """step-functions/latest/apireference/API_TaskSubmittedEventDetails [test_sqs_wait_for_task_token]. MiniStack has no such
    event."""
    if (execution := present.get()) is not None:
        stepfunctions._add_event(execution, *TaskEvents(resource).submitted(json.dumps(answer, separators=(",", ":"))))


def wait_for_callback(info: Record, began: float, limits: Record) -> bool:
    """Whether the callback arrived before the task timed out or missed a heartbeat [test_heartbeat_timeout]. The end of
    the execution ends the wait (API_StopExecution)."""
    limit = limits.get("TimeoutSeconds", math.inf)
    end = began + (limit * LONG_TIMEOUTS if limit >= FIVE_MINUTES else limit)
    while not info["event"].is_set():
        last = info["heartbeat"] or began
        left = min(end, last + limits.get("HeartbeatSeconds", math.inf)) - time.monotonic()
        if left <= 0:
            return False
        info["event"].wait(min(LOOK_EVERY_SECONDS, left))
        leave_if_ended()
    return True


def keep_the_time_of_heartbeats() -> None:
    replace_text(
        stepfunctions, "_send_task_heartbeat", '    info["heartbeat"] = now_iso()\n', '    info["heartbeat"] = time.monotonic()\n'
    )


def send_no_error_of_its_own() -> None:
    """A failure without error or cause has neither [test_sqs_failure_in_wait_for_task_tok_no_error_field]. MiniStack
    sets TaskFailed."""
    replace_text(stepfunctions, "_send_task_failure", 'data.get("error", "TaskFailed")', 'data.get("error")')
    replace_text(stepfunctions, "_send_task_failure", 'data.get("cause", "")', 'data.get("cause")')


machines: dict[str, str] = {}
"""The state machine of each token, also after its task has been closed."""

waiting: dict[str, Context] = {}
"""The context of the thread that waits for each pending token."""


def refuse_closed_token(original: Callable[[Record], Response], request: Record) -> Response:
    """step-functions/latest/apireference/API_SendTaskSuccess (TaskTimedOut): the task of the token has been closed: by a
    callback, a timeout, the end of the execution, or the failure of another branch or iteration. A token that was never
    issued is InvalidToken [test_sfn_send_task_outcome_with_no_such_token].

    MiniStack accepts a callback until the task's thread notices the end of its execution, takes the later of two
    callbacks, and returns TaskDoesNotExist for every other token.
    """
    token = request.get("taskToken")
    with ends:
        info = stepfunctions._task_tokens.get(token)
        if info is not None and not info["event"].is_set() and not (token in waiting and waiting[token].run(is_over)):
            return original(request)
    if token in machines:
        return error_response_json("TaskTimedOut", "Task Timed Out: 'Provided task does not exist anymore'", 400)
    return error_response_json("InvalidToken", "Invalid Token: 'Invalid token'", 400)


def name_the_machine(
    original: Callable[..., str], service: str, method: str, path: str, headers: Any, body: bytes, *more: Any
) -> str:
    """service-authorization/latest/reference/list_awsstepfunctions: the caller of SendTaskSuccess or SendTaskFailure
    needs permission on the state machine. MiniStack requires permission on all resources."""
    if service == "states" and b"taskToken" in body:
        machine = machines.get(json.loads(body).get("taskToken", ""))
        if machine is not None:
            return machine
    return original(service, method, path, headers, body, *more)
