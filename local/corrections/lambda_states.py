"""Lambda: states and revisions of functions and versions."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable
from typing import Any

from ministack.core.responses import json_response, new_uuid
from ministack.services import lambda_svc

from corrections.support import replace_text, wrap_function

Config = dict[str, Any]
Response = tuple[int, dict[str, str], bytes]

REASON = "The function is being created."
"""AWS gives it for updates, too."""


def apply() -> None:
    change_the_revision()
    wrap_function(lambda_svc, "handle_request", describe_updates)


def change_the_revision() -> None:
    """lambda/latest/api/API_GetFunctionConfiguration (RevisionId): the revision changes with each update, also with that of
    the state. MiniStack keeps it, so a revision that a client reads during an update stays valid.

    Recorded: lambda_ test_function_state, test_lambda_handler_update.
    """
    lambda_svc._revise = revise
    replace_text(
        lambda_svc,
        "_schedule_state_transition",
        '            cfg["State"] = "Active"\n',
        '            cfg["State"] = "Active"\n            _revise(fn, cfg)\n',
    )


def revise(function: dict[str, Any], config: Config) -> None:
    """A version with the function's code and configuration still has them: it is not published again."""
    former, config["RevisionId"] = config["RevisionId"], new_uuid()
    for version in function["versions"].values():
        if version.get("function_revision") == former:
            version["function_revision"] = config["RevisionId"]


async def describe_updates(
    original: Callable[..., Awaitable[Response]], method: str, path: str, headers: Any, body: bytes, *rest: Any
) -> Response:
    """lambda/latest/api/API_UpdateFunctionCode: the response has the reason for LastUpdateStatus; with Publish, it describes
    the new version, which is created. MiniStack has no reason, and returns the function with the version's number.

    Recorded: lambda_ test_lambda_alias_moving, test_lambda_handler_update, test_lambda_versions_with_code_changes.
    """
    status, response_headers, response_body = await original(method, path, headers, body, *rest)
    if method != "PUT" or status != 200 or not path.endswith(("/code", "/configuration")):
        return status, response_headers, response_body
    config = json.loads(response_body)
    if config["Version"] != "$LATEST":
        return json_response(published(lambda_svc._functions[config["FunctionName"]], config["Version"]))
    return json_response({**config, "LastUpdateStatusReason": REASON, "LastUpdateStatusReasonCode": "Creating"})


def published(function: dict[str, Any], version: str) -> Config:
    config = function["versions"][version]["config"]
    config["FunctionArn"] = f"{function['config']['FunctionArn']}:{version}"
    config.update(State="Pending", StateReason=REASON, StateReasonCode="Creating")
    return {name: value for name, value in config.items() if not name.startswith("LastUpdateStatus")}
