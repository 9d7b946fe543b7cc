"""EventBridge: rules on buses of other accounts, and events for them."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

from ministack.core import iam_actions, iam_evaluator
from ministack.core.responses import get_account_id, get_region, json_response
from ministack.services import eventbridge
from ministack.services.cloudformation import provisioners

from corrections.accounts import in_account_of, is_foreign, owner_of
from corrections.support import replace_text, wrap_function

Fields = dict[str, Any]
Response = tuple[int, dict[str, str], bytes]
Created = tuple[str, dict[str, Any]]

RULE_NAMES = {
    "PutRule": "Name",
    "DeleteRule": "Name",
    "DescribeRule": "Name",
    "EnableRule": "Name",
    "DisableRule": "Name",
    "PutTargets": "Rule",
    "RemoveTargets": "Rule",
    "ListTargetsByRule": "Rule",
}
"""The operations about a rule, and the field with its name."""

caller: ContextVar[str | None] = ContextVar("caller", default=None)
"""The account of a request for a resource of another account."""


def apply() -> None:
    wrap_function(iam_actions, "extract_resource_arn", name_the_resource)
    wrap_function(iam_actions, "request_tag_context", add_rule_keys)
    wrap_function(eventbridge, "handle_request", act_in_account_of_the_bus)
    wrap_function(eventbridge, "_put_events", put_on_each_bus)
    wrap_function(eventbridge, "_dispatch_to_event_bus", forward_to_another_account)
    keep_accounts()
    wrap_function(provisioners, "_eb_rule_bus_name", name_bus_of_any_account)
    wrap_function(provisioners, "_eb_rule_create", create_rule)
    wrap_function(provisioners, "_eb_rule_update", update_rule)
    wrap_function(provisioners, "_eb_rule_delete", delete_rule)


def calling_account() -> str:
    return caller.get() or get_account_id()


@contextmanager
def acting_in_account_of(arn: str) -> Iterator[None]:
    """As `in_account_of`, and `calling_account` remains that of the caller."""
    token = caller.set(get_account_id()) if is_foreign(arn) else None
    try:
        with in_account_of(arn):
            yield
    finally:
        if token is not None:
            caller.reset(token)


def rule_arn(bus: str, name: str) -> str:
    """service-authorization/latest/reference/list_amazoneventbridge: the ARN of a rule contains its bus, except the
    default bus. The bus is given by its name or its ARN."""
    with in_account_of(bus):
        return eventbridge._rule_arn(name, bus.rpartition("/")[2])


def resource_of(operation: str, request: Fields) -> str | None:
    """The ARN of the rule or of the tagged resource that a request is about."""
    if operation in RULE_NAMES:
        return rule_arn(request.get("EventBusName") or "default", request.get(RULE_NAMES[operation]) or "")
    return request.get("ResourceARN")


def name_the_resource(
    original: Callable[..., str], service: str, method: str, path: str, headers: dict[str, str], body: bytes, *rest: Any
) -> str:
    """service-authorization/latest/reference/list_amazoneventbridge: operations on rules and targets apply to the rule.

    MiniStack ignores the rule of PutTargets, and supports no ARN of a bus.
    """
    if service == "events":
        resource = resource_of(headers.get("x-amz-target", "").rpartition(".")[2], parse(body))
        if resource:
            return resource
    return original(service, method, path, headers, body, *rest)


def add_rule_keys(
    original: Callable[..., Fields], service: str, action: str, body: bytes, *rest: Any
) -> Fields:
    context = original(service, action, body, *rest)
    return {**context, **rule_keys(action.rpartition(":")[2], parse(body))} if service == "events" else context


def rule_keys(operation: str, request: Fields) -> Fields:
    """eventbridge/latest/userguide/eb-use-conditions: events:source and events:detail-type of the pattern,
    events:TargetArn, and events:creatorAccount, which an existing rule has. MiniStack does not support them."""
    keys: Fields = {}
    if operation == "PutRule":
        pattern = parse(str(request.get("EventPattern") or "{}").encode())
        for field, key in (("source", "events:source"), ("detail-type", "events:detail-type")):
            if pattern.get(field):
                keys[key] = [value if isinstance(value, str) else json.dumps(value) for value in pattern[field]]
    if operation == "PutTargets":
        keys["events:TargetArn"] = [target.get("Arn", "") for target in request.get("Targets", [])]
    creator = creator_of(resource_of(operation, request) or "")
    return {**keys, "events:creatorAccount": creator} if creator else keys


def creator_of(arn: str) -> str | None:
    """The account that created a rule; None if there is no such rule."""
    if ":rule/" not in arn:
        return None
    with in_account_of(arn):
        rule = next((rule for rule in eventbridge._rules.values() if rule["Arn"] == arn), None)
    return (rule.get("CreatedBy") or owner_of(arn)) if rule else None


async def act_in_account_of_the_bus(
    original: Callable[..., Awaitable[Response]],
    method: str,
    path: str,
    headers: dict[str, str],
    body: bytes,
    *rest: Any,
) -> Response:
    """eventbridge/latest/userguide/eb-event-bus-perms: operations that accept the name of a bus accept its ARN, also
    that of another account. MiniStack finds the caller's own buses only."""
    request = parse(body)
    resource = request.get("EventBusName") or request.get("ResourceARN") or request.get("Name") or ""
    with acting_in_account_of(resource):
        return await original(method, path, headers, body, *rest)


