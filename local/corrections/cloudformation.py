"""CloudFormation: resource types and attributes that MiniStack lacks; DescribeStacks that waits for a stack operation."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Awaitable, Callable
from typing import Any
from urllib.parse import parse_qs

from ministack import app
from ministack.services import apigateway_v1, cloudformation, eventbridge, lambda_svc, secretsmanager, sns
from ministack.services.cloudformation import provisioners

from corrections.support import replace_text, wrap_function

Properties = dict[str, Any]
Created = tuple[str, dict[str, Any]]
Response = tuple[int, dict[str, str], bytes]


def apply() -> None:
    add_type("AWS::Events::Archive", create_archive, update_archive, delete_archive)
    add_type("AWS::Events::EventBusPolicy", put_bus_policy, update_bus_policy, delete_bus_policy)
    add_type("AWS::SecretsManager::ResourcePolicy", put_secret_policy, update_secret_policy, delete_secret_policy)
    provisioners._REPLACING_PROPERTIES["AWS::Events::Archive"] = ("ArchiveName", "SourceArn")
    provisioners._REPLACING_PROPERTIES["AWS::SecretsManager::ResourcePolicy"] = ("SecretId",)
    refer_to_secrets_by_arn()
    return_provider_url()
    wrap_function(provisioners, "_sm_secret_string", generate_secret_string)
    make_request_validators()
    wrap_function(provisioners, "_sfn_state_machine_create", create_state_machine)
    wrap_function(provisioners, "_sfn_state_machine_update", update_state_machine)
    set_access_logs()
    set_dead_letter_queues()
    for operation in ("_sns_create", "_sns_update"):
        wrap_function(provisioners, operation, set_key_of_topic)
    wrap_function(cloudformation, "handle_request", answer_when_settled)
    wrap_function(app, "_handle_post_body_shortcuts", refuse_content_type)


def add_type(
    name: str, create: Callable[..., Created], update: Callable[..., Created], delete: Callable[..., None]
) -> None:
    if name in provisioners._RESOURCE_HANDLERS:
        raise RuntimeError(f"MiniStack has {name} already")
    provisioners._RESOURCE_HANDLERS[name] = {"create": create, "update": update, "delete": delete}


def create_archive(logical_id: str, properties: Properties, stack: str) -> Created:
    """AWSCloudFormation/latest/UserGuide/aws-resource-events-archive. MiniStack does not support the type."""
    name = properties.get("ArchiveName") or provisioners._physical_name(stack, logical_id, max_len=48)
    request = {**archive_request(name, properties), "EventSourceArn": properties["SourceArn"]}
    return name, {"ArchiveName": name, "Arn": succeed(eventbridge._create_archive(request))["ArchiveArn"]}


def update_archive(name: str, _old: Properties, new: Properties, _stack: str) -> Created:
    answer = succeed(eventbridge._update_archive(archive_request(name, new)))
    return name, {"ArchiveName": name, "Arn": answer["ArchiveArn"]}


def delete_archive(name: str, _properties: Properties) -> None:
    if name in eventbridge._archives:
        succeed(eventbridge._delete_archive({"ArchiveName": name}))


def archive_request(name: str, properties: Properties) -> Properties:
    pattern = properties.get("EventPattern")
    return {
        "ArchiveName": name,
        "Description": properties.get("Description", ""),
        "EventPattern": json.dumps(pattern) if pattern else "",
        "RetentionDays": int(properties.get("RetentionDays", 0)),
    }


def put_bus_policy(logical_id: str, properties: Properties, stack: str) -> Created:
    """AWSCloudFormation/latest/UserGuide/aws-resource-events-eventbuspolicy. MiniStack does not support the type."""
    bus, statement_id = properties.get("EventBusName", "default"), properties["StatementId"]
    statement = {**properties.get("Statement", {}), "Sid": statement_id}
    others = [other for other in bus_statements(bus) if other.get("Sid") != statement_id]
    set_bus_statements(bus, [*others, statement])
    return f"{stack}-{logical_id}-{statement_id}", {}


def update_bus_policy(physical_id: str, old: Properties, new: Properties, stack: str) -> Created:
    delete_bus_policy(physical_id, old)
    put_bus_policy(physical_id, new, stack)
    return physical_id, {}


def delete_bus_policy(_physical_id: str, properties: Properties) -> None:
    bus = properties.get("EventBusName", "default")
    statements = [other for other in bus_statements(bus) if other.get("Sid") != properties["StatementId"]]
    set_bus_statements(bus, statements)


def bus_statements(bus: str) -> list[Properties]:
    return eventbridge._event_bus_policies.get(bus, {}).get("Statement", [])


def set_bus_statements(bus: str, statements: list[Properties]) -> None:
    if statements:
        eventbridge._event_bus_policies[bus] = {"Version": "2012-10-17", "Statement": statements}
    else:
        eventbridge._event_bus_policies.pop(bus, None)


def put_secret_policy(_logical_id: str, properties: Properties, _stack: str) -> Created:
    """AWSCloudFormation/latest/UserGuide/aws-resource-secretsmanager-resourcepolicy. MiniStack does not support the type."""
    policy = json.dumps(properties["ResourcePolicy"])
    request = {"SecretId": properties["SecretId"], "ResourcePolicy": policy}
    return succeed(secretsmanager._put_resource_policy(request))["ARN"], {}


def update_secret_policy(_arn: str, _old: Properties, new: Properties, stack: str) -> Created:
    return put_secret_policy("", new, stack)


def delete_secret_policy(arn: str, _properties: Properties) -> None:
    if secretsmanager._resolve(arn)[1]:
        succeed(secretsmanager._delete_resource_policy({"SecretId": arn}))


def refer_to_secrets_by_arn() -> None:
    """AWSCloudFormation/latest/UserGuide/aws-resource-secretsmanager-secret (return values): Ref is the ARN.

    MiniStack returns the name, so the policies and environments of a CDK app are wrong.
    """
    handlers = provisioners._RESOURCE_HANDLERS["AWS::SecretsManager::Secret"]
    create, update, delete = handlers["create"], handlers["update"], handlers["delete"]

    def by_arn(created: Created) -> Created:
        _, attributes = created
        return attributes["Arn"], attributes

    handlers["create"] = lambda *rest: by_arn(create(*rest))
    handlers["update"] = lambda arn, *rest: by_arn(update(secret_name(arn), *rest))
    handlers["delete"] = lambda arn, *rest: delete(secret_name(arn), *rest)


def return_provider_url() -> None:
    """AWSCloudFormation/latest/UserGuide/aws-resource-cognito-userpool (return values): ProviderURL, the issuer of the
    pool's tokens. MiniStack has only ProviderName, the same without the scheme."""
    handlers = provisioners._RESOURCE_HANDLERS["AWS::Cognito::UserPool"]
    for operation in ("create", "update", "import"):
        handlers[operation] = with_provider_url(handlers[operation])


