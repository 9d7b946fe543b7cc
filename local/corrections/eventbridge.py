"""EventBridge: targets require permissions, CloudWatch Logs is a target, buses have resource policies."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import Any

from ministack.core import iam_actions, iam_evaluator
from ministack.core.arn import parse_arn
from ministack.core.responses import get_account_id, json_response, new_uuid
from ministack.services import cloudwatch_logs, eventbridge, lambda_svc, sns, sqs

from corrections.iam import role_may, service_may
from corrections.support import replace_text, wrap_function

Response = tuple[int, dict[str, str], bytes]

SERVICE = "events.amazonaws.com"

# The permission of a rule on its target, which the target's policy grants ...
BY_RESOURCE_POLICY: dict[str, tuple[str, Callable[[str], tuple[Any, str] | None]]] = {
    "lambda": ("lambda:InvokeFunction", lambda_svc.function_policy_for_arn),
    "sqs": ("sqs:SendMessage", sqs.queue_policy_for_arn),
    "sns": ("sns:Publish", sns.topic_policy_for_arn),
}
# ... or which the role of the target grants.
BY_ROLE = {
    "stateMachine": "states:StartExecution",
    "event-bus": "events:PutEvents",
    "api-destination": "events:InvokeApiDestination",
}

LOG_ACTIONS = ("logs:CreateLogStream", "logs:PutLogEvents")


class NotDelivered(Exception):
    """An event did not reach a target; the code is one of eventbridge/latest/userguide/eb-rule-dlq."""

    def __init__(self, code: str, message: str, may_pass: bool = False) -> None:
        super().__init__(f"{code}: {message}")
        self.code = code
        self.message = message
        self.may_pass = may_pass
        """Whether a retry can succeed."""


def apply() -> None:
    deliver_to_log_groups()
    call_functions_again()
    replay_to_named_rules()
    wrap_function(eventbridge, "_invoke_target", invoke_the_target)
    eventbridge.bus_policy_for_arn = bus_policy_for_arn
    iam_evaluator._RESOURCE_POLICY_LOOKUPS["events"] = ("eventbridge", "bus_policy_for_arn")
    wrap_function(eventbridge, "_put_permission", put_whole_policy)
    wrap_function(iam_actions, "extract_resource_arn", name_the_bus)
    wrap_function(eventbridge, "_describe_event_bus", describe_by_arn)
    wrap_function(iam_actions, "request_tag_context", add_event_keys)


def deliver_to_log_groups() -> None:
    """eventbridge/latest/userguide/eb-targets: a CloudWatch Logs log group is a target. MiniStack ignores its events."""
    eventbridge._dispatch_to_logs = write_to_log_group
    replace_text(
        eventbridge,
        "_invoke_target",
        'elif spec.service == "lambda":',
        'elif spec.service == "logs":\n'
        "            _dispatch_to_logs(arn, event_payload)\n"
        '        elif spec.service == "lambda":',
    )


def call_functions_again() -> None:
    """lambda/latest/dg/invocation-async-error-handling: EventBridge invokes a function asynchronously, and Lambda
    retries a failure twice. MiniStack invokes it once; for other callers it has the retries."""
    replace_text(
        eventbridge,
        "_dispatch_to_lambda",
        """\
    threading.Thread(
        target=lambda_svc._execute_function_with_config_scope, args=(exec_record, event), daemon=True
    ).start()
""",
        "    lambda_svc.invoke_async_with_retry(exec_record, event)\n",
    )


def replay_to_named_rules() -> None:
    """eventbridge/latest/APIReference/API_ReplayDestination: FilterArns contains the rules of a replay.

    MiniStack replays to all rules.
    """
    replace_text(
        eventbridge,
        "_start_replay",
        "                _dispatch_event(replayed)\n",
        '                replayed["_FilterArns"] = dest.get("FilterArns")\n                _dispatch_event(replayed)\n',
    )
    replace_text(
        eventbridge,
        "_dispatch_event",
        'if rule.get("State") != "ENABLED":',
        'if rule.get("State") != "ENABLED" or rule["Arn"] not in (event.get("_FilterArns") or [rule["Arn"]]):',
    )


def write_to_log_group(arn: str, message: str) -> None:
    """Each event gets a log stream of its own, as on AWS."""
    place = {"logGroupName": log_group_name(arn), "logStreamName": new_uuid()}
    for call in (
        lambda: cloudwatch_logs._create_log_stream(place),
        lambda: cloudwatch_logs._put_log_events({**place, "logEvents": [{"message": message}]}),
    ):
        status, _, body = call()
        if status != 200:
            raise ValueError(body)


def log_group_name(arn: str) -> str:
    return parse_arn(arn).resource.removeprefix("log-group:").removesuffix(":*")


def invoke_the_target(
    original: Callable[..., None],
    target: dict[str, Any],
    event: dict[str, Any],
    rule: dict[str, Any],
    view: Any = None,
) -> None:
    """eventbridge/latest/userguide/eb-use-resource-based and eb-use-identity-based: a rule reaches a target only if the
    target's policy or role allows it. MiniStack checks no permission."""
    if not is_rule(rule):  # a schedule of EventBridge Scheduler
        original(target, event, rule, view)
    elif not may_be_called(target, rule["Arn"], event):
        raise NotDelivered("NO_PERMISSIONS", f"{rule['Arn']} is not authorized to call {target['Arn']}.")
    else:
        original(target, event, rule, view)


