"""Cognito: user pools whose usernames are not case sensitive."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

from corrections.support import wrap_function
from ministack.services import cognito

Fields = dict[str, Any]
Response = tuple[int, dict[str, str], bytes]


def apply() -> None:
    wrap_function(cognito, "_dispatch_idp", ignore_case)


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
