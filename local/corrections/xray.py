"""X-Ray: propagation of a trace from a request to executions and functions, and its function segments.

Supports BatchGetTraces and the segments of functions.
"""

from __future__ import annotations

import json
import re
import secrets
import time
from collections.abc import Awaitable, Callable
from contextvars import ContextVar
from typing import Any

from ministack import app
from ministack.core import iam_evaluator
from ministack.core.responses import json_response
from ministack.services import apigateway_v1, lambda_svc, stepfunctions

from corrections.stepfunctions_end import present
from corrections.support import replace_text, wrap_function

Record = dict[str, Any]
Response = tuple[int, dict[str, str], bytes]

HEADER = "X-Amzn-Trace-Id"
ROOT = re.compile(r"(?:^|;)Root=(1-[0-9a-f]{8}-[0-9a-f]{24})(?:;|$)")
SAMPLED = re.compile(r"(?:^|;)Sampled=([01])(?:;|$)")

inbound: ContextVar[str | None] = ContextVar("inbound", default=None)
"""The trace header of the current invocation."""

segments: dict[str, list[Record]] = {}
"""The segments of the invoked functions by sampled trace."""


def apply() -> None:
    wrap_function(iam_evaluator, "pin_signed_request", take_from_request)
    wrap_function(apigateway_v1, "_build_lambda_event_v1", take_from_proxy_event)
    keep_with_the_execution()
    wrap_function(stepfunctions, "_run_execution", begin_anew)
    wrap_function(stepfunctions, "_call_lambda", take_from_execution)
    wrap_function(lambda_svc, "_xray_trace_id_for_invocation", set_for_every_invocation)
    wrap_function(app, "_handle_post_body_shortcuts", get_traces)


def take_from_request(
    original: Callable[..., None], method: str, path: str, query: Record, headers: list[tuple[bytes, bytes]], **more: Any
) -> None:
    """xray/latest/devguide/xray-concepts (tracing header): every request to AWS can have one. MiniStack ignores it."""
    inbound.set(next((value.decode("latin-1") for name, value in headers if name.lower() == HEADER.lower().encode()), None))
    original(method, path, query, headers, **more)


def take_from_proxy_event(original: Callable[..., Record], *request: Any, **options: Any) -> Record:
    """apigateway/latest/developerguide/apigateway-xray: the trace of the request continues in the function, also one
    that API Gateway starts."""
    event = original(*request, **options)
    inbound.set(next((value for name, value in event["headers"].items() if name.lower() == HEADER.lower()), None))
    return event


def keep_with_the_execution() -> None:
    """step-functions/latest/apireference/API_StartExecution and API_DescribeExecution: traceHeader from the parameter or
    from the request's header, which takes precedence (step-functions/latest/dg/concepts-xray-tracing). MiniStack
    ignores it."""
    stepfunctions._trace_header_of = lambda request: inbound.get() or request.get("traceHeader")
    replace_text(
        stepfunctions,
        "_start_execution",
        '        "testCase": test_case,\n',
        '        "testCase": test_case,\n        "traceHeader": _trace_header_of(data),\n',
    )
    replace_text(
        stepfunctions,
        "_describe_execution",
        '    if execution.get("mapRunArn"):\n',
        '    if execution.get("traceHeader"):\n'
        '        result["traceHeader"] = execution["traceHeader"]\n'
        '    if execution.get("mapRunArn"):\n',
    )


def begin_anew(original: Callable[..., None], *arguments: Any) -> None:
    """An execution outlives the request that started it: calls at its end do not belong to that request."""
    inbound.set(None)
    original(*arguments)


def take_from_execution(original: Callable[[str, Any], Any], function: str, event: Any) -> Any:
    """step-functions/latest/dg/concepts-xray-tracing: the trace of an execution continues in the functions that it
    invokes."""
    execution = present.get() or {}
    outer = inbound.set(execution.get("traceHeader"))
    try:
        return original(function, event)
    finally:
        inbound.reset(outer)


def set_for_every_invocation(original: Callable[..., str | None], configuration: Record, header: str | None = None) -> str:
    """lambda/latest/dg/configuration-envvars: _X_AMZN_TRACE_ID changes with each invocation. lambda/latest/dg/
    services-xray: the trace is the caller's, if it has one; the parent is this invocation; without active tracing,
    the caller decides on sampling.

    MiniStack sets it only for functions with active tracing, and always starts a new trace.
    """
    given = header or inbound.get() or ""
    root = ROOT.search(given)
    sampled = SAMPLED.search(given)
    is_active = (configuration.get("TracingConfig") or {}).get("Mode") == "Active"
    trace = root[1] if root else f"1-{int(time.time()):08x}-{secrets.token_hex(12)}"
    is_sampled = sampled[1] if sampled else str(int(is_active))
    segment = secrets.token_hex(8)
    if is_sampled == "1":
        name = configuration["FunctionName"]
        document = {"id": segment, "trace_id": trace, "name": name, "origin": "AWS::Lambda::Function"}
        segments.setdefault(trace, []).append({"Id": segment, "Document": json.dumps(document)})
    return f"Root={trace};Parent={segment};Sampled={is_sampled}"


async def get_traces(
    original: Callable[..., Awaitable[Response | None]], method: str, path: str, headers: Record, body: bytes, *rest: Any
) -> Response | None:
    """xray/latest/api/API_BatchGetTraces: the segments of traces, each as a document. MiniStack has no X-Ray."""
    if method != "POST" or path != "/Traces" or "/xray/aws4_request" not in headers.get("authorization", ""):
        return await original(method, path, headers, body, *rest)
    wanted = json.loads(body)["TraceIds"]
    return json_response(
        {
            "Traces": [{"Id": trace, "Segments": segments[trace]} for trace in wanted if trace in segments],
            "UnprocessedTraceIds": [trace for trace in wanted if trace not in segments],
        }
    )
