"""Step Functions: RedriveExecution, which MiniStack does not support.

A redriven execution continues where it stopped (stepfunctions_states.at_state): with the state that had not succeeded,
its input and the variables that were assigned before it, and in a Parallel or Inline Map with the branches and
iterations that failed or were aborted (step-functions/latest/dg/redrive-executions). AWS documents only for a Fail
state that it enters the state again; here, every such state is entered again. Not modelled: the limits of 14 days and
24,999 events, and that a client token is valid for 15 minutes only.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Callable
from contextvars import copy_context
from typing import Any

from ministack.core.responses import error_response_json, json_response, now_iso
from ministack.services import stepfunctions

from corrections.stepfunctions_end import ends
from corrections.support import replace_text, wrap_function

Record = dict[str, Any]
Response = tuple[int, dict[str, str], bytes]

REDRIVABLE = ("FAILED", "TIMED_OUT", "ABORTED")


def apply() -> None:
    take_the_request()
    keep_the_definition()
    wrap_function(stepfunctions, "_describe_execution", describe_redrives)
    list_redrives()
    return_redrives()


def take_the_request() -> None:
    stepfunctions._redrive_execution = redrive
    replace_text(
        stepfunctions,
        "handle_request",
        '        "StopExecution": _stop_execution,\n',
        '        "StopExecution": _stop_execution,\n        "RedriveExecution": _redrive_execution,\n',
    )


def redrive(request: Record) -> Response:
    """step-functions/latest/apireference/API_RedriveExecution"""
    arn, token = request.get("executionArn"), request.get("clientToken")
    execution = stepfunctions._executions.get(arn)
    if execution is None:
        return error_response_json("ExecutionDoesNotExist", f"Execution {arn} not found", 400)
    with ends:
        tokens = execution.setdefault("redriveTokens", {})
        if token in tokens:
            return json_response({"redriveDate": tokens[token]})
        if reason := why_not_redrivable(execution):
            return error_response_json("ExecutionNotRedrivable", reason, 400)
        count = execution.get("redriveCount", 0) + 1
        for name in ("error", "cause"):
            execution.pop(name, None)
        execution.update(status="RUNNING", stopDate=None, redriveCount=count, redriveDate=now_iso())
        details = {"executionRedrivenEventDetails": {"redriveCount": count}}
        stepfunctions._add_event(execution, "ExecutionRedriven", details, previous=len(execution["events"]))
        date = execution["redriveDate"]
        if token is not None:
            tokens[token] = date
    stepfunctions._emit_execution_status_event(execution)
    # the context contains the account and region of the execution
    run = (stepfunctions._run_execution, arn, count)
    threading.Thread(target=copy_context().run, args=run, daemon=True).start()
    return json_response({"redriveDate": date})


def why_not_redrivable(execution: Record) -> str | None:
    """step-functions/latest/apireference/API_DescribeExecution (redriveStatusReason)"""
    if execution["status"] not in REDRIVABLE:
        return f"Execution is {execution['status']} and cannot be redriven"
    if execution["stateMachineArn"] not in stepfunctions._state_machines:
        return "State machine is in DELETING status"
    return None


def keep_the_definition() -> None:
    """step-functions/latest/dg/redrive-executions: the definition is that of the start, also after an update of the
    state machine."""
    replace_text(
        stepfunctions,
        "_start_execution",
        '        "mockAttempts": {},\n',
        '        "mockAttempts": {},\n        "definition": sm["definition"],\n',
    )


def describe_redrives(original: Callable[[Record], Response], request: Record) -> Response:
    """step-functions/latest/apireference/API_DescribeExecution"""
    status, headers, body = original(request)
    if status != 200:
        return status, headers, body
    execution = stepfunctions._executions[request["executionArn"]]
    return json_response({**json.loads(body), **redrives(execution), **redrive_status(execution)})


def redrives(execution: Record) -> Record:
    date = {"redriveDate": execution["redriveDate"]} if "redriveDate" in execution else {}
    return {"redriveCount": execution.get("redriveCount", 0), **date}


def redrive_status(execution: Record) -> Record:
    reason = why_not_redrivable(execution)
    if reason is None:
        return {"redriveStatus": "REDRIVABLE"}
    return {"redriveStatus": "NOT_REDRIVABLE", "redriveStatusReason": reason}


def list_redrives() -> None:
    """step-functions/latest/apireference/API_ExecutionListItem"""
    stepfunctions._redrives = redrives
    replace_text(
        stepfunctions,
        "_list_executions",
        '            "stopDate": ex.get("stopDate"),\n',
        '            "stopDate": ex.get("stopDate"),\n            **_redrives(ex),\n',
    )


def return_redrives() -> None:
    """step-functions/latest/dg/eventbridge-integration: executions that failed, timed out or were aborted can be
    redriven; the responses contain the number and time of redrives. MiniStack supports only those that failed."""
    stepfunctions._redrive_status = redrive_status
    replace_text(
        stepfunctions,
        "_emit_execution_status_event",
        """\
        "redriveCount": 0,
        "redriveDate": None,
        "redriveStatus": "REDRIVABLE" if redrivable else "NOT_REDRIVABLE",
        "redriveStatusReason": (
            f"Execution is {status} and is redrivable" if redrivable
            else f"Execution is {status} and cannot be redriven"
        ),
""",
        """\
        "redriveCount": execution.get("redriveCount", 0),
        "redriveDate": _iso_to_epoch_ms(execution.get("redriveDate")),
        "redriveStatusReason": None,
        **_redrive_status(execution),
""",
    )
