"""Step Functions: starting and describing an execution, and what its context object and its variables hold."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from ministack.core.responses import error_response_json, json_response
from ministack.services import stepfunctions

from corrections.iam import role_may
from corrections.support import replace_text, wrap_function

Record = dict[str, Any]
Response = tuple[int, dict[str, str], bytes]


def apply() -> None:
    start_soon()
    start_again_with_the_same_answer()
    wrap_function(stepfunctions, "_describe_execution", describe_what_there_is)
    complete_the_context()
    wrap_function(stepfunctions, "_error_matches", match_error)
    assign_at_once()
    for operation in ("_create_state_machine", "_update_state_machine"):
        wrap_function(stepfunctions, operation, ask_for_log_delivery)


LOG_DELIVERY = (
    "logs:CreateLogDelivery",
    "logs:DeleteLogDelivery",
    "logs:DescribeLogGroups",
    "logs:DescribeResourcePolicies",
    "logs:GetLogDelivery",
    "logs:ListLogDeliveries",
    "logs:PutResourcePolicy",
    "logs:UpdateLogDelivery",
)


def ask_for_log_delivery(original: Callable[[Record], Response], request: Record) -> Response:
    """step-functions/latest/dg/cw-logs (IAM policies): the role of a machine with a log needs the rights to set up its
    delivery, on all resources. MiniStack asks nobody."""
    machine = request.get("stateMachineArn", "*")
    role = request.get("roleArn") or stepfunctions._state_machines.get(machine, {}).get("roleArn", "")
    if (request.get("loggingConfiguration") or {}).get("level", "OFF") != "OFF":
        missing = [action for action in LOG_DELIVERY if not role_may("states.amazonaws.com", role, action, "*", machine)]
        if missing:
            message = "The state machine IAM Role is not authorized to access the Log Destination"
            return error_response_json("AccessDeniedException", message, 400)
    return original(request)


def start_soon() -> None:
    """On AWS an execution and who started it do not run on the same processors.

    MiniStack lets each execution wait for 150 ms. Without any pause its first steps keep the answer waiting, by
    5 ms of a POST's 20 here.
    """
    replace_text(stepfunctions, "_run_execution", "    time.sleep(0.15)\n", "    time.sleep(0.003)\n")


def start_again_with_the_same_answer() -> None:
    """step-functions/latest/apireference/API_StartExecution: for a running execution of the same name and input the
    answer is that of the first call. MiniStack answers ExecutionAlreadyExists."""
    replace_text(
        stepfunctions,
        "_start_execution",
        "    # Reject duplicate execution names\n",
        """\
    same = _executions.get(exec_arn)
    if same and same["status"] == "RUNNING" and same["input"] == data.get("input", "{}"):
        return json_response({"executionArn": exec_arn, "startDate": same["startDate"]})
""",
    )


def describe_what_there_is(original: Callable[[Record], Response], request: Record) -> Response:
    """step-functions/latest/apireference/API_DescribeExecution: what there is not yet is left out, and outputDetails
    belongs to an output. MiniStack answers with nulls."""
    status, headers, body = original(request)
    if status != 200:
        return status, headers, body
    fields = {name: value for name, value in json.loads(body).items() if value is not None}
    if "output" not in fields:
        del fields["outputDetails"]
    return json_response(fields)


def complete_the_context() -> None:
    """step-functions/latest/dg/input-output-contextobject: Execution.RoleArn, and RedriveCount and RedriveTime
    of an execution that may have been redriven."""
    replace_text(
        stepfunctions,
        "_run_execution",
        '"StartTime": execution["startDate"],\n',
        '"StartTime": execution["startDate"],\n'
        '            "RoleArn": sm["roleArn"],\n'
        '            "RedriveCount": execution.get("redriveCount", 0),\n'
        '            **({"RedriveTime": execution["redriveDate"]} if "redriveDate" in execution else {}),\n',
    )


def match_error(original: Callable[[list[str], str], bool], error_equals: list[str], error: str) -> bool:
    """step-functions/latest/dg/concepts-error-handling: States.Runtime is never retried or caught.

    For MiniStack States.ALL and States.TaskFailed match it.
    """
    return error != "States.Runtime" and original(error_equals, error)


def assign_at_once() -> None:
    """step-functions/latest/dg/workflow-variables: all of Assign is evaluated with the values from before it.

    In MiniStack an assignment sees those before it.
    """
    replace_text(
        stepfunctions,
        "_apply_state_assign",
        """\
    for name, template in assign.items():
        variables[name] = _apply_jsonata_template(
            template, raw_input, ctx,
            result=result, error_output=error_output,
        )
""",
        """\
    variables.update({
        name: _apply_jsonata_template(template, raw_input, ctx, result=result, error_output=error_output)
        for name, template in assign.items()
    })
""",
    )