def with_provider_url(handler: Callable[..., Created]) -> Callable[..., Created]:
    def handle(*rest: Any) -> Created:
        physical_id, attributes = handler(*rest)
        return physical_id, {**attributes, "ProviderURL": f"https://{attributes['ProviderName']}"}

    return handle


def secret_name(arn: str) -> str:
    """The name under which MiniStack stores a secret; an ARN ends with the name, a hyphen and six characters."""
    return arn.rpartition(":secret:")[2][:-7]


def generate_secret_string(original: Callable[[Properties], str], properties: Properties) -> str:
    """AWSCloudFormation/latest/UserGuide/aws-properties-secretsmanager-secret-generatesecretstring: the rules of
    GetRandomPassword. MiniStack supports only length and excluded characters."""
    rules = properties.get("GenerateSecretString")
    if rules is None:
        return original(properties)
    password = succeed(secretsmanager._get_random_password(rules))["RandomPassword"]
    if "SecretStringTemplate" not in rules:
        return password
    return json.dumps({**json.loads(rules["SecretStringTemplate"]), rules["GenerateStringKey"]: password})


def make_request_validators() -> None:
    """AWSCloudFormation/latest/UserGuide/aws-resource-apigateway-requestvalidator and aws-resource-apigateway-method
    (RequestValidatorId). MiniStack generates an unused id, so bodies are not validated."""
    wrap_function(provisioners, "_apigw_request_validator_create", create_request_validator)
    wrap_function(provisioners, "_apigw_request_validator_update", update_request_validator)
    wrap_function(provisioners, "_apigw_request_validator_delete", delete_request_validator)
    replace_text(
        provisioners,
        "_apigw_method_create",
        '"requestModels": props.get("RequestModels", {}),',
        '"requestModels": props.get("RequestModels", {}),\n'
        '        "requestValidatorId": props.get("RequestValidatorId"),',
    )


