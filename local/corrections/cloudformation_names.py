"""CloudFormation: names that exist or are generated, deletion protection, and permissions boundaries."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ministack.core.responses import AccountScopedDict, get_account_id, get_region
from ministack.services import (
    cloudwatch,
    cloudwatch_logs,
    cognito,
    dynamodb,
    eventbridge,
    iam,
    kms,
    lambda_svc,
    secretsmanager,
    sns,
    sqs,
    stepfunctions,
)
from ministack.services.cloudformation import provisioners, stacks

from corrections.accounts import in_account_of
from corrections.support import replace_text, wrap_function

Properties = dict[str, Any]
Created = tuple[str, dict[str, Any]]


def apply() -> None:
    cloudwatch._dashboards = global_names(cloudwatch._dashboards)
    wrap_function(stacks, "_provision_keeping_seed", refuse_taken_name)
    wrap_function(provisioners, "_cognito_user_pool_delete", refuse_protected_pool)
    make_up_names_by_region()
    wrap_function(provisioners, "_iam_role_create", create_bounded_role)
    wrap_function(provisioners, "_iam_role_update", update_bounded_role)


def global_names(found: Any) -> AccountScopedDict:
    """AmazonCloudWatch/latest/monitoring/CloudWatch_Dashboards: dashboards belong to an account, not to a region.
    MiniStack stores them by region."""
    if found:
        raise RuntimeError("MiniStack has dashboards before it starts")
    return AccountScopedDict()


def arn_of(service: str, resource: str) -> str:
    return f"arn:aws:{service}:{get_region()}:{get_account_id()}:{resource}"


def rule_exists(name: str, properties: Properties) -> bool:
    with in_account_of(properties.get("EventBusName") or ""):
        return eventbridge._rule_key(name, provisioners._eb_rule_bus_name(properties)) in eventbridge._rules


NAMED: dict[str, tuple[str, Callable[[str, Properties], bool]]] = {
    "AWS::CloudWatch::Alarm": ("AlarmName", lambda name, _: name in cloudwatch._alarms),
    "AWS::CloudWatch::Dashboard": ("DashboardName", lambda name, _: name in cloudwatch._dashboards),
    "AWS::DynamoDB::Table": ("TableName", lambda name, _: name in dynamodb._tables),
    "AWS::Events::Rule": ("Name", rule_exists),
    "AWS::KMS::Alias": ("AliasName", lambda name, _: kms._alias_arn(name) in kms._aliases),
    "AWS::Lambda::Function": ("FunctionName", lambda name, _: name in lambda_svc._functions),
    "AWS::Logs::LogGroup": ("LogGroupName", lambda name, _: name in cloudwatch_logs._log_groups),
    "AWS::SNS::Topic": ("TopicName", lambda name, _: arn_of("sns", name) in sns._topics),
    "AWS::SQS::Queue": ("QueueName", lambda name, _: name in sqs._queue_name_to_url),
    "AWS::SecretsManager::Secret": ("Name", lambda name, _: name in secretsmanager._secrets),
    "AWS::StepFunctions::StateMachine": (
        "StateMachineName",
        lambda name, _: arn_of("states", f"stateMachine:{name}") in stepfunctions._state_machines,
    ),
}
"""The name property of a type, and whether the name exists."""


def refuse_taken_name(
    original: Callable[..., Any], resource_type: str, logical_id: str, properties: Properties, *rest: Any
) -> Any:
    """cloudformation-cli/latest/userguide/resource-type-test-contract-errors (AlreadyExists): a resource is not created
    under an existing name. MiniStack adopts or replaces the existing resource for most types."""
    property_name, is_taken = NAMED.get(resource_type, ("", lambda *_: False))
    name = properties.get(property_name)
    if name and is_taken(name, properties):
        raise ValueError(
            f"Resource handler returned message: \"Resource of type '{resource_type}' with identifier '{name}' "
            'already exists." (HandlerErrorCode: AlreadyExists)'
        )
    return original(resource_type, logical_id, properties, *rest)


def refuse_protected_pool(original: Callable[..., None], pool_id: str, *rest: Any) -> None:
    """AWSCloudFormation/latest/UserGuide/aws-resource-cognito-userpool (DeletionProtection): a protected pool cannot be
    deleted, also not by a stack. MiniStack deletes it."""
    if cognito._user_pools.get(pool_id, {}).get("DeletionProtection") == "ACTIVE":
        raise ValueError(
            "The user pool cannot be deleted because deletion protection is activated. Deletion protection must be "
            "inactivated first."
        )
    original(pool_id, *rest)


def make_up_names_by_region() -> None:
    """AWSCloudFormation/latest/UserGuide/aws-properties-name: a generated name is unique. MiniStack generates the same
    names in each region, so a stack adopts the roles of the same stack in another region."""
    replace_text(
        provisioners, "_physical_name", "hashlib.sha256(key.encode())", 'hashlib.sha256(f"{key}:{get_region()}".encode())'
    )


def create_bounded_role(original: Callable[..., Created], logical_id: str, new: Properties, stack: str) -> Created:
    return bounded(original(logical_id, new, stack), new)


def update_bounded_role(
    original: Callable[..., Created], physical_id: str, old: Properties, new: Properties, *rest: Any
) -> Created:
    return bounded(original(physical_id, old, new, *rest), new)


def bounded(role: Created, properties: Properties) -> Created:
    """AWSCloudFormation/latest/UserGuide/aws-resource-iam-role (PermissionsBoundary). MiniStack ignores it."""
    iam._roles[role[0]]["PermissionsBoundary"] = properties.get("PermissionsBoundary")
    return role
