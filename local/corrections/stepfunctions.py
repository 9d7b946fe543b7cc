"""Step Functions: starting and describing an execution."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from ministack.core.responses import error_response_json, json_response
from ministack.services import cloudwatch_logs, stepfunctions

from corrections.iam import role_may
from corrections.support import replace_text, wrap_function

Record = dict[str, Any]
Response = tuple[int, dict[str, str], bytes]


def apply() -> None:
    start_again_with_the_same_answer()
    wrap_function(stepfunctions, "_describe_execution", describe_what_there_is)
    wrap_function(stepfunctions, "_error_matches", match_error)
    for operation in ("_create_state_machine", "_update_state_machine"):
        wrap_function(stepfunctions, operation, check_log_delivery_permission)
        wrap_function(stepfunctions, operation, check_log_destination)
    for operation, field in TAKES_ARN.items():
        wrap_function(stepfunctions, operation, refuse_other_text(field))
    wrap_function(stepfunctions, "_start_sync_execution", run_only_express)


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


def check_log_delivery_permission(original: Callable[[Record], Response], request: Record) -> Response:
    """step-functions/latest/dg/cw-logs (IAM policies): the role of a state machine with a log needs the permissions to
    set up its delivery, on all resources. MiniStack checks no permission."""
    machine = request.get("stateMachineArn", "*")
    role = request.get("roleArn") or stepfunctions._state_machines.get(machine, {}).get("roleArn", "")
    if (request.get("loggingConfiguration") or {}).get("level", "OFF") != "OFF":
        missing = [action for action in LOG_DELIVERY if not role_may("states.amazonaws.com", role, action, "*", machine)]
        if missing:
            message = "The state machine IAM Role is not authorized to access the Log Destination"
            return error_response_json("AccessDeniedException", message, 400)
    return original(request)


def start_again_with_the_same_answer() -> None:
    """step-functions/latest/apireference/API_StartExecution: for a running execution with the same name and input the
    response is that of the first call. MiniStack returns ExecutionAlreadyExists."""
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
    """step-functions/latest/apireference/API_DescribeExecution: fields without a value are omitted, and outputDetails
    belongs to an output. MiniStack returns nulls."""
    status, headers, body = original(request)
    if status != 200:
        return status, headers, body
    fields = {name: value for name, value in json.loads(body).items() if value is not None}
    if "output" not in fields:
        del fields["outputDetails"]
    return json_response(fields)


def match_error(original: Callable[[list[str], str], bool], error_equals: list[str], error: str) -> bool:
    """step-functions/latest/dg/concepts-error-handling: States.Runtime is never retried or caught.

    In MiniStack States.ALL and States.TaskFailed match it.
    """
    return error != "States.Runtime" and original(error_equals, error)


def check_log_destination(original: Callable[[Record], Response], request: Record) -> Response:
    """step-functions/latest/apireference/API_LoggingConfiguration: one existing log group
    [test_invalid_logging_configuration, test_deleted_log_group]. MiniStack accepts any configuration."""
    logging = request.get("loggingConfiguration")
    if logging is not None:
        logging = {"level": "OFF", "includeExecutionData": False, **logging}  # [test_incomplete_logging_configuration]
        request = {**request, "loggingConfiguration": logging}
        groups = [
            group.get("cloudWatchLogsLogGroup", {}).get("logGroupArn", "") for group in logging.get("destinations", [])
        ]
        if len(groups) > 1 or not groups and logging["level"] != "OFF" or groups and not groups[0]:
            return refuse_logging("Must specify exactly one Log Destination.")
        names = [arn.partition(":log-group:")[2].removesuffix(":*") for arn in groups]
        if any(name not in cloudwatch_logs._log_groups for name in names):
            return refuse_logging("Log Destination not found.")
    return original(request)


def refuse_logging(problem: str) -> Response:
    return error_response_json("InvalidLoggingConfiguration", f"Invalid Logging Configuration: {problem}", 400)


TAKES_ARN = {
    "_describe_state_machine": "stateMachineArn",
    "_describe_execution": "executionArn",
    "_get_execution_history": "executionArn",
    "_list_executions": "stateMachineArn",
}


def refuse_other_text(field: str) -> Callable[..., Response]:
    """[test_describe_invalid_arn_sm, test_describe_execution_invalid_arn]"""

    def refuse(original: Callable[[Record], Response], request: Record) -> Response:
        arn = request.get(field)
        if arn is not None and not arn.startswith("arn:"):
            return error_response_json("InvalidArn", f"Invalid Arn: 'Invalid ARN prefix: {arn}'", 400)
        return original(request)

    return refuse


def run_only_express(original: Callable[[Record], Response], request: Record) -> Response:
    """step-functions/latest/apireference/API_StartSyncExecution (StateMachineTypeNotSupported)
    [test_start_sync_execution]. MiniStack runs every type."""
    machine = stepfunctions._state_machines.get(request.get("stateMachineArn", "").partition("#")[0])
    if machine is not None and machine["type"] != "EXPRESS":
        message = "This operation is not supported by this type of state machine"
        return error_response_json("StateMachineTypeNotSupported", message, 400)
    return original(request)
