"""KMS: usage of a key, tags, rotation and deletion."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from typing import Any

from ministack.core.responses import error_response_json, json_response
from ministack.services import kms

from corrections.kms import parse
from corrections.support import replace_text, wrap_function

Fields = dict[str, Any]
Response = tuple[int, dict[str, str], bytes]

NEEDED_USAGE = {
    "_encrypt": ("Encrypt", "ENCRYPT_DECRYPT"),
    "_sign": ("Sign", "SIGN_VERIFY"),
    "_verify": ("Verify", "SIGN_VERIFY"),
}

MAX_TAGS, MAX_TAG_KEY, MAX_TAG_VALUE = 50, 128, 256
SECONDS_OF_A_DAY = 24 * 60 * 60

KNOW_DRY_RUN = ("_generate_data_key_pair", "_generate_data_key_pair_without_plaintext")


def apply() -> None:
    for function, (operation, usage) in NEEDED_USAGE.items():
        wrap_function(kms, function, check_usage(operation, usage))
    wrap_function(kms, "_encrypt", check_size)
    for function in KNOW_DRY_RUN:
        wrap_function(kms, function, do_nothing_in_a_dry_run)
    wrap_function(kms, "handle_request", check_tags)
    wrap_function(kms, "_get_key_rotation_status", return_next_rotation)
    wrap_function(kms, "_schedule_key_deletion", delete_once)
    forget_expiration_with_the_material()


def check_usage(operation: str, usage: str) -> Callable[..., Response]:
    """kms/latest/APIReference/API_Encrypt, API_Sign and API_Verify (Errors): a key of another usage is an
    InvalidKeyUsageException. MiniStack returns UnsupportedOperationException.

    Recorded: kms test_invalid_key_usage, test_error_messaging_for_invalid_keys.
    """

    def check(original: Callable[[Fields], Response], request: Fields) -> Response:
        key = kms._resolve_key(request.get("KeyId", ""))
        if key is None or kms._check_key_state(key) or key["KeyUsage"] == usage:
            return original(request)
        message = f"{key['Arn']} key usage is {key['KeyUsage']} which is not valid for {operation}."
        return refused("InvalidKeyUsageException", message)

    return check


def check_size(original: Callable[[Fields], Response], request: Fields) -> Response:
    """kms/latest/APIReference/API_Encrypt (Plaintext): the maximum plaintext of an RSA key depends on its size and the
    algorithm. MiniStack fails with an internal error.

    Recorded: kms test_encrypt_validate_plaintext_size_per_key_type.
    """
    try:
        return original(request)
    except ValueError:
        return refused("ValidationException", "The algorithm and the key spec cannot encrypt data of this size.")


def do_nothing_in_a_dry_run(original: Callable[[Fields], Response], request: Fields) -> Response:
    """kms/latest/developerguide/testing-permissions (DryRun). MiniStack performs the operation.

    Recorded: kms test_generate_data_key_pair_dry_run.
    """
    response = original(request)
    if response[0] >= 400 or not request.get("DryRun"):
        return response
    return refused("DryRunOperationException", "The request would have succeeded, but the DryRun option is set.")


async def check_tags(
    original: Callable[..., Any],
    method: str,
    path: str,
    headers: dict[str, str],
    body: bytes,
    query: dict[str, Any],
) -> Response:
    """kms/latest/APIReference/API_TagResource and API_Tag. MiniStack accepts any. CloudFormation does not use this
    function and has tags with reserved names.

    Recorded: kms test_tag_key_with_duplicate_tag_keys_raises_error, test_create_key_with_invalid_tag_key,
    test_create_key_with_too_many_tags_raises_error, test_key_with_long_tag_value_raises_error.
    """
    problem = tag_problem(parse(body).get("Tags") or [])
    answer: Response = problem or await original(method, path, headers, body, query)
    return answer


def tag_problem(tags: list[Fields]) -> Response | None:
    names = [tag.get("TagKey", "") for tag in tags]
    if len(tags) > MAX_TAGS:
        return refused("TagException", "Too many tags")
    if any(name.lower().startswith("aws:") for name in names):
        return refused("TagException", "Tags beginning with aws: are reserved")
    if len(set(names)) < len(names):
        return refused("TagException", "Duplicate tag keys")
    if any(len(tag.get("TagKey", "")) > MAX_TAG_KEY or len(tag.get("TagValue", "")) > MAX_TAG_VALUE for tag in tags):
        return refused("ValidationException", "1 validation error detected: a tag is too long")
    return None


def return_next_rotation(original: Callable[[Fields], Response], request: Fields) -> Response:
    """kms/latest/APIReference/API_GetKeyRotationStatus (KeyId, NextRotationDate). MiniStack returns neither.

    Recorded: kms test_key_enable_rotation_status.
    """
    response = original(request)
    if response[0] >= 400:
        return response
    key, status = kms._resolve_key(request["KeyId"]), json.loads(response[2])
    if status["KeyRotationEnabled"]:
        status["NextRotationDate"] = int(time.time()) + status["RotationPeriodInDays"] * SECONDS_OF_A_DAY
    else:
        del status["RotationPeriodInDays"]
    return json_response({"KeyId": key["KeyId"], **status})


def delete_once(original: Callable[[Fields], Response], request: Fields) -> Response:
    """kms/latest/developerguide/key-state: a scheduled deletion cannot be scheduled again. MiniStack changes the date.

    Recorded: kms test_cant_delete_deleted_key.
    """
    key = kms._resolve_key(request.get("KeyId", ""))
    if key is not None and key["KeyState"] in ("PendingDeletion", "PendingReplicaDeletion"):
        return refused("KMSInvalidStateException", f"{key['Arn']} is pending deletion.")
    return original(request)


def forget_expiration_with_the_material() -> None:
    """kms/latest/APIReference/API_KeyMetadata (ExpirationModel): only with imported key material. MiniStack keeps it.

    Recorded: kms test_import_key_asymmetric.
    """
    replace_text(
        kms,
        "_delete_imported_key_material",
        '    rec.pop("ValidTo", None)\n',
        '    rec.pop("ValidTo", None)\n    rec.pop("ExpirationModel", None)\n',
    )


def refused(code: str, message: str) -> Response:
    return error_response_json(code, message, 400)
