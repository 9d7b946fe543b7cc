"""API Gateway (REST): it invokes a function only if the function's policy allows it."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable
from typing import Any

from ministack.core.responses import get_account_id, get_region
from ministack.services import apigateway_v1, lambda_svc

from corrections.iam import service_may
from corrections.support import wrap_function

logger = logging.getLogger("corrections.apigateway_permissions")

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
    """lambda/latest/dg/services-apigateway (permissions): without permission in the function's policy, the request fails
    with a configuration error; an integration with a role needs no policy. MiniStack checks no permission.

    repost.aws/knowledge-center/api-gateway-internal-server-error: "Invalid permissions on Lambda function", 500.
    """
    source = f"{api_arn(api_id)}/{stage}/{method}{resource.get('path', path)}"
    if integration.get("credentials") or may_call(integration.get("uri", ""), source):
        return await original(integration, api_id, stage, stage_settings, resource, path, method, *rest, **options)
    return apigateway_v1._gw_error("API_CONFIGURATION_ERROR", "Internal server error")


async def ask_the_authorizer(
    original: Callable[..., Awaitable[Any]], authorizer: Record, event: Record, *scope: Any
) -> Any:
    """apigateway/latest/developerguide/configure-api-gateway-lambda-authorization: the policy of an authorizer's
    function has to allow API Gateway to invoke it, or the authorizer has a role. MiniStack checks no permission."""
    api_id = event["methodArn"].split(":")[-1].split("/")[0]
    source = f"{api_arn(api_id)}/authorizers/{authorizer['id']}"
    if authorizer.get("authorizerCredentials") or may_call(authorizer.get("authorizerUri", ""), source):
        return await original(authorizer, event, *scope)
    return None  # as for a missing function


def api_arn(api_id: str) -> str:
    return f"arn:aws:execute-api:{get_region()}:{get_account_id()}:{api_id}"


def may_call(uri: str, source: str) -> bool:
    """Whether the policy of an integration's function allows API Gateway to invoke it."""
    function = apigateway_v1._extract_lambda_ref_from_integration_uri(uri)
    policy, _ = lambda_svc.function_policy_for_arn(function) or (None, "")
    allowed = service_may(SERVICE, "lambda:InvokeFunction", function, policy, source)
    if not allowed:
        logger.warning("%s: Invalid permissions on Lambda function %s", source, function)
    return allowed