def create_request_validator(
    _original: Callable[..., Created], _logical_id: str, new: Properties, _stack: str
) -> Created:
    request = {
        "name": new.get("Name", ""),
        "validateRequestBody": new.get("ValidateRequestBody", False),
        "validateRequestParameters": new.get("ValidateRequestParameters", False),
    }
    validator_id = succeed(apigateway_v1._create_request_validator(new["RestApiId"], request))["id"]
    return validator_id, {"RequestValidatorId": validator_id}


def update_request_validator(
    original: Callable[..., Created], physical_id: str, old: Properties, new: Properties, stack: str
) -> Created:
    if old["RestApiId"] != new["RestApiId"] or old.get("Name") != new.get("Name"):
        return original(physical_id, old, new, stack)  # a replacement
    changes = [
        {"op": "replace", "path": f"/{name[0].lower()}{name[1:]}", "value": str(new.get(name, False))}
        for name in ("ValidateRequestBody", "ValidateRequestParameters")
    ]
    succeed(apigateway_v1._update_request_validator(new["RestApiId"], physical_id, {"patchOperations": changes}))
    return physical_id, {"RequestValidatorId": physical_id}


def delete_request_validator(_original: Callable[..., None], physical_id: str, properties: Properties) -> None:
    apigateway_v1._request_validators.get(properties["RestApiId"], {}).pop(physical_id, None)


def set_key_of_topic(original: Callable[..., Created], *request: Any, **options: Any) -> Created:
    """AWSCloudFormation/latest/UserGuide/aws-resource-sns-topic (KmsMasterKeyId). MiniStack ignores it.

    The new properties are the last mapping among the arguments.
    """
    created = original(*request, **options)
    key = [argument for argument in request if isinstance(argument, dict)][-1].get("KmsMasterKeyId")
    attributes = sns._topics[created[0]]["attributes"]
    if key:
        attributes["KmsMasterKeyId"] = key
    else:
        attributes.pop("KmsMasterKeyId", None)
    return created


def create_state_machine(
    original: Callable[..., Created], logical_id: str, properties: Properties, stack: str
) -> Created:
    """AWSCloudFormation/latest/UserGuide/aws-properties-stepfunctions-statemachine-loggingconfiguration.

    MiniStack stores it with the template's property names, which the service ignores.
    """
    return original(logical_id, with_logging_as_stored(properties), stack)


def update_state_machine(
    original: Callable[..., Created], arn: str, old: Properties, new: Properties, *rest: Any
) -> Created:
    return original(arn, with_logging_as_stored(old), with_logging_as_stored(new), *rest)


def with_logging_as_stored(properties: Properties) -> Properties:
    if "LoggingConfiguration" not in properties:
        return properties
    return {
        **properties,
        "LoggingConfiguration": provisioners._pascal_to_camel(properties["LoggingConfiguration"]),
    }


