"""Step Functions: the end of an execution. It ends once, and no event follows."""

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
"""The execution of this thread; its branches inherit it."""

run: ContextVar[int] = ContextVar("run", default=0)
"""The number of redrives of the execution when this thread was started."""

ends = threading.RLock()
"""Guards statuses and histories."""

waited_for: dict[str, threading.Condition] = {}
"""Notified when the execution with this ARN ends. A single condition would wake all waiting threads at each end."""


class Siblings:
    """Branches or iterations that run in parallel. The first failure stops the others."""

    def __init__(self) -> None:
        self.running: list[Branch] = []
        self.failure: Exception | None = None
        self.changed = threading.Condition(ends)

    def fail(self, execution: Record, failure: Exception) -> None:
        with ends:
            self.failure = failure
            self.changed.notify_all()
            if its_end := waited_for.get(execution["executionArn"]):  # some can be in a Wait or before a retry
                its_end.notify_all()


class Branch:
    """A sequence of states: an execution's own, or that of a Parallel's branch or of a Map's iterations."""

    def __init__(self, last: int = 0, siblings: Siblings | None = None, outer: Branch | None = None) -> None:
        self.last = last
        """The previousEventId of the next event."""
        self.siblings = siblings
        self.outer = outer
        self.index = 0
        self.succeeded: int | None = None
        """For a Map's iteration: its number, and its MapIterationSucceeded event."""
        self.name = self.kind = ""
        """Of the current state."""
        self.entered = self.before = 0
        """The entered event of the current state, and the event before it."""
        self.assigned: dict[str, str] = {}
        """The variables that the current state assigns, as JSON."""
        self.variables: Record = {}
        """The variables in scope."""
        self.position: Record = {}
        """From which a redrive continues (stepfunctions_states.at_state)."""

    def enter(self, name: str, kind: str, entered: int, before: int) -> None:
        self.name, self.kind, self.entered, self.before, self.assigned = name, kind, entered, before, {}

    def leave(self) -> None:
        self.kind = ""

    def take_assigned(self) -> Record:
        """The field of an exited event, if the state assigns a variable."""
        return {"assignedVariables": self.assigned} if self.assigned else {}

    def is_stopped(self) -> bool:
        if self.siblings is not None and self.siblings.failure is not None:
            return True
        return self.outer is not None and self.outer.is_stopped()


branch: ContextVar[Branch | None] = ContextVar("branch", default=None)
"""The sequence of states of this thread."""


class Ended(SystemExit):
    """Ends a thread whose execution has ended. `except Exception` does not catch it."""


def apply() -> None:
    wrap_function(stepfunctions, "_add_event", add_event)
    wrap_function(stepfunctions, "_scaled_sleep", pause)
    wrap_function(stepfunctions, "_fail_execution", fail)
    wrap_function(stepfunctions, "_stop_execution", stop)
    publish_error_of_every_end()


def run_until_the_end(original: Callable[[str], None], arn: str, redrives: int = 0) -> None:
    """step-functions/latest/apireference/API_StopExecution: a stopped execution does not continue.

    MiniStack completes the branches, retries and waits of the current state, and a late failure overwrites the status
    ABORTED.
    """
    execution = stepfunctions._executions[arn]
    outer, outer_run = present.set(execution), run.set(redrives)
    outer_branch = branch.set(Branch(last=len(execution["events"]) if redrives > 0 else 0))
    try:
        original(arn)
    except Ended:
        pass  # the event of its end is already recorded
    finally:
        present.reset(outer)
        run.reset(outer_run)
        branch.reset(outer_branch)


def leave_if_ended() -> None:
    if is_over():
        raise Ended


def is_over() -> bool:
    """Whether the execution of this thread has ended, or another branch's failure has stopped its branch."""
    execution = present.get()
    return execution is not None and (has_ended(execution) or is_stopped())


def is_stopped() -> bool:
    here = branch.get()
    return here is not None and here.is_stopped()


def has_ended(execution: Record) -> bool:
    """Whether the execution has ended, also if it is running again after a redrive."""
    is_late = execution is present.get() and execution.get("redriveCount", 0) != run.get()
    return is_late or execution["status"] != "RUNNING"


def add_event(
    original: Callable[..., Record],
    execution: Record,
    event_type: str,
    details: Any = None,
    previous: int | None = None,
    is_named: bool = True,
) -> Record:
    """step-functions/latest/apireference/API_GetExecutionHistory (example): previousEventId. MiniStack has none.

    The previous event is the last one of the branch, unless `previous` is given; `is_named` states whether
    later events refer to it. Every state, attempt and result passes this function, so an ended execution stops here.
    """
    here = branch.get()
    with ends:
        leave_if_ended()
        if previous is None:
            previous = 0 if here is None else here.last
        event = original(execution, event_type, {"previousEventId": previous, **(details or {})})
        if here is not None and is_named:
            here.last = event["id"]
        return event


def pause(original: Callable[[float], None], seconds: float) -> None:
    """The delays of Wait states and retries; the end of the execution ends them, too."""
    execution = present.get()
    if execution is None:  # TestState
        original(seconds)
    elif ended_within(execution, seconds * stepfunctions._SFN_WAIT_SCALE):
        raise Ended


def ended_within(execution: Record, seconds: float) -> bool:
    with ends:
        its_end = waited_for.setdefault(execution["executionArn"], threading.Condition(ends))
        return its_end.wait_for(lambda: has_ended(execution) or is_stopped(), seconds)


def end(execution: Record, status: str, **details: Any) -> bool:
    """Ends an execution unless it has already ended; details are its output, or its error and cause.

    An end from outside has no previous event [test_stop_execution].
    """
    event_type = EVENTS[status]
    given = {name: value for name, value in details.items() if value is not None}
    previous = 0 if status in ("ABORTED", "TIMED_OUT") else None
    with ends:
        if has_ended(execution):
            return False
        details_of_event = {f"{event_type[0].lower()}{event_type[1:]}EventDetails": given}
        event = stepfunctions._add_event(execution, event_type, details_of_event, previous=previous)
        execution.update(given, status=status, stopDate=event["timestamp"])
        if its_end := waited_for.pop(execution["executionArn"], None):
            its_end.notify_all()
    stepfunctions._emit_execution_status_event(execution)
    return True


def fail(_original: Callable[..., None], execution: Record, error: str, cause: str) -> None:
    """step-functions/latest/apireference/API_DescribeExecution: only a successful execution has an output.

    MiniStack gives a failed execution an output.
    """
    end(execution, "FAILED", error=error, cause=cause)


def stop(original: Callable[[Record], Response], request: Record) -> Response:
    execution = stepfunctions._executions.get(request.get("executionArn"))
    if execution is None or not end(execution, "ABORTED", error=request.get("error"), cause=request.get("cause")):
        return original(request)
    return json_response({"stopDate": execution["stopDate"]})


def limit_time(execution: Record, seconds: float | None) -> None:
    """step-functions/latest/dg/statemachine-structure: an execution that exceeds the state machine's TimeoutSeconds is
    TIMED_OUT. MiniStack ignores them."""
    if seconds is not None:
        # the context contains the account and region of the execution
        threading.Thread(target=copy_context().run, args=(time_out, execution, seconds), daemon=True).start()


def time_out(execution: Record, seconds: float) -> None:
    """TIMED_OUT has neither error nor cause [test_global_timeout]."""
    if not ended_within(execution, seconds):
        end(execution, "TIMED_OUT")


def publish_error_of_every_end() -> None:
    """step-functions/latest/dg/eventbridge-integration: the event contains error and cause if the execution has them.
    MiniStack includes those of FAILED only."""
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
