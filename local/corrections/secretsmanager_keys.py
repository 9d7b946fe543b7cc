"""Secrets Manager: secrets of other accounts, and the permission to use the key of a secret."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from ministack import app
from ministack.core.responses import error_response_json, get_account_id, get_region, new_uuid
from ministack.services import secretsmanager

from corrections.accounts import in_account_of, is_foreign
from corrections.kms import context_keys, key_arn
from corrections.support import wrap_function

Fields = dict[str, Any]
Response = tuple[int, dict[str, str], bytes]

KEY_ACTIONS = {
    "GetSecretValue": ("kms:Decrypt",),
    "PutSecretValue": ("kms:GenerateDataKey",),
}
"""The permissions on the key of a secret that an operation needs."""

ACROSS_ACCOUNTS = {"DescribeSecret", "GetSecretValue", "PutSecretValue"}
"""The supported ones of the operations that secretsmanager/latest/userguide/auth-and-access_examples_cross lists."""


def apply() -> None:
    wrap_function(secretsmanager, "handle_request", use_secret_of_its_account)


async def use_secret_of_its_account(
    original: Callable[..., Any], method: str, path: str, headers: dict[str, str], body: bytes, query: Fields
) -> Response:
    """secretsmanager/latest/userguide/auth-and-access_examples_cross: the ARN of a secret finds it in its account.
    secretsmanager/latest/userguide/security-encryption (Permissions for the KMS key): the caller needs permission on
    the customer managed key that encrypts the secret. The AWS managed key cannot be used from another account.

    MiniStack finds the caller's own secrets only, and checks no permission on keys.
    """
    operation = headers.get("x-amz-target", "").rpartition(".")[2]
    if operation not in ACROSS_ACCOUNTS:
        return await original(method, path, headers, body, query)
    secret_id = secret_id_of(body)
    if not may_use_key(secret_id, KEY_ACTIONS.get(operation, ()), headers, query):
        return error_response_json("AccessDeniedException", "Access to KMS is not allowed", 400)
    with in_account_of(secret_id):
        return await original(method, path, headers, body, query)


def secret_id_of(body: bytes) -> str:
    """The secret of the request; empty if there is none, which MiniStack then rejects itself."""
    try:
        return str(json.loads(body or b"{}").get("SecretId", ""))
    except ValueError:
        return ""


def may_use_key(secret_id: str, actions: tuple[str, ...], headers: dict[str, str], query: Fields) -> bool:
    with in_account_of(secret_id):
        _, secret = secretsmanager._resolve(secret_id)
        key = key_arn((secret or {}).get("KmsKeyId") or "")
    if secret is None or not actions:
        return True
    if key == "*":
        return not is_foreign(secret_id)
    keys = {
        "kms:ViaService": f"secretsmanager.{get_region()}.amazonaws.com",
        "kms:CallerAccount": get_account_id(),
        **context_keys({"SecretARN": secret["ARN"]}),
    }
    return not any(
        app._enforce_data_plane("kms", action, headers, query, new_uuid(), resource_arn=key, service_context=keys)
        for action in actions
    )
