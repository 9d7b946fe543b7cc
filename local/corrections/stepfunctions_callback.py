"""Step Functions: tasks that wait for somebody to send success or failure for their token."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable
from typing import Any

from ministack.core import iam_actions
from ministack.services import stepfunctions

from corrections.stepfunctions_end import leave_if_ended, present
from corrections.support import replace_text, wrap_function

LOOK_EVERY_SECONDS = 1
"""How soon a task that waits notices that its execution has ended."""


def apply() -> None:
    give_each_attempt_a_token()
    fail_with_the_function()
    end_with_the_execution()
    wrap_function(iam_actions, "extract_resource_arn", name_the_machine)


def give_each_attempt_a_token() -> None:
    """step-functions/latest/dg/connect-to-resource (wait for a callback): a retried task has a new token, and the one
    before is of no use any more. MiniStack makes one for all attempts."""
    replace_text(
        stepfunctions,
        "_execute_task",
        '        ctx["State"]["RetryCount"] = sum(retry_counts.values())\n',
        '        ctx["State"]["RetryCount"] = sum(retry_counts.values())\n'
        '        if is_callback:\n            ctx["Task"] = {"Token": new_uuid()}\n',
    )


def fail_with_the_function() -> None:
    """step-functions/latest/dg/connect-lambda: Step Functions invokes the function and waits for its answer; an error
    of the function is the error of the task, also when it would wait for a callback.

    MiniStack passes over the error and waits until the task's time is over.
    """
    replace_text(
        stepfunctions,
        "_invoke_with_callback",
        """        except _ExecutionError:
            pass
    else:
""",
        """        except _ExecutionError:
            if not evt.is_set():
                _task_tokens.pop(token, None)
                raise
    else:
""",
    )


def end_with_the_execution() -> None:
    """step-functions/latest/apireference/API_StopExecution: the task of a stopped execution waits no more, and its token
    is unknown."""
    stepfunctions._wait_for_callback = wait_for_callback
    replace_text(
        stepfunctions,
        "_invoke_with_callback",
        "    if not evt.wait(timeout=timeout):\n",
        "    if not _wait_for_callback(evt, timeout):\n",
    )
    wrap_function(stepfunctions, "_invoke_with_callback", know_the_token)


def wait_for_callback(event: threading.Event, seconds: float) -> bool:
    end = time.monotonic() + seconds
    while not event.wait(max(0, min(LOOK_EVERY_SECONDS, end - time.monotonic()))):
        leave_if_ended()
        if time.monotonic() >= end:
            return False
    return True


def know_the_token(original: Callable[..., Any], resource: str, data: Any, token: str, state: Any) -> Any:
    execution = present.get()
    if execution is not None:
        machines[token] = execution["stateMachineArn"]
    try:
        return original(resource, data, token, state)
    finally:
        stepfunctions._task_tokens.pop(token, None)
        machines.pop(token, None)


machines: dict[str, str] = {}
"""The state machine of each token that is waited for."""


def name_the_machine(
    original: Callable[..., str], service: str, method: str, path: str, headers: Any, body: bytes, *more: Any
) -> str:
    """service-authorization/latest/reference/list_awsstepfunctions: who sends success or failure for a token needs the
    right on its state machine. MiniStack asks for a right on everything."""
    if service == "states" and b"taskToken" in body:
        machine = machines.get(json.loads(body).get("taskToken", ""))
        if machine is not None:
            return machine
    return original(service, method, path, headers, body, *more)