def keep_accounts() -> None:
    """eventbridge/latest/apireference/API_DescribeRule (CreatedBy): the account that created the rule.
    eventbridge/latest/userguide/eb-events-structure (account): the account that has sent the event."""
    eventbridge._calling_account = calling_account
    replace_text(
        eventbridge,
        "_put_rule",
        '"CreatedBy": get_account_id(),',
        '"CreatedBy": existing.get("CreatedBy") or _calling_account(),',
    )
    # eventbridge/latest/apireference/API_Rule: the rules of ListRules have no CreatedBy.
    replace_text(
        eventbridge,
        "_list_rules",
        "rules.append(_rule_out(r))",
        'rules.append({field: value for field, value in _rule_out(r).items() if field != "CreatedBy"})',
    )
    replace_text(eventbridge, "_put_events", '"Account": get_account_id(),', '"Account": _calling_account(),')


def put_on_each_bus(
    original: Callable[..., Response], request: Fields, *rest: Any, **options: Any
) -> Response:
    """eventbridge/latest/apireference/API_PutEventsRequestEntry (EventBusName): the name of a bus or its ARN, also
    that of another account. MiniStack finds the caller's own buses only."""
    entries = request.get("Entries", [])
    if not any(is_foreign(entry.get("EventBusName") or "") for entry in entries):
        return original(request, *rest, **options)
    results = []
    for entry in entries:
        with acting_in_account_of(entry.get("EventBusName") or ""):
            status, headers, body = original({**request, "Entries": [entry]}, *rest, **options)
        if status != 200:
            return status, headers, body
        results += json.loads(body)["Entries"]
    return json_response({"FailedEntryCount": sum("ErrorCode" in one for one in results), "Entries": results})


def forward_to_another_account(original: Callable[..., None], spec: Any, *rest: Any) -> None:
    """eventbridge/latest/userguide/eb-cross-account: a bus of another account is a target. MiniStack drops the
    event."""
    with in_account_of(str(spec)):
        original(spec, *rest)


def name_bus_of_any_account(original: Callable[[Fields], str], properties: Fields) -> str:
    with in_account_of(properties.get("EventBusName") or ""):
        return original(properties)


def create_rule(original: Callable[..., Created], logical_id: str, new: Fields, stack: str) -> Created:
    """AWSCloudFormation/latest/UserGuide/aws-resource-events-rule (EventBusName): the name of a bus or its ARN, also
    that of another account, whose policy has to allow what CloudFormation does for the account of the stack.
    MiniStack finds the buses of that account only."""
    bus = new.get("EventBusName") or "default"
    authorize("PutRule", bus, new)
    with acting_in_account_of(bus):
        name, attributes = original(logical_id, new, stack)
        eventbridge._rules[eventbridge._rule_key(name, bus.rpartition("/")[2])]["CreatedBy"] = calling_account()
    for operation in ("DescribeRule", "PutTargets"):
        authorize(operation, bus, {**new, "Name": name})
    return name, attributes


def update_rule(
    original: Callable[..., Created], name: str, old: Fields, new: Fields, *rest: Any, **options: Any
) -> Created:
    bus = new.get("EventBusName") or "default"
    for operation in ("PutRule", "PutTargets", "RemoveTargets"):
        authorize(operation, bus, {**new, "Name": name})
    with acting_in_account_of(bus):
        return original(name, old, new, *rest, **options)


def delete_rule(original: Callable[..., None], name: str, properties: Fields) -> None:
    bus = properties.get("EventBusName") or "default"
    for operation in ("RemoveTargets", "DeleteRule"):
        authorize(operation, bus, {**properties, "Name": name})
    with in_account_of(bus):
        original(name, properties)


def authorize(operation: str, bus: str, properties: Fields) -> None:
    """CloudFormation acts with the permissions of its role, here those of an administrator. For a bus of another
    account, the policy of the bus is decisive."""
    if not is_foreign(bus):
        return
    pattern = properties.get("EventPattern") or {}
    request = {
        "EventBusName": bus,
        RULE_NAMES[operation]: properties.get("Name"),
        "EventPattern": pattern if isinstance(pattern, str) else json.dumps(pattern),
        "Targets": properties.get("Targets") or [],
    }
    arn = resource_of(operation, request) or ""
    context = iam_evaluator.EvalContext(
        principal_arn=f"arn:aws:iam::{get_account_id()}:root",
        principal_type="Root",
        principal_account=get_account_id(),
        action=f"events:{operation}",
        resource_arn=arn,
        region=get_region(),
        service_context={key.lower(): value for key, value in rule_keys(operation, request).items()},
    )
    policy, owner = iam_evaluator._resource_policy("events", arn) or (None, owner_of(arn))
    allowed = iam_evaluator.EvalResult("Allow", context.principal_arn)
    if iam_evaluator.combine_resource_policy(allowed, context, policy, owner).decision != "Allow":
        raise ValueError(
            f"User: {context.principal_arn} is not authorized to perform: events:{operation} on resource: {arn} "
            "because no resource-based policy allows the action (Service: EventBridge, Status Code: 400)"
        )


def parse(body: bytes) -> Fields:
    """The request's fields; empty if it is no JSON object, which MiniStack then rejects itself."""
    try:
        found = json.loads(body or b"{}")
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}
