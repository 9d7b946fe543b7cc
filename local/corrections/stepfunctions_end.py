"""Step Functions: how an execution ends. It ends once, whatever runs in it, and nothing of it happens afterwards."""

from __future__ import annotations

import threading
from collections.abc import Callable
from contextvars import ContextVar, copy_context
from typing import Any

from ministack.core.responses import json_response
from ministack.services import stepfunctions

from corrections.support import replace_text, wrap_function

Record = dict[str, Any]
Response = tuple[int, dict[str, str], bytes]

EVENTS = {
    "SUCCEEDED": "ExecutionSucceeded",
    "FAILED": "ExecutionFailed",
    "TIMED_OUT": "ExecutionTimedOut",
    "ABORTED": "ExecutionAborted",
}

present: ContextVar[Record | None] = ContextVar("present", default=None)
"""The execution that this thread works for; its branches inherit it."""

run: ContextVar[int] = ContextVar("run", default=0)
"""After how many redrives of the execution this thread was begun."""

ends = threading.RLock()
"""Guards statuses and histories."""

waited_for: dict[str, threading.Condition] = {}
"""Notified when the execution of this ARN ends. One for all would wake all that wait, at each end."""


class Ended(SystemExit):
    """Ends a thread whose execution has ended. Nothing that catches an Exception catches it."""


def apply() -> None:
    wrap_function(stepfunctions, "_run_execution", run_until_the_end)
    wrap_function(stepfunctions, "_add_event", add_event)
    wrap_function(stepfunctions, "_scaled_sleep", pause)
    succeed_only_once()
    wrap_function(stepfunctions, "_fail_execution", fail)
    wrap_function(stepfunctions, "_stop_execution", stop)
    end_at_the_time_limit()
    tell_the_error_of_every_end()


def run_until_the_end(original: Callable[[str], None], arn: str, redrives: int = 0) -> None:
    """step-functions/latest/apireference/API_StopExecution: a stopped execution goes no further.

    MiniStack runs the branches, retries and waits of the present state to their end, and a late failure overwrites
    the status ABORTED.
    """
    outer, outer_run = present.set(stepfunctions._executions[arn]), run.set(redrives)
    try:
        original(arn)
    except Ended:
        pass  # what ended it has said so
    finally:
        present.reset(outer)
        run.reset(outer_run)


def leave_if_ended() -> None:
    execution = present.get()
    if execution is not None and has_ended(execution):
        raise Ended


def has_ended(execution: Record) -> bool:
    """For a thread that works for the execution: also once it runs again because it was redriven."""
    is_late = execution is present.get() and execution.get("redriveCount", 0) != run.get()
    return is_late or execution["status"] != "RUNNING"


def add_event(original: Callable[..., Record], execution: Record, event_type: str, details: Any = None) -> Record:
    """Every state, attempt and result passes here, so it is where an ended execution stops."""
    with ends:
        leave_if_ended()
        return original(execution, event_type, details)


def pause(original: Callable[[float], None], seconds: float) -> None:
    """The pauses of Wait states and retries; the end of the execution ends them, too."""
    execution = present.get()
    if execution is None:  # TestState
        original(seconds)
    elif ended_within(execution, seconds * stepfunctions._SFN_WAIT_SCALE):
        raise Ended


def ended_within(execution: Record, seconds: float) -> bool:
    with ends:
        its_end = waited_for.setdefault(execution["executionArn"], threading.Condition(ends))
        return its_end.wait_for(lambda: has_ended(execution), seconds)


def end(execution: Record, status: str, **details: Any) -> bool:
    """Ends an execution, unless it has ended before; details are its output, or its error and cause."""
    event_type = EVENTS[status]
    given = {name: value for name, value in details.items() if value is not None}
    with ends:
        if has_ended(execution):
            return False
        event = stepfunctions._add_event(
            execution, event_type, {f"{event_type[0].lower()}{event_type[1:]}EventDetails": given}
        )
        execution.update(given, status=status, stopDate=event["timestamp"])
        if its_end := waited_for.pop(execution["executionArn"], None):
            its_end.notify_all()
    stepfunctions._emit_execution_status_event(execution)
    return True


def succeed_only_once() -> None:
    """MiniStack looks at the status and then sets it, so that a stop in between is lost."""
    stepfunctions._end_execution = end
    replace_text(
        stepfunctions,
        "_run_execution",
        """            execution["status"] = "SUCCEEDED"
            execution["output"] = output_json
            execution["stopDate"] = now_iso()
            _add_event(execution, "ExecutionSucceeded", {
                "executionSucceededEventDetails": {"output": output_json},
            })
            _emit_execution_status_event(execution)
""",
        '            _end_execution(execution, "SUCCEEDED", output=output_json)\n',
    )


def fail(_original: Callable[..., None], execution: Record, error: str, cause: str) -> None:
    """step-functions/latest/apireference/API_DescribeExecution: the output is there only if the execution succeeded.

    MiniStack gives a failed execution an output.
    """
    end(execution, "FAILED", error=error, cause=cause)


def stop(original: Callable[[Record], Response], request: Record) -> Response:
    execution = stepfunctions._executions.get(request.get("executionArn"))
    if execution is None or not end(execution, "ABORTED", error=request.get("error"), cause=request.get("cause")):
        return original(request)
    return json_response({"stopDate": execution["stopDate"]})


def end_at_the_time_limit() -> None:
    """step-functions/latest/dg/statemachine-structure: an execution that runs longer than the machine's
    TimeoutSeconds fails with States.Timeout. MiniStack ignores them."""
    stepfunctions._limit_time = limit_time
    replace_text(
        stepfunctions,
        "_run_execution",
        '    all_states = definition.get("States", {})\n',
        '    _limit_time(execution, definition.get("TimeoutSeconds"))\n'
        '    all_states = definition.get("States", {})\n',
    )


def limit_time(execution: Record, seconds: float | None) -> None:
    if seconds is not None:
        # the account and region of the execution lie in the context
        threading.Thread(target=copy_context().run, args=(time_out, execution, seconds), daemon=True).start()


def time_out(execution: Record, seconds: float) -> None:
    if not ended_within(execution, seconds):
        end(execution, "TIMED_OUT", error="States.Timeout")


def tell_the_error_of_every_end() -> None:
    """step-functions/latest/dg/eventbridge-integration: error and cause are told of every end that has them.

    MiniStack tells those of FAILED only.
    """
    replace_text(
        stepfunctions,
        "_emit_execution_status_event",
        """\
        "error": execution.get("error") if failed else None,
        "cause": execution.get("cause") if failed else None,
""",
        """\
        "error": execution.get("error"),
        "cause": execution.get("cause"),
""",
    )
