"""AppConfig: permissions to read configurations."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any

from ministack.core import iam_actions
from ministack.services import appconfig

from corrections.support import wrap_function


DATA_PLANE = {
    ("POST", "/configurationsessions"): "appconfig:StartConfigurationSession",
    ("GET", "/configuration"): "appconfig:GetLatestConfiguration",
}


def apply() -> None:
    wrap_function(iam_actions, "extract_iam_action", name_the_action)
    wrap_function(iam_actions, "extract_resource_arn", name_the_configuration)


def name_the_action(
    original: Callable[..., str | None], service: str, method: str, path: str, *request: Any
) -> str | None:
    """service-authorization/latest/reference/list_awsappconfig: reading a configuration needs two permissions.

    MiniStack uses the service name appconfigdata, with which no SDK signs, and checks no permission.
    """
    read = DATA_PLANE.get((method, path)) if service.startswith("appconfig") else None
    return read or original(service, method, path, *request)


def name_the_configuration(
    original: Callable[..., str],
    service: str,
    method: str,
    path: str,
    headers: Mapping[str, str],
    body: bytes,
    query: Mapping[str, Any],
    region: str,
    account: str,
) -> str:
    """service-authorization/latest/reference/list_awsappconfig: both permissions apply to one configuration."""
    if not service.startswith("appconfig") or (method, path) not in DATA_PLANE:
        return original(service, method, path, headers, body, query, region, account)
    asked = json.loads(body) if body else session_of(query)
    application = appconfig._resolve_application_id(asked.get("ApplicationIdentifier", ""))
    if not application:
        return "*"
    environment = appconfig._resolve_environment_id(application, asked.get("EnvironmentIdentifier", ""))
    profile = appconfig._resolve_configuration_profile_id(
        application, asked.get("ConfigurationProfileIdentifier", "")
    )
    if not environment or not profile:
        return "*"
    return (
        f"arn:aws:appconfig:{region}:{account}:application/{application}"
        f"/environment/{environment}/configuration/{profile}"
    )


def session_of(query: Mapping[str, Any]) -> Mapping[str, str]:
    token = query.get("configuration_token", "")
    return appconfig._sessions.get(token[0] if isinstance(token, list) else token) or {}
