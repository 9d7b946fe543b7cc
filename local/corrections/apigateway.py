"""API Gateway (REST): headers and address of the proxy event, models by content type, gateway responses and their
templates, the scope of signatures, host names of APIs."""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable
from contextvars import ContextVar
from typing import Any

from ministack import app
from ministack.core import iam_evaluator, sigv4
from ministack.core.iam_evaluator import AuthError
from ministack.core.responses import get_account_id, get_request_client_ip
from ministack.services import apigateway_v1

from corrections.support import replace_text, wrap_function

LOCAL_HOSTS = ("127.0.0.1", "localhost")
"""Names of this server (BIND_HOST)."""

RawHeaders = list[tuple[bytes, bytes]]

arrived: ContextVar[tuple[str, RawHeaders]] = ContextVar("arrived")
"""Original path and headers of the current request."""


def apply() -> None:
    wrap_function(iam_evaluator, "pin_signed_request", remember_request)
    wrap_function(apigateway_v1, "_build_lambda_event_v1", build_proxy_event)
    choose_models_by_content_type()
    choose_templates_by_content_type()
    answer_denials_by_gateway_response()
    wrap_function(apigateway_v1, "find_api_scope", find_api_of_any_account)
    authorize_in_account_of_the_api()
    wrap_function(app, "_enforce_execute_api", check_scope)
    wrap_function(app, "_enforce_execute_api", check_host)


def remember_request(
    original: Callable[..., None], method: str, path: str, query: dict[str, Any], headers: RawHeaders, **options: Any
) -> None:
    """Runs for every request before routing."""
    arrived.set((path, headers))
    original(method, path, query, headers, **options)


def build_proxy_event(original: Callable[..., dict[str, Any]], *request: Any, **options: Any) -> dict[str, Any]:
    """lambda/latest/dg/services-apigateway and apigateway/latest/developerguide/set-up-lambda-proxy-integrations: header
    names as the client sent them, X-Forwarded-* headers, and the host and path that the client called.

    MiniStack passes lower-case names, none of those headers, no domainName, and a path that no client can request.
    """
    event = original(*request, **options)
    path, raw_headers = arrived.get()
    headers = [(name.decode("latin-1"), value.decode("latin-1")) for name, value in raw_headers]
    host = next((value for name, value in headers if name.lower() == "host"), "")
    headers += forwarding_headers(host, {name.lower() for name, _ in headers})
    event["headers"] = dict(headers)
    event["multiValueHeaders"] = grouped(headers)
    event["requestContext"].update(domainName=host, domainPrefix=host.split(".")[0], path=path)
    return event


def forwarding_headers(host: str, sent: set[str]) -> list[tuple[str, str]]:
    """The headers that API Gateway adds, unless a proxy in front of it has already sent them."""
    added = {
        "X-Amzn-Trace-Id": f"Root=1-{int(time.time()):08x}-{secrets.token_hex(12)}",
        "X-Forwarded-For": get_request_client_ip(),
        "X-Forwarded-Port": host.partition(":")[2] or "80",
        "X-Forwarded-Proto": "http",
    }
    return [(name, value) for name, value in added.items() if name.lower() not in sent]


def grouped(headers: list[tuple[str, str]]) -> dict[str, list[str]]:
    values: dict[str, list[str]] = {}
    for name, value in headers:
        values.setdefault(name, []).append(value)
    return values


def choose_models_by_content_type() -> None:
    """apigateway/latest/developerguide/api-gateway-method-request-validation: the model of the request's content type
    validates the body, or else the model $default. MiniStack uses that of application/json for every type."""
    replace_text(
        apigateway_v1,
        "_check_request_validation",
        'method_obj.get("requestModels") or {}).get("application/json")',
        'method_obj.get("requestModels") or {}).get("$default")',
    )


def choose_templates_by_content_type() -> None:
    """apigateway/latest/developerguide/api-gateway-swagger-extensions-gateway-responses.responseTemplates: a template's
    key is the content type. MiniStack supports only application/json."""
    apigateway_v1._content_type_of = content_type_of
    replace_text(
        apigateway_v1,
        "_gateway_error_response",
        'template = (response.get("responseTemplates") or {}).get("application/json")',
        "content_type = _content_type_of(response)\n"
        '    template = (response.get("responseTemplates") or {}).get(content_type)',
    )
    replace_text(
        apigateway_v1,
        "_gateway_error_response",
        'headers = {"Content-Type": "application/json"}',
        'headers = {"Content-Type": content_type}',
    )


