"""Cognito: usernames that are not case sensitive, attributes that may not be written, flows and sign-up that are off."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

from corrections.support import wrap_function
from ministack.core.responses import error_response_json
from ministack.services import cognito

Fields = dict[str, Any]
Response = tuple[int, dict[str, str], bytes]


def apply() -> None:
    wrap_function(cognito, "_dispatch_idp", ignore_case)
    wrap_function(cognito, "_update_user_attributes", keep_what_the_client_may_not_write)
    wrap_function(cognito, "_admin_update_user_attributes", keep_what_is_immutable)
    cognito._PASSWORD_AUTH_FLOWS.update(FLOWS)
    wrap_function(cognito, "_sign_up", keep_sign_up_to_administrators)


FLOWS = {
    "REFRESH_TOKEN_AUTH": ({"ALLOW_REFRESH_TOKEN_AUTH"}, "Auth flow not enabled for this client"),
    "REFRESH_TOKEN": ({"ALLOW_REFRESH_TOKEN_AUTH"}, "Auth flow not enabled for this client"),
}
"""cognito-user-identity-pools/latest/APIReference/API_CreateUserPoolClient (ExplicitAuthFlows): a client takes the
flows that are named for it. MiniStack takes refresh tokens always."""


def keep_sign_up_to_administrators(original: Callable[[Fields], Response], request: Fields) -> Response:
    """cognito-user-identity-pools/latest/APIReference/API_AdminCreateUserConfigType: with AllowAdminCreateUserOnly
    nobody signs up by himself. MiniStack stores the setting and lets everybody."""
    pool, _ = cognito._pool_for_client(request.get("ClientId"))
    if str((pool or {}).get("AdminCreateUserConfig", {}).get("AllowAdminCreateUserOnly", False)).lower() == "true":
        return error_response_json("NotAuthorizedException", "SignUp is not permitted for this user pool", 400)
    return original(request)


def keep_what_the_client_may_not_write(original: Callable[[Fields], Response], request: Fields) -> Response:
    """cognito/latest/developerguide/user-pool-settings-attributes: a user changes, with a client's token, what that
    client may write and what is not immutable. MiniStack lets it change everything."""
    token = request.get("AccessToken", "")
    user, pool = cognito._user_pool_for_access_token(token)
    if user is not None:
        client = pool["_clients"].get(cognito._token_claims(token).get("client_id"), {})
        writable = client.get("WriteAttributes") or names_in(request)
        if not names_in(request) <= set(writable):
            message = "A client attempted to write unauthorized attribute"
            return error_response_json("NotAuthorizedException", message, 400)
        refusal = refuse_immutable(pool, request)
        if refusal is not None:
            return refusal
    return original(request)


def keep_what_is_immutable(original: Callable[[Fields], Response], request: Fields) -> Response:
    """cognito/latest/developerguide/user-pool-settings-attributes: an immutable attribute is written when its user is
    made, and by nobody after that. MiniStack overwrites it."""
    pool = cognito._user_pools.get(request.get("UserPoolId"))
    return (refuse_immutable(pool, request) if pool else None) or original(request)


def refuse_immutable(pool: Fields, request: Fields) -> Response | None:
    immutable = {
        attribute["Name"] for attribute in pool.get("SchemaAttributes", []) if not attribute.get("Mutable", True)
    }
    for name in sorted(names_in(request) & immutable):
        message = f"user.{name}: Attribute cannot be updated."
        return error_response_json("InvalidParameterException", message, 400)
    return None


def names_in(request: Fields) -> set[str]:
    return {attribute["Name"] for attribute in request.get("UserAttributes", [])}


async def ignore_case(original: Callable[[str, Fields], Awaitable[Response]], action: str, request: Fields) -> Response:
    """cognito/latest/developerguide/user-pool-case-sensitivity: without CaseSensitive, Alice and alice are one user.

    MiniStack stores the setting and compares exactly.
    """
    pool = pool_of(request)
    if pool is None or pool.get("UsernameConfiguration", {}).get("CaseSensitive", True):
        return await original(action, request)
    return await original(action, as_stored(pool, request))


def pool_of(request: Fields) -> Fields | None:
    if "UserPoolId" in request:
        return cognito._user_pools.get(request["UserPoolId"])
    return cognito._pool_for_client(request["ClientId"])[0] if "ClientId" in request else None


def as_stored(pool: Fields, request: Fields) -> Fields:
    """The request with the username in the letters in which its user was created, if there is one."""
    stored = {name.lower(): name for name in pool["_users"]}
    spelled = dict(request)
    if "Username" in request:
        spelled["Username"] = stored.get(request["Username"].lower(), request["Username"])
    for field in ("AuthParameters", "ChallengeResponses"):
        name = request.get(field, {}).get("USERNAME")
        if name is not None:
            spelled[field] = {**request[field], "USERNAME": stored.get(name.lower(), name)}
    return spelled
