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


class Siblings:
    """Branches or iterations that run side by side. The first that fails stops the others."""

    def __init__(self) -> None:
        self.running: list[Branch] = []
        self.failure: Exception | None = None
        self.changed = threading.Condition(ends)

    def fail(self, execution: Record, failure: Exception) -> None:
        with ends:
            self.failure = failure
            self.changed.notify_all()
            if its_end := waited_for.get(execution["executionArn"]):  # some of them may be in a Wait or before a retry
                its_end.notify_all()


class Branch:
    """A sequence of states: an execution's own, or that of a Parallel's branch or of a Map's iterations."""

    def __init__(self, last: int = 0, siblings: Siblings | None = None, outer: Branch | None = None) -> None:
        self.last = last
        """The event that the next one names as its previous one."""
        self.siblings = siblings
        self.outer = outer
        self.index = 0
        self.succeeded: int | None = None
        """Of a Map's iteration: its number, and the event that tells that it has succeeded."""
        self.name = self.kind = ""
        """Of the present state."""
        self.entered = self.before = 0
        """The event that tells that the present state was entered, and the one before it."""
        self.assigned: dict[str, str] = {}
        """What the present state assigns, as JSON."""
        self.variables: Record = {}
        """The variables that its states see."""

    def enter(self, name: str, kind: str, entered: int, before: int) -> None:
        self.name, self.kind, self.entered, self.before, self.assigned = name, kind, entered, before, {}

    def leave(self) -> None:
        self.kind = ""

    def take_assigned(self) -> Record:
        """The field of an exited event, if the state assigns anything."""
        return {"assignedVariables": self.assigned} if self.assigned else {}

    def is_stopped(self) -> bool:
        if self.siblings is not None and self.siblings.failure is not None:
            return True
        return self.outer is not None and self.outer.is_stopped()


branch: ContextVar[Branch | None] = ContextVar("branch", default=None)
"""The sequence of states that this thread works for."""


class Ended(SystemExit):
    """Ends a thread whose execution has ended. Nothing that catches an Exception catches it."""


def apply() -> None:
    wrap_function(stepfunctions, "_add_event", add_event)
    wrap_function(stepfunctions, "_scaled_sleep", pause)
    wrap_function(stepfunctions, "_fail_execution", fail)
    wrap_function(stepfunctions, "_stop_execution", stop)
    tell_the_error_of_every_end()


def run_until_the_end(original: Callable[[str], None], arn: str, redrives: int = 0) -> None:
    """step-functions/latest/apireference/API_StopExecution: a stopped execution goes no further.

    MiniStack runs the branches, retries and waits of the present state to their end, and a late failure overwrites
    the status ABORTED.
    """
    execution = stepfunctions._executions[arn]
    outer, outer_run = present.set(execution), run.set(redrives)
    outer_branch = branch.set(Branch(last=len(execution["events"]) if redrives > 0 else 0))
    try:
        original(arn)
    except Ended:
        pass  # what ended it has said so
    finally:
        present.reset(outer)
        run.reset(outer_run)
        branch.reset(outer_branch)


def leave_if_ended() -> None:
    """For a thread that works for an execution, or for a branch of it that another branch's failure has stopped."""
    execution = present.get()
    if execution is not None and (has_ended(execution) or is_stopped()):
        raise Ended


def is_stopped() -> bool:
    here = branch.get()
    return here is not None and here.is_stopped()


def has_ended(execution: Record) -> bool:
    """For a thread that works for the execution: also once it runs again because it was redriven."""
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

    An event names the last one of its branch, unless `previous` is given; `is_named` says whether later events name it.
    Every state, attempt and result passes here, so it is where an ended execution stops.
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
    """The pauses of Wait states and retries; the end of the execution ends them, too."""
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
    """Ends an execution, unless it has ended before; details are its output, or its error and cause.

    What ends it from outside names no event as the one before it [test_stop_execution].
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
    """step-functions/latest/apireference/API_DescribeExecution: the output is there only if the execution succeeded.

    MiniStack gives a failed execution an output.
    """
    end(execution, "FAILED", error=error, cause=cause)


def stop(original: Callable[[Record], Response], request: Record) -> Response:
    execution = stepfunctions._executions.get(request.get("executionArn"))
    if execution is None or not end(execution, "ABORTED", error=request.get("error"), cause=request.get("cause")):
        return original(request)
    return json_response({"stopDate": execution["stopDate"]})


def limit_time(execution: Record, seconds: float | None) -> None:
    """step-functions/latest/dg/statemachine-structure: an execution that runs longer than the machine's
    TimeoutSeconds is TIMED_OUT. MiniStack ignores them."""
    if seconds is not None:
        # the account and region of the execution lie in the context
        threading.Thread(target=copy_context().run, args=(time_out, execution, seconds), daemon=True).start()


def time_out(execution: Record, seconds: float) -> None:
    """Such an end has neither error nor cause [test_global_timeout]."""
    if not ended_within(execution, seconds):
        end(execution, "TIMED_OUT")


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
