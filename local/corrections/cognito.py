"""Cognito: case-insensitive usernames, protected attributes, disabled flows and sign-up, invalid usernames and
passwords."""

from __future__ import annotations

import re
import secrets
import threading
import unicodedata
from collections.abc import Awaitable, Callable
from typing import Any

from ministack.core.responses import error_response_json, request_scope
from ministack.services import cognito

from corrections.support import wrap_function

Fields = dict[str, Any]
Response = tuple[int, dict[str, str], bytes]


def apply() -> None:
    wrap_function(cognito, "_dispatch_idp", ignore_case)
    wrap_function(cognito, "_dispatch_idp", find_pool_of_any_account)
    wrap_function(cognito, "_update_user_attributes", keep_what_the_client_may_not_write)
    wrap_function(cognito, "_admin_update_user_attributes", keep_what_is_immutable)
    cognito._PASSWORD_AUTH_FLOWS.update(FLOWS)
    wrap_function(cognito, "_sign_up", keep_sign_up_to_administrators)
    for name in ("_admin_create_user", "_admin_set_user_password", "_sign_up"):
        wrap_function(cognito, name, refuse_what_is_no_name_or_password)
    wrap_function(cognito, "_password_policy_errors", count_as_cognito_does)
    wrap_function(cognito, "_admin_create_user", create_one_at_a_time)
    wrap_function(cognito, "_generate_temp_password", generate_for_any_policy)


creating = threading.Lock()


def create_one_at_a_time(original: Callable[[Fields], Response], request: Fields) -> Response:
    """API_AdminCreateUser (Errors, UsernameExistsException): a username is unique.

    MiniStack serves each request in a thread, and another thread can create the user between its check and its write.
    """
    with creating:
        return original(request)


def generate_for_any_policy(original: Callable[[], str]) -> str:
    """API_AdminCreateUser (TemporaryPassword): the password that Cognito generates conforms to the policy of the pool,
    which requires at most 99 characters (API_PasswordPolicyType). MiniStack generates 12."""
    return original() + secrets.token_urlsafe(66)


PASSWORD = re.compile(r"[^ \t\n\x0b\f\r]+[^\n\r\u0085\u2028\u2029]*[^ \t\n\x0b\f\r]+")
"""`^[\\S]+.*[\\S]+$` in Java's syntax: no ASCII space at either end, no line end inside, at least two characters."""


def refuse_what_is_no_name_or_password(original: Callable[[Fields], Response], request: Fields) -> Response:
    """cognito-user-identity-pools/latest/APIReference/API_AdminSetUserPassword and API_AdminCreateUser (Username,
    Password, TemporaryPassword): a value that does not match the pattern of a parameter, or is too long, is an
    invalid parameter, regardless of the pool's policy. The reference gives `[\\S]+` for passwords; Cognito's
    responses contain the pattern above, which agrees with cognito/latest/developerguide/managing-users-passwords (no
    leading or trailing space). MiniStack accepts all."""
    for parameter in ("Password", "TemporaryPassword"):
        password = request.get(parameter)
        if password is None:
            continue
        field = parameter[0].lower() + parameter[1:]
        if len(password.encode("utf-16-le", "surrogatepass")) // 2 > 256:
            return invalid(f"Value at '{field}'", "Member must have length less than or equal to 256")
        if not PASSWORD.fullmatch(password):
            return invalid(f"Value at '{field}'", r"Member must satisfy regular expression pattern: ^[\S]+.*[\S]+$")
    username = request.get("Username", "")
    if len(username) > 128:
        return invalid("Value at 'username'", "Member must have length less than or equal to 128")
    if any(unicodedata.category(character)[0] not in "LMSNP" for character in username):
        pattern = r"[\p{L}\p{M}\p{S}\p{N}\p{P}]+"
        return invalid("Value at 'username'", f"Member must satisfy regular expression pattern: {pattern}")
    return original(request)


def invalid(value: str, constraint: str) -> Response:
    message = f"1 validation error detected: {value} failed to satisfy constraint: {constraint}"
    return error_response_json("InvalidParameterException", message, 400)


