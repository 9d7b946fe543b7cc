"""KMS: authenticated ciphertexts, ReEncrypt, size limits, and the condition keys of an encryption context."""

from __future__ import annotations

import base64
import json
import os
from collections.abc import Callable
from typing import Any

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from ministack import app
from ministack.core import iam_actions
from ministack.core.responses import error_response_json, json_response, new_uuid
from ministack.services import kms

from corrections.accounts import in_account_of
from corrections.support import wrap_function

Request = dict[str, Any]
Response = tuple[int, dict[str, str], bytes]
Key = dict[str, Any]

MAX_PLAINTEXT = 4096
MAX_CIPHERTEXT = 6144

# A ciphertext is key id, format, nonce, AES-GCM output. MiniStack's IAM reads the key id from the first 36 bytes.
KEY_ID_LENGTH = 36
FORMAT = b"local-kms-v1"
NONCE_LENGTH = 12


def apply() -> None:
    wrap_function(kms, "_encrypt", encrypt)
    wrap_function(kms, "_decrypt", decrypt)
    wrap_function(kms, "_generate_data_key_common", encrypt_data_key)
    wrap_function(kms, "_generate_data_key_pair_common", encrypt_private_key)
    wrap_function(kms, "handle_request", handle_re_encrypt)
    wrap_function(iam_actions, "extract_iam_action", name_re_encrypt_from)
    wrap_function(iam_actions, "extract_resource_arn", name_the_key)
    wrap_function(iam_actions, "request_tag_context", add_encryption_context)


class Refused(Exception):
    """An error response of KMS."""

    def __init__(self, response: Response) -> None:
        super().__init__()
        self.response = response


def refused(code: str, message: str = "") -> Refused:
    return Refused(error_response_json(code, message, 400))


def encrypt(original: Callable[[Request], Response], request: Request) -> Response:
    """kms/latest/APIReference/API_Encrypt: 1 to 4096 bytes, bound to the encryption context.

    MiniStack XORs with a key stream and accepts any length.
    """
    try:
        plaintext = read_blob(request, "Plaintext", MAX_PLAINTEXT)
        key = usable_key(request.get("KeyId", ""), "Encrypt")
    except Refused as refusal:
        return refusal.response
    if not is_symmetric(key):
        return original(request)
    return json_response(
        {
            "KeyId": key["Arn"],
            "CiphertextBlob": write_blob(encrypt_bytes(key, plaintext, request.get("EncryptionContext"))),
            "EncryptionAlgorithm": "SYMMETRIC_DEFAULT",
        }
    )


def decrypt(original: Callable[[Request], Response], request: Request) -> Response:
    """kms/latest/APIReference/API_Decrypt: a modified blob, a blob of another account or another context is an
    InvalidCiphertextException; another KeyId is an IncorrectKeyException.

    MiniStack returns garbage.
    """
    try:
        ciphertext = read_blob(request, "CiphertextBlob", MAX_CIPHERTEXT)
        if request.get("EncryptionAlgorithm", "SYMMETRIC_DEFAULT") != "SYMMETRIC_DEFAULT":
            return original(request)
        key = encrypting_key(ciphertext, request.get("KeyId"), "Decrypt")
        plaintext = unseal(key, ciphertext, request.get("EncryptionContext"))
    except Refused as refusal:
        return refusal.response
    return json_response(
        {
            "KeyId": key["Arn"],
            "Plaintext": write_blob(plaintext),
            "EncryptionAlgorithm": "SYMMETRIC_DEFAULT",
            "KeyMaterialId": kms._key_material_id(key),
        }
    )


