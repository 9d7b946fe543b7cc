"""Secrets Manager: rotation invokes its function for each of four steps."""

from __future__ import annotations

import contextvars
import json
import threading
import time
from collections.abc import Callable
from typing import Any

from ministack import app
from ministack.core.responses import error_response_json, json_response, new_uuid
from ministack.services import lambda_svc, secretsmanager

from corrections.cloudformation import add_type, succeed
from corrections.iam import service_may
from corrections.secretsmanager_versions import holder, move_label
from corrections.support import wrap_function

Request = dict[str, Any]
Response = tuple[int, dict[str, str], bytes]

SERVICE = "secretsmanager.amazonaws.com"
STEPS = ("createSecret", "setSecret", "testSecret", "finishSecret")


def apply() -> None:
    wrap_function(secretsmanager, "_rotate_secret", rotate)
    wrap_function(secretsmanager, "handle_request", ask_for_the_function)
    add_type("AWS::SecretsManager::RotationSchedule", put_schedule, update_schedule, delete_schedule)


def rotate(original: Callable[[Request], Response], request: Request) -> Response:
    """secretsmanager/latest/apireference/API_RotateSecret and userguide/rotate-secrets_lambda-functions: the new version
    is pending, without a value, before the function is invoked for each of four steps, after RotateSecret has
    returned.

    MiniStack copies the current version and invokes no function.
    Recorded: secretsmanager test_rotate_secret_with_lambda_success, test_rotate_secret_invalid_lambda_arn,
    test_first_rotate_secret_with_missing_lambda_arn.
    """
    _, secret = secretsmanager._resolve(request.get("SecretId"))
    if secret is None or secret.get("DeletedDate"):
        return original(request)
    function = request.get("RotationLambdaARN") or secret.get("RotationLambdaARN")
    if not function:
        return refused("InvalidRequestException", "No Lambda rotation function ARN is associated with this secret.")
    policy, _ = lambda_svc.function_policy_for_arn(function) or (None, "")
    if not service_may(SERVICE, "lambda:InvokeFunction", function, policy, secret["ARN"]):
        return refused("AccessDeniedException", f"Secrets Manager cannot invoke the specified Lambda function: {function}")
    if in_progress(secret):
        return refused("InvalidRequestException", "A previous rotation isn't complete. That rotation will be reattempted.")
    secret.update(RotationEnabled=True, RotationLambdaARN=function)
    if request.get("RotationRules"):
        secret["RotationRules"] = request["RotationRules"]
    version = request.get("ClientRequestToken") or new_uuid()
    secret["Versions"].setdefault(version, {"CreatedDate": int(time.time()), "Stages": []})
    move_label(secret, "AWSPENDING", version)
    run = run_steps if request.get("RotateImmediately", True) else test_configuration
    scope = contextvars.copy_context()
    threading.Thread(target=scope.run, args=(run, secret, function, version), daemon=True).start()
    return json_response({"ARN": secret["ARN"], "Name": secret["Name"], "VersionId": version})


async def ask_for_the_function(
    original: Callable[..., Any],
    method: str,
    path: str,
    headers: dict[str, str],
    body: bytes,
    query: dict[str, Any],
) -> Response:
    """secretsmanager/latest/apireference/API_RotateSecret (Required permissions): its caller also needs
    lambda:InvokeFunction on the rotation function. MiniStack requires secretsmanager:RotateSecret only."""
    if headers.get("x-amz-target", "").endswith(".RotateSecret"):
        request = json.loads(body or b"{}")
        _, secret = secretsmanager._resolve(request.get("SecretId"))
        function = request.get("RotationLambdaARN") or (secret or {}).get("RotationLambdaARN")
        if function:
            denied = app._enforce_data_plane(
                "lambda", "lambda:InvokeFunction", headers, query, new_uuid(), resource_arn=function
            )
            if denied:
                return refused("AccessDeniedException", f"You are not authorized to invoke {function}.")
    answer: Response = await original(method, path, headers, body, query)
    return answer


def in_progress(secret: dict[str, Any]) -> bool:
    """secretsmanager/latest/apireference/API_RotateSecret: if the label AWSPENDING is not on the current version, a
    rotation is in progress."""
    pending = holder(secret, "AWSPENDING")
    return pending is not None and pending != holder(secret, "AWSCURRENT")


def run_steps(secret: dict[str, Any], function: str, version: str) -> None:
    """A failed step ends the rotation, and the new version stays pending."""
    if all(run_step(step, secret, function, version) for step in STEPS):
        secret["LastRotatedDate"] = int(time.time())


def test_configuration(secret: dict[str, Any], function: str, version: str) -> None:
    """secretsmanager/latest/apireference/API_RotateSecret (RotateImmediately): a schedule that does not rotate at once
    is tested by the step testSecret, with an AWSPENDING version that is removed afterwards. MiniStack invokes no
    function."""
    try:
        run_step("testSecret", secret, function, version)
    finally:
        secret["Versions"].pop(version, None)


def run_step(step: str, secret: dict[str, Any], function: str, version: str) -> bool:
    """Whether the function has completed the step."""
    event = {"Step": step, "SecretId": secret["ARN"], "ClientRequestToken": version}
    record = lambda_svc._functions[function.rpartition(":function:")[2]]
    return not lambda_svc._execute_function_with_config_scope(record, event).get("error")


def refused(code: str, message: str) -> Response:
    return error_response_json(code, message, 400)


def put_schedule(_logical_id: str, properties: Request, _stack: str) -> tuple[str, dict[str, Any]]:
    """AWSCloudFormation/latest/UserGuide/aws-resource-secretsmanager-rotationschedule. MiniStack does not support the
    type. Ref is the ARN of the secret; nothing rotates automatically here; only RotateSecret rotates."""
    answer = succeed(secretsmanager._rotate_secret(schedule_request(properties)))
    return answer["ARN"], {}


def update_schedule(_arn: str, _old: Request, new: Request, _stack: str) -> tuple[str, dict[str, Any]]:
    return put_schedule("", new, "")


def delete_schedule(arn: str, _properties: Request) -> None:
    _, secret = secretsmanager._resolve(arn)
    if secret is not None:
        secret["RotationEnabled"] = False


def schedule_request(properties: Request) -> Request:
    immediately = str(properties.get("RotateImmediatelyOnUpdate", True)).lower() == "true"
    return {
        "SecretId": properties["SecretId"],
        "RotationLambdaARN": properties.get("RotationLambdaARN"),
        "RotationRules": properties.get("RotationRules"),
        "RotateImmediately": immediately,
    }