def count_as_cognito_does(original: Callable[[Fields, str], list[str]], pool: Fields, password: str) -> list[str]:
    """cognito/latest/developerguide/managing-users-passwords: alphabetic characters are those of Basic Latin, numbers
    are 0 to 9, and an inner space is a special character. MiniStack accepts every alphabet, and no space."""
    plain = "".join(character if character.isascii() else "\u00b7" for character in password)
    return original(pool, f"{plain[0]}{plain[1:-1].replace(' ', '_')}{plain[-1]}" if len(plain) > 1 else plain)


FLOWS = {
    "REFRESH_TOKEN_AUTH": ({"ALLOW_REFRESH_TOKEN_AUTH"}, "Auth flow not enabled for this client"),
    "REFRESH_TOKEN": ({"ALLOW_REFRESH_TOKEN_AUTH"}, "Auth flow not enabled for this client"),
}
"""cognito-user-identity-pools/latest/APIReference/API_CreateUserPoolClient (ExplicitAuthFlows): a client allows only its
flows. MiniStack always allows refresh tokens."""


def keep_sign_up_to_administrators(original: Callable[[Fields], Response], request: Fields) -> Response:
    """cognito-user-identity-pools/latest/APIReference/API_AdminCreateUserConfigType: with AllowAdminCreateUserOnly
    sign-up is disabled. MiniStack stores the setting and allows it."""
    pool, _ = cognito._pool_for_client(request.get("ClientId"))
    if str((pool or {}).get("AdminCreateUserConfig", {}).get("AllowAdminCreateUserOnly", False)).lower() == "true":
        return error_response_json("NotAuthorizedException", "SignUp is not permitted for this user pool", 400)
    return original(request)


def keep_what_the_client_may_not_write(original: Callable[[Fields], Response], request: Fields) -> Response:
    """cognito/latest/developerguide/user-pool-settings-attributes: with a client's token, a user can change only mutable
    attributes that the client may write. MiniStack allows all changes."""
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
    """cognito/latest/developerguide/user-pool-settings-attributes: an immutable attribute is written only when its user
    is created. MiniStack overwrites it."""
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


async def find_pool_of_any_account(
    original: Callable[[str, Fields], Awaitable[Response]], action: str, request: Fields
) -> Response:
    """cognito-user-identity-pools/latest/APIReference/API_InitiateAuth and others: no IAM policy is evaluated for
    requests about an app client or with a user's token, and they need no signature. So the id of the client or the
    token finds the pool.

    MiniStack finds pools of the account of the signature, or of the default account.
    """
    pool_id = signed_in_pool(request) if action in cognito._UNSIGNED_IDP_ACTIONS else None
    for (account, region, name), _ in cognito._user_pools.all_items():
        if name == pool_id:
            with request_scope(account, region):
                return await original(action, request)
    return await original(action, request)


def signed_in_pool(request: Fields) -> str | None:
    """The id of the pool with the app client or the token of the request."""
    tokens = (request.get(name) for name in ("AccessToken", "RefreshToken", "Token"))
    issuers = [pool for pool in map(cognito._pool_id_from_token, tokens) if pool]
    clients = (name for name, pool in cognito._all_pools() if request.get("ClientId") in pool["_clients"])
    return next(clients, None) or next(iter(issuers), None)


def pool_of(request: Fields) -> Fields | None:
    if "UserPoolId" in request:
        return cognito._user_pools.get(request["UserPoolId"])
    return cognito._pool_for_client(request["ClientId"])[0] if "ClientId" in request else None


def as_stored(pool: Fields, request: Fields) -> Fields:
    """The request with the username in the case in which the user was created, if it exists."""
    stored = {name.lower(): name for name in pool["_users"]}
    spelled = dict(request)
    if "Username" in request:
        spelled["Username"] = stored.get(request["Username"].lower(), request["Username"])
    for field in ("AuthParameters", "ChallengeResponses"):
        name = request.get(field, {}).get("USERNAME")
        if name is not None:
            spelled[field] = {**request[field], "USERNAME": stored.get(name.lower(), name)}
    return spelled