def re_encrypt(request: Request) -> Response:
    """kms/latest/APIReference/API_ReEncrypt: re-encrypts for another key or context, inside KMS. MiniStack does not
    support it."""
    try:
        ciphertext = read_blob(request, "CiphertextBlob", MAX_CIPHERTEXT)
        source = encrypting_key(ciphertext, request.get("SourceKeyId"), "ReEncrypt")
        plaintext = unseal(source, ciphertext, request.get("SourceEncryptionContext"))
        destination = usable_key(request.get("DestinationKeyId", ""), "ReEncrypt")
        if not is_symmetric(destination):
            raise refused("InvalidKeyUsageException", "ReEncrypt to an asymmetric key is not supported locally.")
    except Refused as refusal:
        return refusal.response
    return json_response(
        {
            "SourceKeyId": source["Arn"],
            "KeyId": destination["Arn"],
            "CiphertextBlob": write_blob(encrypt_bytes(destination, plaintext, request.get("DestinationEncryptionContext"))),
            "SourceEncryptionAlgorithm": "SYMMETRIC_DEFAULT",
            "DestinationEncryptionAlgorithm": "SYMMETRIC_DEFAULT",
            "SourceKeyMaterialId": kms._key_material_id(source),
            "DestinationKeyMaterialId": kms._key_material_id(destination),
        }
    )


def encrypt_data_key(original: Callable[..., tuple[Any, ...]], request: Request, *rest: str) -> tuple[Any, ...]:
    """kms/latest/APIReference/API_GenerateDataKey: Decrypt accepts the ciphertext of a data key."""
    key, data_key, result = original(request, *rest)
    if key is None:
        return key, data_key, result
    return key, data_key, encrypt_bytes(key, data_key, request.get("EncryptionContext"))


def encrypt_private_key(original: Callable[..., tuple[Any, ...]], request: Request, action: str) -> tuple[Any, ...]:
    """kms/latest/APIReference/API_GenerateDataKeyPair: Decrypt accepts the ciphertext of a private key."""
    payload, private_key, error = original(request, action)
    if error is None:
        key = usable_key(request["KeyId"], action)
        payload["PrivateKeyCiphertextBlob"] = write_blob(encrypt_bytes(key, private_key, request.get("EncryptionContext")))
    return payload, private_key, error


async def handle_re_encrypt(
    original: Callable[..., Any],
    method: str,
    path: str,
    headers: dict[str, str],
    body: bytes,
    query: dict[str, Any],
) -> Response:
    """kms/latest/developerguide/kms-api-permissions-reference: ReEncrypt needs kms:ReEncryptFrom on the source key
    (checked where every request is checked) and kms:ReEncryptTo on the destination key (checked here)."""
    if not is_re_encrypt(headers):
        return await original(method, path, headers, body, query)
    request = parse(body)
    denied = app._enforce_data_plane(
        "kms",
        "kms:ReEncryptTo",
        headers,
        query,
        new_uuid(),
        resource_arn=key_arn(request.get("DestinationKeyId", "")),
        service_context=context_keys(request.get("DestinationEncryptionContext")),
    )
    return denied or re_encrypt(request)


def name_re_encrypt_from(original: Callable[..., str | None], service: str, *rest: Any) -> str | None:
    """ReEncrypt is not an IAM action of its own; see handle_re_encrypt."""
    action = original(service, *rest)
    return "kms:ReEncryptFrom" if action == "kms:ReEncrypt" else action


def name_the_key(
    original: Callable[..., str],
    service: str,
    method: str,
    path: str,
    headers: dict[str, str],
    body: bytes,
    *rest: Any,
) -> str:
    """kms/latest/developerguide/alias-authorization: policies apply to the key, also if the caller uses an alias.

    MiniStack evaluates the alias, and ignores SourceKeyId.
    """
    if service == "kms" and is_re_encrypt(headers):
        request = parse(body)
        return key_arn(
            request.get("SourceKeyId") or iam_actions._kms_key_id_from_ciphertext(request.get("CiphertextBlob", ""))
        )
    resource = original(service, method, path, headers, body, *rest)
    return key_arn(resource) if service == "kms" else resource


def add_encryption_context(
    original: Callable[..., dict[str, Any]], service: str, action: str, body: bytes, *rest: Any
) -> dict[str, Any]:
    """kms/latest/developerguide/conditions-kms: kms:EncryptionContext:<key> and kms:EncryptionContextKeys.

    MiniStack does not support them, so a policy with such a condition never matches.
    """
    context = original(service, action, body, *rest)
    if service != "kms":
        return context
    field = "SourceEncryptionContext" if action == "kms:ReEncryptFrom" else "EncryptionContext"
    return {**context, **context_keys(parse(body).get(field))}


def context_keys(encryption_context: dict[str, str] | None) -> dict[str, Any]:
    if not encryption_context:
        return {}
    pairs = {f"kms:EncryptionContext:{name}": value for name, value in encryption_context.items()}
    return {**pairs, "kms:EncryptionContextKeys": list(encryption_context)}


