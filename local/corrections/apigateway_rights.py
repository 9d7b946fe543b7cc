"""API Gateway (REST): it calls a function only when the function's policy lets it."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable
from typing import Any

from ministack.core.responses import get_account_id, get_region
from ministack.services import apigateway_v1, lambda_svc

from corrections.iam import service_may
from corrections.support import wrap_function

logger = logging.getLogger("corrections.apigateway_rights")

Record = dict[str, Any]

SERVICE = "apigateway.amazonaws.com"


def apply() -> None:
    wrap_function(apigateway_v1, "_invoke_lambda_proxy_v1", ask_the_function)
    wrap_function(apigateway_v1, "_invoke_authorizer_lambda", ask_the_authorizer)


async def ask_the_function(
    original: Callable[..., Awaitable[Any]],
    integration: Record,
    api_id: str,
    stage: str,
    stage_settings: Record,
    resource: Record,
    path: str,
    method: str,
    *rest: Any,
    **options: Any,
) -> Any:
    """lambda/latest/dg/services-apigateway (permissions): without the right to invoke it in the function's policy, the
    request fails by a configuration error; an integration with a role of its own needs no policy. MiniStack asks nobody.

    repost.aws/knowledge-center/api-gateway-internal-server-error: "Invalid permissions on Lambda function", 500.
    """
    source = f"{api_arn(api_id)}/{stage}/{method}{resource.get('path', path)}"
    if integration.get("credentials") or may_call(integration.get("uri", ""), source):
        return await original(integration, api_id, stage, stage_settings, resource, path, method, *rest, **options)
    return apigateway_v1._gw_error("API_CONFIGURATION_ERROR", "Internal server error")


async def ask_the_authorizer(
    original: Callable[..., Awaitable[Any]], authorizer: Record, event: Record, *scope: Any
) -> Any:
    """apigateway/latest/developerguide/configure-api-gateway-lambda-authorization: an authorizer's function has to let API
    Gateway invoke it, or the authorizer has a role. MiniStack asks nobody."""
    api_id = event["methodArn"].split(":")[-1].split("/")[0]
    source = f"{api_arn(api_id)}/authorizers/{authorizer['id']}"
    if authorizer.get("authorizerCredentials") or may_call(authorizer.get("authorizerUri", ""), source):
        return await original(authorizer, event, *scope)
    return None  # as when there is no such function


def api_arn(api_id: str) -> str:
    return f"arn:aws:execute-api:{get_region()}:{get_account_id()}:{api_id}"


def may_call(uri: str, source: str) -> bool:
    """Whether the policy of the function that an integration names lets API Gateway call it."""
    function = apigateway_v1._extract_lambda_ref_from_integration_uri(uri)
    policy, _ = lambda_svc.function_policy_for_arn(function) or (None, "")
    allowed = service_may(SERVICE, "lambda:InvokeFunction", function, policy, source)
    if not allowed:
        logger.warning("%s: Invalid permissions on Lambda function %s", source, function)
    return allowed
