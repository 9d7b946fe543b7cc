"""Responses omit members that AWS's service models do not allow; test/models found them in recorded responses.

MiniStack returns an empty string where AWS omits a member, and has a few members and values of its own.
"""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable
from typing import Any

from ministack.core.responses import new_uuid
from ministack.services import cloudwatch, cloudwatch_logs, cognito, eventbridge, lambda_svc, stepfunctions
from ministack.services.cloudformation import changesets, provisioners

from corrections.support import replace_text, wrap_function

Record = dict[str, Any]
Response = tuple[int, dict[str, str], bytes]


def apply() -> None:
    wrap_function(cognito, "_group_out", without_empty)
    wrap_function(cognito, "_pool_out", without_empty)
    wrap_function(cloudwatch_logs, "_format_resource_policy", without_empty)
    wrap_function(cloudwatch, "_json_ok", without_null)
    for operation in ("_create_user_pool_client", "_describe_user_pool_client", "_update_user_pool_client"):
        wrap_function(cognito, operation, answer_without_empty)
    wrap_function(provisioners, "_cognito_user_pool_client_create", name_the_client)
    wrap_function(eventbridge, "_describe_archive", without_kept_events)
    wrap_function(stepfunctions, "_list_executions", without_ends_to_come)
    wrap_function(lambda_svc, "handle_request", states_of_functions)
    replace_text(
        changesets,
        "_describe_change_set",
        """        f"<ChangeSetType>{cs.get('ChangeSetType', '')}</ChangeSetType>"\n""",
        "",
    )


def given(record: Record) -> Record:
    return {name: value for name, value in record.items() if value not in ("", None)}


def without_empty(original: Callable[..., Record], *args: Any) -> Record:
    """cognito-user-identity-pools/latest/APIReference/API_GroupType: RoleArn has at least 20 characters;
    API_UserPoolType: SmsAuthenticationMessage has six, Domain one; AmazonCloudWatchLogs/latest/APIReference/API_ResourcePolicy:
    a policy of the account has no resourceArn."""
    return given(original(*args))


def without_null(original: Callable[..., Response], data: Record) -> Response:
    """AmazonCloudWatch/latest/APIReference/API_MetricAlarm: an alarm has either Statistic or ExtendedStatistic."""
    return original(cloudwatch._cbor_strip_none(data))


def answer_without_empty(original: Callable[..., Response], *args: Any) -> Response:
    """cognito-user-identity-pools/latest/APIReference/API_UserPoolClientType: DefaultRedirectURI has at least one."""
    status, headers, body = original(*args)
    answer = json.loads(body)
    if "UserPoolClient" in answer:
        answer["UserPoolClient"] = given(answer["UserPoolClient"])
    return status, headers, json.dumps(answer).encode()


def without_kept_events(original: Callable[..., Response], *args: Any) -> Response:
    """eventbridge/latest/APIReference/API_DescribeArchive: the response does not contain the events of the archive."""
    status, headers, body = original(*args)
    answer = {name: value for name, value in json.loads(body).items() if name != "Events"}
    return status, headers, json.dumps(answer).encode()


def without_ends_to_come(original: Callable[..., Response], *args: Any) -> Response:
    """step-functions/latest/apireference/API_ExecutionListItem: a running execution has no stopDate."""
    status, headers, body = original(*args)
    answer = json.loads(body)
    if "executions" in answer:
        answer["executions"] = [given(execution) for execution in answer["executions"]]
    return status, headers, json.dumps(answer).encode()


def name_the_client(original: Callable[..., Any], logical_id: str, props: Record, stack_name: str) -> Any:
    """CloudFormation generates the name of a client without a name in its template
    (AWSCloudFormation/latest/TemplateReference/aws-resource-cognito-userpoolclient, ClientName)."""
    name = props.get("ClientName") or f"{logical_id}-{new_uuid().replace('-', '')[:12]}"
    return original(logical_id, {**props, "ClientName": name}, stack_name)


async def states_of_functions(
    original: Callable[..., Awaitable[Response]], method: str, path: str, *args: Any
) -> Response:
    """lambda/latest/dg/functions-states: a function stays Active during an update, and LastUpdateStatus has the
    progress; a state without a reason omits it (lambda/latest/api/API_GetFunctionConfiguration)."""
    status, headers, body = await original(method, path, *args)
    if "/functions" not in path or path.endswith(("/invocations", "/invoke-async")) or b"ReasonCode" not in body:
        return status, headers, body
    return status, headers, json.dumps(states_in(json.loads(body))).encode()


REASONS = ("StateReason", "StateReasonCode", "LastUpdateStatusReason", "LastUpdateStatusReasonCode")


def states_in(value: Any) -> Any:
    if isinstance(value, list):
        return [states_in(one) for one in value]
    if not isinstance(value, dict):
        return value
    record = {name: states_in(one) for name, one in value.items() if not (name in REASONS and one == "")}
    if record.get("StateReasonCode") == "Updating":
        record["State"] = "Active"
        del record["StateReasonCode"]
        record.pop("StateReason", None)
    return record