def is_re_encrypt(headers: dict[str, str]) -> bool:
    return headers.get("x-amz-target", "") == "TrentService.ReEncrypt"


def parse(body: bytes) -> Request:
    """The request's fields; empty if it is not JSON, which MiniStack then rejects itself."""
    try:
        return json.loads(body or b"{}")
    except json.JSONDecodeError:
        return {}


def find_key(reference: str) -> Key | None:
    """kms/latest/developerguide/key-policy-modifying-external-accounts: the ARN of a key or of an alias finds it in its
    account. MiniStack finds the caller's own keys only."""
    with in_account_of(reference):
        return kms._resolve_key(reference)


def key_arn(reference: str) -> str:
    """The ARN of the key with an id, an ARN or an alias; the reference itself if there is none."""
    key = find_key(reference)
    return key["Arn"] if key else reference or "*"


def is_symmetric(key: Key) -> bool:
    return "_symmetric_key" in key


def existing_key(reference: str) -> Key:
    key = find_key(reference)
    if key is None:
        raise refused("NotFoundException", f"Key '{reference}' does not exist")
    return key


def usable_key(reference: str, operation: str) -> Key:
    """The enabled encryption key of the request."""
    key = existing_key(reference)
    unusable = kms._check_key_state(key) or kms._reject_hmac_key(key, operation)
    if unusable:
        raise Refused(unusable)
    return key


def encrypting_key(ciphertext: bytes, expected: str | None, operation: str) -> Key:
    """The enabled key of the ciphertext, which must be the KeyId of the request, if any.

    Recorded: kms test_re_encrypt_incorrect_source_key, test_error_messaging_for_invalid_keys: another key is an
    IncorrectKeyException, regardless of its usage.
    """
    named = existing_key(expected) if expected else None
    with in_account_of(expected or ""):
        key = kms._resolve_key(ciphertext[:KEY_ID_LENGTH].decode("ascii", "replace"))
    if key is None or ciphertext[KEY_ID_LENGTH : KEY_ID_LENGTH + len(FORMAT)] != FORMAT:
        raise refused("InvalidCiphertextException")
    if named is not None and named["Arn"] != key["Arn"]:
        raise refused(
            "IncorrectKeyException",
            "The key ID in the request does not identify a CMK that can perform this operation.",
        )
    return usable_key(key["Arn"], operation)


def encrypt_bytes(key: Key, plaintext: bytes, encryption_context: dict[str, str] | None) -> bytes:
    header = key["KeyId"].encode("ascii") + FORMAT
    nonce = os.urandom(NONCE_LENGTH)
    encrypted = AESGCM(key["_symmetric_key"]).encrypt(nonce, plaintext, associated_data(header, encryption_context))
    return header + nonce + encrypted


def unseal(key: Key, ciphertext: bytes, encryption_context: dict[str, str] | None) -> bytes:
    start = KEY_ID_LENGTH + len(FORMAT)
    header, nonce, encrypted = (
        ciphertext[:start],
        ciphertext[start : start + NONCE_LENGTH],
        ciphertext[start + NONCE_LENGTH :],
    )
    try:
        return AESGCM(key["_symmetric_key"]).decrypt(nonce, encrypted, associated_data(header, encryption_context))
    except (InvalidTag, ValueError):  # ValueError: a truncated nonce
        raise refused("InvalidCiphertextException") from None


def associated_data(header: bytes, encryption_context: dict[str, str] | None) -> bytes:
    return header + json.dumps(encryption_context or {}, sort_keys=True).encode()


def read_blob(request: Request, field: str, longest: int) -> bytes:
    """A required blob of at most `longest` bytes."""
    name = field[0].lower() + field[1:]
    content, unreadable = kms._decode_blob(request.get(field, ""), name, longest)
    if unreadable:
        raise Refused(unreadable)
    if not content:
        raise refused(
            "ValidationException",
            f"1 validation error detected: Value at '{name}' failed to satisfy constraint: "
            "Member must have length greater than or equal to 1",
        )
    return content


def write_blob(content: bytes) -> str:
    return base64.b64encode(content).decode()
