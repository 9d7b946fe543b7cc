"""Lambda: the client context reaches the function."""

from __future__ import annotations

import base64
import json
from collections.abc import Awaitable, Callable
from contextvars import ContextVar
from typing import Any

from ministack.core import lambda_runtime
from ministack.services import lambda_svc

from corrections.support import replace_constant_text, replace_text, wrap_function

client_context: ContextVar[Any] = ContextVar("client_context", default=None)


def apply() -> None:
    """lambda/latest/api/API_Invoke (ClientContext) and lambda/latest/dg/nodejs-context: the context of a synchronous
    invocation contains the caller's ClientContext, JSON in base64.

    MiniStack ignores it.
    """
    wrap_function(lambda_svc, "_invoke", keep_client_context)
    lambda_runtime._client_context = client_context.get
    replace_text(
        lambda_runtime,
        "Worker.invoke",
        '"trace_id": trace_id,\n',
        '"trace_id": trace_id,\n                    "client_context": _client_context(),\n',
    )
    replace_constant_text(
        lambda_runtime, "_NODEJS_WORKER_SCRIPT", "clientContext: null,", "clientContext: ctx.client_context ?? undefined,"
    )


async def keep_client_context(
    original: Callable[..., Awaitable[Any]], name: str, event: Any, headers: dict[str, str], *rest: Any
) -> Any:
    given = headers.get("x-amz-client-context")
    is_synchronous = headers.get("x-amz-invocation-type", "RequestResponse") == "RequestResponse"
    client_context.set(json.loads(base64.b64decode(given)) if given and is_synchronous else None)
    return await original(name, event, headers, *rest)