def set_access_logs() -> None:
    """AWSCloudFormation/latest/UserGuide/aws-resource-apigateway-stage (AccessLogSetting). MiniStack ignores it."""
    provisioners._access_log_settings = access_log_settings
    replace_text(
        provisioners,
        "_apigw_stage_create",
        '"tracingEnabled": props.get("TracingEnabled", False),',
        '"tracingEnabled": props.get("TracingEnabled", False),\n'
        '        "accessLogSettings": _access_log_settings(props),',
    )
    wrap_function(provisioners, "_apigw_stage_update", update_access_logs)


def update_access_logs(
    original: Callable[..., Created], name: str, old: Properties, new: Properties, stack: str
) -> Created:
    updated = original(name, old, new, stack)
    stage = apigateway_v1._stages_v1[new["RestApiId"]][updated[0]]
    stage["accessLogSettings"] = access_log_settings(new)
    return updated


def access_log_settings(properties: Properties) -> Properties:
    return provisioners._pascal_to_camel(properties.get("AccessLogSetting", {}))


def set_dead_letter_queues() -> None:
    """AWSCloudFormation/latest/UserGuide/aws-properties-lambda-function-deadletterconfig. MiniStack ignores it."""
    handlers = provisioners._RESOURCE_HANDLERS["AWS::Lambda::Function"]
    create, update = handlers["create"], handlers["update"]

    def with_queue(created: Created, properties: Properties) -> Created:
        config = lambda_svc._functions[properties.get("FunctionName", created[0])]["config"]
        config.pop("DeadLetterConfig", None)
        if "DeadLetterConfig" in properties:
            config["DeadLetterConfig"] = properties["DeadLetterConfig"]
        return created

    handlers["create"] = lambda id, properties, stack: with_queue(create(id, properties, stack), properties)
    handlers["update"] = lambda id, old, new, *rest, **more: with_queue(update(id, old, new, *rest, **more), new)


async def refuse_content_type(
    original: Callable[..., Awaitable[Response | None]], method: str, path: str, headers: dict[str, str], *rest: Any
) -> Response | None:
    """AWSCloudFormation/latest/UserGuide/cfn-lambda-function-code-cfnresponsemodule: the response of a custom resource
    is a PUT with an empty Content-Type to a presigned URL of S3. AmazonS3/latest/API/RESTAuthentication: the type is
    signed, so S3 rejects another one. MiniStack rejects it for wait conditions only."""
    if method == "PUT" and path.startswith("/_ministack/cfn-response/") and headers.get("content-type"):
        error = "<Error><Code>SignatureDoesNotMatch</Code></Error>"
        return 403, {"Content-Type": "application/xml"}, error.encode()
    return await original(method, path, headers, *rest)


LONGEST_LOOK = 4.0
"""Maximum seconds that DescribeStacks waits for a stack; less than the time limit of clients."""


async def answer_when_settled(
    original: Callable[..., Awaitable[Response]], method: str, path: str, headers: dict[str, str], body: bytes, *rest: Any
) -> Response:
    """AWSCloudFormation/latest/APIReference/API_DescribeStacks. Clients poll a stack every few seconds (the CDK every
    five), because AWS takes minutes. Here an operation takes a second or two, so the response waits for it."""
    name = described_stack(body)
    end = time.monotonic() + LONGEST_LOOK
    while name is not None and is_changing(name) and time.monotonic() < end:
        await asyncio.sleep(0.05)
    return await original(method, path, headers, body, *rest)


def described_stack(body: bytes) -> str | None:
    if b"Action=DescribeStacks" not in body:
        return None
    return parse_qs(body.decode()).get("StackName", [None])[0]


def is_changing(name_or_id: str) -> bool:
    return any(
        name_or_id in (stack.get("StackName"), stack.get("StackId"))
        and stack.get("StackStatus", "").endswith("_IN_PROGRESS")
        and stack["StackStatus"] != "REVIEW_IN_PROGRESS"
        for stack in cloudformation._stacks.values()
    )


def succeed(response: Response) -> Properties:
    """The body of a service's response; an error fails the resource."""
    status, _, body = response
    if status >= 400:
        raise ValueError(body.decode())
    return json.loads(body)
