"""Secrets Manager: versions, staging labels and client request tokens."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Callable
from typing import Any

from ministack.core.responses import error_response_json, get_account_id, get_region, json_response, new_uuid
from ministack.services import secretsmanager

from corrections.support import replace_text, wrap_function

Fields = dict[str, Any]
Response = tuple[int, dict[str, str], bytes]

VALUE = ("SecretString", "SecretBinary")

NEEDS_TOKEN = {
    "CreateSecret": "InvalidRequestException",
    "UpdateSecret": "InvalidRequestException",
    "PutSecretValue": "InvalidRequestException",
    "RotateSecret": "InvalidParameterException",
}
"""The operations that require a ClientRequestToken, with their errors."""

NAME = re.compile(r"[\w/+=.@!-]+", re.ASCII)


def apply() -> None:
    wrap_function(secretsmanager, "handle_request", check_request)
    wrap_function(secretsmanager, "_create_secret", create)
    wrap_function(secretsmanager, "_put_secret_value", put_value)
    wrap_function(secretsmanager, "_update_secret", update)
    wrap_function(secretsmanager, "_get_secret_value", get_value)
    wrap_function(secretsmanager, "_list_secret_version_ids", list_versions)
    wrap_function(secretsmanager, "_describe_secret", describe)
    wrap_function(secretsmanager, "_delete_secret", delete)
    wrap_function(secretsmanager, "_apply_current_promotion", promote)
    take_pending_from_the_former_current_version()
    sort_labels()
    list_in_order()


async def check_request(
    original: Callable[..., Any],
    method: str,
    path: str,
    headers: dict[str, str],
    body: bytes,
    query: dict[str, Any],
) -> Response:
    """secretsmanager/latest/apireference/API_PutSecretValue (ClientRequestToken) and API_CreateSecret (Name): a request
    that creates a version contains its id, which SDKs generate; names have a limited character set. MiniStack accepts
    any.

    Recorded: secretsmanager test_no_client_request_token, test_invalid_secret_name.
    """
    operation = headers.get("x-amz-target", "").rpartition(".")[2]
    request = parse(body)
    name = request.get("Name", request.get("SecretId"))
    if isinstance(name, str) and name and not name.startswith("arn:") and not NAME.fullmatch(name):
        return refused(
            "ValidationException",
            "Invalid name. Must be a valid name containing alphanumeric characters, or any of the following: -/_+=.@!",
        )
    if operation in NEEDS_TOKEN and not request.get("ClientRequestToken"):
        message = "You must provide a ClientRequestToken value. We recommend a UUID-type value."
        status, headers, _ = refused(NEEDS_TOKEN[operation], message)
        return status, headers, json.dumps({"__type": NEEDS_TOKEN[operation], "Message": message}).encode()
    answer: Response = await original(method, path, headers, body, query)
    return answer


def create(original: Callable[[Fields], Response], request: Fields) -> Response:
    """secretsmanager/latest/apireference/API_CreateSecret: the token is the id of the first version; without a value
    there is no version; a name is free after its secret was deleted. MiniStack generates another id and creates an
    empty version.

    Recorded: secretsmanager test_create_secret_version_from_empty_secret, test_create_secret_with_custom_id,
    test_exp_raised_on_creation_of_secret_scheduled_for_deletion.
    """
    _, existing = secretsmanager._resolve(request.get("Name"))
    if existing is not None and existing.get("DeletedDate"):
        return refused(
            "InvalidRequestException",
            "You can't create this secret because a secret with this name is already scheduled for deletion.",
        )
    answer = original(request)
    if answer[0] >= 400:
        return answer
    _, secret = secretsmanager._resolve(request["Name"])
    if not request.get("Tags"):
        del secret["Tags"]
    ((drawn, version),) = secret["Versions"].items()
    secret["Versions"] = {request.get("ClientRequestToken") or drawn: version} if has_value(version) else {}
    return json_response({"ARN": secret["ARN"], "Name": secret["Name"], **version_id(secret["Versions"])})


def version_id(versions: Fields) -> Fields:
    return {"VersionId": next(iter(versions))} if versions else {}


def put_value(original: Callable[[Fields], Response], request: Fields) -> Response:
    """secretsmanager/latest/apireference/API_PutSecretValue: a version's value is written once, and the same value again
    changes nothing; each label moves from its previous version.

    MiniStack writes again, moves AWSCURRENT only, and drops the other labels.
    Recorded: secretsmanager test_update_secret_version_stages_current_pending_cycle_custom_stages_2,
    test_non_versioning_version_stages_replacement.
    """
    _, secret = secretsmanager._resolve(request.get("SecretId"))
    if secret is None or secret.get("DeletedDate") or secretsmanager._is_replica(secret):
        return original(request)
    token = request.get("ClientRequestToken") or new_uuid()
    value = {field: request.get(field) for field in VALUE}
    existing = secret["Versions"].get(token)
    if existing is not None and has_value(existing):
        if any(existing.get(field) != value[field] for field in VALUE):
            return refused(
                "ResourceExistsException",
                f"You can't use ClientRequestToken {token} because that value is already in use for a version "
                f"of secret {secret['ARN']}.",
            )
    else:
        now = int(time.time())
        version = secret["Versions"].setdefault(token, {"CreatedDate": now, "Stages": []})
        version.update(value)
        for label in request.get("VersionStages", ["AWSCURRENT"]):
            move_label(secret, label, token)
        secret["LastChangedDate"] = now
        secretsmanager._sync_replicas(secret)
    return json_response(
        {
            "ARN": secret["ARN"],
            "Name": secret["Name"],
            "VersionId": token,
            "VersionStages": list(secret["Versions"][token]["Stages"]),
        }
    )


def update(original: Callable[[Fields], Response], request: Fields) -> Response:
    """secretsmanager/latest/apireference/API_UpdateSecret: with a value it creates the version with the id of the token.
    MiniStack generates another id."""
    if not any(field in request for field in VALUE):
        return original(request)
    made = secretsmanager._put_secret_value({**request, "VersionStages": ["AWSCURRENT"]})
    if made[0] >= 400:
        return made
    answer = original({field: value for field, value in request.items() if field not in VALUE})
    return json_response({**json.loads(answer[2]), "VersionId": json.loads(made[2])["VersionId"]})


def get_value(original: Callable[[Fields], Response], request: Fields) -> Response:
    """secretsmanager/latest/apireference/API_GetSecretValue: a version without a value is not found, and a label must
    belong to the version. MiniStack returns no value.

    Recorded: secretsmanager test_get_secret_value_errors, test_secret_version_not_found.
    """
    answer = original(request)
    label, token = request.get("VersionStage"), request.get("VersionId")
    _, secret = secretsmanager._resolve(request.get("SecretId"))
    if answer[0] < 400:
        found = json.loads(answer[2])
        if token and label and label not in found["VersionStages"]:
            return refused(
                "InvalidRequestException",
                "You provided a VersionStage that is not associated to the provided VersionId.",
            )
        if has_value(found):
            secret["Versions"][found["VersionId"]]["LastAccessedDate"] = int(time.time())
            return answer
    elif secret is None or json.loads(answer[2])["__type"] != "ResourceNotFoundException":
        return answer
    which = f"VersionId: {token}" if token else f"staging label: {label or 'AWSCURRENT'}"
    return refused(
        "ResourceNotFoundException", f"Secrets Manager can't find the specified secret value for {which}"
    )


def list_versions(original: Callable[[Fields], Response], request: Fields) -> Response:
    """secretsmanager/latest/apireference/API_ListSecretVersionIds (IncludeDeprecated): without it only versions with a
    label are listed, in the order of their creation. MiniStack removes a version that loses its last label.

    Recorded: secretsmanager test_deprecated_secret_version_stage,
    test_update_secret_version_stages_current_pending_cycle.
    """
    answer = original(request)
    if answer[0] >= 400:
        return answer
    _, secret = secretsmanager._resolve(request["SecretId"])
    result = json.loads(answer[2])
    for version in result["Versions"]:
        if not version["VersionStages"]:
            del version["VersionStages"]
        if accessed := secret["Versions"][version["VersionId"]].get("LastAccessedDate"):
            version["LastAccessedDate"] = accessed
    if not request.get("IncludeDeprecated"):
        result["Versions"] = [version for version in result["Versions"] if "VersionStages" in version]
    return json_response(result)


def describe(original: Callable[[Fields], Response], request: Fields) -> Response:
    """secretsmanager/latest/apireference/API_DescribeSecret: missing fields are omitted; MiniStack returns null. The
    response contains the time of the last rotation; MiniStack does not have it.

    Recorded: secretsmanager test_update_secret_description, test_rotate_secret_with_lambda_success.
    """
    answer = original(request)
    if answer[0] >= 400:
        return answer
    _, secret = secretsmanager._resolve(request["SecretId"])
    result = {name: value for name, value in json.loads(answer[2]).items() if value not in (None, "", {})}
    if "Tags" not in secret:
        del result["Tags"]
    if "RotationLambdaARN" not in result:
        del result["RotationEnabled"]
    if rotated := secret.get("LastRotatedDate"):
        result["LastRotatedDate"] = rotated
    if days := (secret.get("RotationRules") or {}).get("AutomaticallyAfterDays"):
        result["NextRotationDate"] = (rotated or int(time.time())) + days * 24 * 60 * 60
    return json_response(result)


def delete(original: Callable[[Fields], Response], request: Fields) -> Response:
    """secretsmanager/latest/apireference/API_DeleteSecret (ForceDeleteWithoutRecovery): the response for a missing
    secret is the same as for an existing one. MiniStack returns an error.

    Recorded: secretsmanager test_delete_non_existent_secret_returns_as_if_secret_exists.
    """
    name = request.get("SecretId", "")
    key, _ = secretsmanager._resolve(name)
    if key is not None or not request.get("ForceDeleteWithoutRecovery") or name.startswith("arn:"):
        return original(request)
    arn = f"arn:aws:secretsmanager:{get_region()}:{get_account_id()}:secret:{name}-{new_uuid()[:6]}"
    return json_response({"ARN": arn, "Name": name, "DeletionDate": int(time.time())})


def promote(_original: Callable[..., None], secret: Fields, token: str) -> None:
    move_label(secret, "AWSCURRENT", token)


def move_label(secret: Fields, label: str, token: str) -> None:
    """secretsmanager/latest/userguide/whats-in-a-secret (versions): a label is on one version at a time. The version
    that loses AWSCURRENT becomes AWSPREVIOUS and is no longer pending.

    Recorded: secretsmanager test_update_secret_version_stages_current_pending_cycle.
    """
    former = holder(secret, label)
    if former == token:
        return
    if former is not None:
        secretsmanager._remove_stage(secret, former, label)
    secretsmanager._add_stage(secret, token, label)
    if label not in ("AWSPENDING", "AWSPREVIOUS"):
        secretsmanager._emit_secret_label_updated(secret, label, token)
    if label == "AWSCURRENT" and former is not None:
        secretsmanager._remove_stage(secret, former, "AWSPENDING")
        move_label(secret, "AWSPREVIOUS", former)


def take_pending_from_the_former_current_version() -> None:
    """Like move_label, for UpdateSecretVersionStage."""
    replace_text(
        secretsmanager,
        "_update_secret_version_stage",
        '            _remove_stage_everywhere(secret, "AWSPREVIOUS")\n',
        '            _remove_stage_everywhere(secret, "AWSPREVIOUS")\n'
        '            _remove_stage(secret, old_current_vid, "AWSPENDING")\n',
    )


def sort_labels() -> None:
    """Recorded: secretsmanager test_update_secret_version_stages_current_pending_cycle_custom_stages_1."""
    replace_text(
        secretsmanager,
        "_add_stage",
        'ver["Stages"].append(stage)',
        'ver["Stages"] = sorted([*ver["Stages"], stage])',
    )


def list_in_order() -> None:
    replace_text(
        secretsmanager,
        "_list_secret_version_ids",
        'sorted(secret["Versions"].keys())',
        'list(secret["Versions"])',
    )


def holder(secret: Fields, label: str) -> str | None:
    """The id of the version that has the label."""
    token, _ = secretsmanager._find_stage_version(secret, label)
    return token


def has_value(version: Fields) -> bool:
    return any(version.get(field) is not None for field in VALUE)


def parse(body: bytes) -> Fields:
    """The request's fields; empty if it is not JSON, which MiniStack then rejects itself."""
    try:
        return json.loads(body or b"{}")
    except json.JSONDecodeError:
        return {}


def refused(code: str, message: str) -> Response:
    return error_response_json(code, message, 400)
