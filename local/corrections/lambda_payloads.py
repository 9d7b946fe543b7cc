"""Lambda: payloads that are refused, and the form of errors."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable
from typing import Any

from ministack.core.responses import error_response_json
from ministack.services import lambda_svc

from corrections.support import wrap_function

Fields = dict[str, Any]
Response = tuple[int, dict[str, str], bytes]

LARGEST_PAYLOAD = 6_291_556
"""Bytes of the payload or the response of a synchronous invocation."""

LARGEST_EVENT = 1024 * 1024
"""Bytes of the payload of an asynchronous invocation."""

WITHOUT_TYPE = {"AccessDeniedException", "RequestEntityTooLargeException", "ValidationException"}


def apply() -> None:
    wrap_function(lambda_svc, "handle_request", check_payload)
    wrap_function(lambda_svc, "_execute_function_dispatch", refuse_large_response)


async def check_payload(
    original: Callable[..., Awaitable[Response]], method: str, path: str, headers: Fields, body: bytes, query: Fields
) -> Response:
    """lambda/latest/api/API_Invoke (InvalidRequestContentException, RequestTooLargeException) and
    lambda/latest/dg/gettingstarted-limits: a payload is JSON, of at most 6 MB, of an event of at most 1 MB.

    MiniStack answers 500 for a text that is not UTF-8, and invokes with an empty event for other text.
    Recorded: lambda_ test_lambda_invoke_payload_encoding_error.
    """
    if method == "POST" and path.endswith("/invocations"):
        is_event = headers.get("x-amz-invocation-type") == "Event"
        limit = LARGEST_EVENT if is_event else LARGEST_PAYLOAD
        if len(body) > limit:
            return error(
                "RequestTooLargeException",
                f"Request must be smaller than {limit} bytes for the InvokeFunction operation",
                413,
            )
        if problem := problem_of(body):
            return error("InvalidRequestContentException", f"Could not parse request body into json: {problem}", 400)
    return with_type(await original(method, path, headers, body, query))


def problem_of(body: bytes) -> str | None:
    try:
        json.loads(body or b"{}")
    except ValueError as problem:
        return f"Could not parse payload into json: {problem}"
    return None


def error(code: str, message: str, status: int) -> Response:
    return with_type(error_response_json(code, message, status))


def with_type(response: Response) -> Response:
    """lambda/latest/api/API_Invoke (Errors): most errors of Lambda have the member Type. MiniStack omits it.

    Recorded: lambda_ test_invoke_exceptions, test_reserved_concurrency.
    """
    status, headers, body = response
    if status < 400:
        return response
    fields = json.loads(body)
    if "Type" in fields or fields.get("__type") in WITHOUT_TYPE:
        return response
    return status, headers, json.dumps({**fields, "Type": "User"}).encode()


def refuse_large_response(original: Callable[..., Fields], *invocation: Any) -> Fields:
    """lambda/latest/dg/gettingstarted-limits (invocation payload): the response of a function has at most 6 MB. MiniStack
    returns any.

    Recorded: lambda_ test_lambda_too_large_response.
    """
    result = original(*invocation)
    if not result.get("error") and size(result.get("body")) > LARGEST_PAYLOAD:
        message = f"Response payload size exceeded maximum allowed payload size ({LARGEST_PAYLOAD} bytes)."
        result.update(error=True, body={"errorType": "Function.ResponseSizeTooLarge", "errorMessage": message})
    return result


def size(body: Any) -> int:
    return len(body if isinstance(body, bytes) else json.dumps(body, ensure_ascii=False).encode())