def is_rule(rule: dict[str, Any]) -> bool:
    return ":rule/" in rule["Arn"]


def may_be_called(target: dict[str, Any], rule_arn: str, event: dict[str, Any]) -> bool:
    arn = target["Arn"]
    spec = parse_arn(arn)
    if spec.service in BY_RESOURCE_POLICY:
        action, policy_of = BY_RESOURCE_POLICY[spec.service]
        policy, _ = policy_of(arn) or (None, "")
        return service_may(SERVICE, action, arn, policy, rule_arn)
    if spec.service == "logs":
        return all(logs_let(action, arn, rule_arn) for action in LOG_ACTIONS)
    kind = re.split("[:/]", spec.resource)[0]
    keys = event_keys([event], by_rule=True) if kind == "event-bus" else {}
    return kind not in BY_ROLE or role_may(SERVICE, target.get("RoleArn", ""), BY_ROLE[kind], arn, rule_arn, keys)


def logs_let(action: str, arn: str, rule_arn: str) -> bool:
    """AmazonCloudWatchLogs/latest/APIReference/API_PutResourcePolicy: CloudWatch Logs has policies of an account and
    region, each for any log group, and one per log group (resourceArn)."""
    stream_arn = f"{arn.removesuffix(':*')}:log-stream:*"
    own = cloudwatch_logs._log_group_policies.get(log_group_name(arn))
    policies = [*cloudwatch_logs._resource_policies.values(), *([own] if own else [])]
    documents = [policy["policyDocument"] for policy in policies]
    return any(service_may(SERVICE, action, stream_arn, document, rule_arn) for document in documents)


def add_event_keys(
    original: Callable[..., dict[str, Any]], service: str, action: str, body: bytes, *rest: Any
) -> dict[str, Any]:
    """eventbridge/latest/userguide/eb-use-conditions: events:source, events:detail-type and events:eventBusInvocation
    are condition keys of PutEvents. MiniStack does not support them, so a policy with such a condition never matches."""
    context = original(service, action, body, *rest)
    if action != "events:PutEvents":
        return context
    return {**context, **event_keys(json.loads(body or b"{}").get("Entries", []), by_rule=False)}


def event_keys(entries: list[dict[str, Any]], by_rule: bool) -> dict[str, Any]:
    """A request can contain events of several sources and types, so these keys have several values."""
    given = {
        "events:source": [entry["Source"] for entry in entries if "Source" in entry],
        "events:detail-type": [entry["DetailType"] for entry in entries if "DetailType" in entry],
    }
    present = {key: values for key, values in given.items() if values}
    return {**present, "events:eventBusInvocation": str(by_rule).lower()}


def bus_policy_for_arn(arn: str) -> tuple[Any, str] | None:
    """eventbridge/latest/userguide/eb-event-bus-perms: the bus's policy is part of every authorization, also of those
    for its rules.

    MiniStack only stores it. Returns the bus's policy and owner; None if the bus does not exist.
    """
    kind, *names = arn.rpartition(":")[2].split("/")
    name = names[0] if kind == "event-bus" or len(names) > 1 else "default"
    if name not in eventbridge._event_buses:
        return None
    return eventbridge._event_bus_policies.get(name), get_account_id()


def name_the_bus(
    original: Callable[..., str],
    service: str,
    method: str,
    path: str,
    headers: dict[str, str],
    body: bytes,
    query: dict[str, Any],
    region: str,
    account: str,
) -> str:
    """service-authorization/latest/reference/list_amazoneventbridge: DescribeEventBus and similar actions apply to a
    bus.

    MiniStack treats the name as that of a rule of the default bus.
    """
    if service == "events" and headers.get("x-amz-target", "").endswith("EventBus"):
        name = json.loads(body or b"{}").get("Name", "default")
        return name if name.startswith("arn:") else f"arn:aws:events:{region}:{account}:event-bus/{name}"
    return original(service, method, path, headers, body, query, region, account)


def describe_by_arn(original: Callable[[dict[str, Any]], Response], request: dict[str, Any]) -> Response:
    """eventbridge/latest/APIReference/API_DescribeEventBus: Name is the name or the ARN. MiniStack supports names only."""
    name = request.get("Name", "default")
    return original({**request, "Name": name.rpartition(":event-bus/")[2] or name})


def put_whole_policy(original: Callable[[dict[str, Any]], Response], request: dict[str, Any]) -> Response:
    """eventbridge/latest/APIReference/API_PutPermission: Policy replaces the whole policy. MiniStack ignores it."""
    if "Policy" not in request:
        return original(request)
    eventbridge._event_bus_policies[request.get("EventBusName", "default")] = json.loads(request["Policy"])
    return json_response({})