def content_type_of(gateway_response: dict[str, Any]) -> str:
    """application/json, unless the gateway response has only templates of other types."""
    templates = gateway_response.get("responseTemplates") or {}
    return "application/json" if "application/json" in templates else next(iter(templates), "application/json")


def answer_denials_by_gateway_response() -> None:
    """apigateway/latest/developerguide/supported-gateway-response-types (ACCESS_DENIED): a request that a policy denies
    gets the gateway response. MiniStack returns IAM's error."""
    apigateway_v1._AUTHENTICATION_GATEWAY_ERRORS["AccessDenied"] = ("ACCESS_DENIED", "AccessDeniedException")
    app._denied_by_policy = denied_by_policy
    replace_text(
        app,
        "_enforce_data_plane",
        '        explicit = denied.decision == "Deny"\n',
        '        by_gateway = _denied_by_policy(denied, iam_action, resource_arn, auth_error_response)\n'
        '        if by_gateway:\n'
        '            return by_gateway\n'
        '        explicit = denied.decision == "Deny"\n',
    )


def denied_by_policy(
    denied: iam_evaluator.EvalResult,
    action: str,
    resource: str,
    gateway_response: Callable[[AuthError], Any] | None,
) -> Any:
    if gateway_response is None or action != "execute-api:Invoke":
        return None
    message = f"User: {denied.principal_arn} is not authorized to perform: {action} on resource: {resource}"
    return gateway_response(AuthError("AccessDenied", message))


def find_api_of_any_account(
    original: Callable[[str], tuple[str, str] | None], api_id: str
) -> tuple[str, str] | None:
    """apigateway/latest/developerguide/how-to-call-api: the host of an API contains its id, and an API is called
    without credentials of its account. MiniStack finds APIs of the account of the signature, or of the default
    account."""
    owners = (scope for (*scope, name), _ in apigateway_v1._rest_apis.all_items() if name == api_id)
    return original(api_id) or next(((account, region) for account, region in owners), None)


def authorize_in_account_of_the_api() -> None:
    """apigateway/latest/developerguide/apigateway-authorization-flow (IAM authorization): the ARN of a method
    contains the account of the API, and a caller of another account also needs an Allow in the policy of the API.
    MiniStack authorizes for the ARN in the account of the caller."""
    app._account_of_api = lambda api_id: (apigateway_v1.find_api_scope(api_id) or (get_account_id(),))[0]
    replace_text(
        app,
        "_enforce_execute_api",
        "extract_region(headers, query_params), get_account_id(),\n",
        "extract_region(headers, query_params), _account_of_api(api_id),\n",
    )


def check_host(
    original: Callable[..., Any],
    api_id: str,
    stage: str,
    method: str,
    path: str,
    headers: dict[str, Any],
    *request: Any,
    **options: Any,
) -> Any:
    """apigateway/latest/developerguide/how-to-custom-domains: an API has its own host name and custom domain names. API
    Gateway finds the API by its host name, and returns an error for any other.

    MiniStack accepts any, and passes it to functions as the domain name.
    """
    host = headers.get("host", "").rsplit(":", 1)[0]
    if host not in LOCAL_HOSTS and not host.endswith(".localhost"):
        forbidden = {"Content-Type": "application/json", "x-amzn-ErrorType": "ForbiddenException"}
        return 403, forbidden, b'{"message":"Forbidden"}'
    return original(api_id, stage, method, path, headers, *request, **options)


def check_scope(
    original: Callable[..., Any],
    api_id: str,
    stage: str,
    method: str,
    path: str,
    headers: dict[str, Any],
    query: dict[str, Any],
    **options: Any,
) -> Any:
    """IAM/latest/UserGuide/reference_sigv-troubleshooting (credential scope): a signature is for one service in one
    region. MiniStack accepts any."""
    if app._execute_api_authorization_type(api_id, stage, method, path) == "AWS_IAM":
        wrong = scope_fault(headers, apigateway_v1.find_api_scope(api_id))
        if wrong:
            error = AuthError("SignatureDoesNotMatch", f"Credential should be scoped to {wrong}. ")
            return apigateway_v1.authentication_error_response(api_id, stage, error, headers, query)
    return original(api_id, stage, method, path, headers, query, **options)


def scope_fault(headers: dict[str, Any], owner: tuple[str, str] | None) -> str | None:
    """The required credential scope; None if the signature has it, or if there is no parsable signature."""
    if owner is None or not headers.get("authorization", "").startswith("AWS4-HMAC-SHA256"):
        return None
    signature = sigv4.parse_header_signature(headers)
    if isinstance(signature, tuple):
        return None
    if signature.region != owner[1]:
        return "a valid region"
    return None if signature.service == "execute-api" else "correct service: 'execute-api'"
