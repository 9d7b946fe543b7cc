"""Keeps samples of requests and responses, for tests only: LOCAL_AWS_RECORD=<folder>. Without it nothing is changed.

Afterwards, test/models compares the requests of code and state machines and the responses of the local AWS with the
service models of botocore. A sample is one JSON file. There is one per operation, result and set of fields, and at
most MOST per operation and result.
"""

from __future__ import annotations

import base64
import hashlib
import json
import os
import re
from collections import Counter
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

from ministack.services import stepfunctions

from corrections.support import wrap_function

Record = dict[str, Any]

FOLDER = os.environ.get("LOCAL_AWS_RECORD", "")
MOST = 12
LARGEST = 1_000_000
"""Maximum size of a stored body in bytes."""

NOT_CALLS = {"execute-api", "s3"}
"""Services whose requests belong to the project itself, or are files."""

SIGNED_FOR = re.compile(r"Credential=[^/]+/\d+/[^/]+/([^/]+)/")
CODE = re.compile(rb"<Code>(.*?)</Code>")

counted: Counter[tuple[str, ...]] = Counter()
kept: set[str] = set()


def apply() -> None:
    if FOLDER:
        wrap_function(stepfunctions, "_invoke_resource", keep_task)


def around(app: Any) -> Any:
    """The ASGI application, recorded."""
    return recorded(app) if FOLDER else app


def recorded(app: Any) -> Any:
    async def answer(scope: Record, receive: Callable[[], Awaitable[Record]], send: Any) -> None:
        if scope["type"] != "http":
            await app(scope, receive, send)
            return
        asked, said = bytearray(), bytearray()
        status, sent = 0, []

        async def receive_and_keep() -> Record:
            message = await receive()
            asked.extend(message.get("body", b"")[: LARGEST + 1 - len(asked)])
            return message

        async def send_and_keep(message: Record) -> None:
            nonlocal status, sent
            if message["type"] == "http.response.start":
                status, sent = message["status"], message.get("headers", [])
            else:
                said.extend(message.get("body", b"")[: LARGEST + 1 - len(said)])
            await send(message)

        await app(scope, receive_and_keep, send_and_keep)
        if len(asked) <= LARGEST and len(said) <= LARGEST:
            keep_call(scope, bytes(asked), status, sent, bytes(said))

    return answer


def keep_call(scope: Record, asked: bytes, status: int, sent: Any, said: bytes) -> None:
    headers, answered = as_text(scope["headers"]), as_text(sent)
    signed_for = SIGNED_FOR.search(headers.get("authorization", ""))
    target = headers.get("x-amz-target", "")
    service = signed_for[1] if signed_for else target
    if not service or service in NOT_CALLS:
        return
    form = parse_qs(asked.decode()) if "x-www-form-urlencoded" in headers.get("content-type", "") else {}
    operation = target or form.get("Action", [""])[0] or f"{scope['method']} {shape_of(scope['path'])}"
    of = (service, operation, outcome_of(status, answered, said))
    keep(
        of,
        [*members(parsed(asked)), *sorted(form), "->", *members(parsed(said))],
        {
            "service": service,
            "method": scope["method"],
            "path": scope["raw_path"].decode(),
            "query": scope["query_string"].decode(),
            "request_headers": {name: text for name, text in headers.items() if name != "authorization"},
            "request": base64.b64encode(asked).decode(),
            "status": status,
            "headers": answered,
            "response": base64.b64encode(said).decode(),
        },
    )


def keep_task(original: Callable[..., Any], resource: str, arguments: Any) -> Any:
    """Calls of state machines have their own format, because MiniStack makes no HTTP request for them."""
    result = original(resource, arguments)
    if isinstance(arguments, dict) and resource.startswith("arn:aws:states:::"):
        of = ("states:::", resource.removeprefix("arn:aws:states:::"), "200")
        sample = {"task": of[1], "arguments": arguments, "result": result}
        keep(of, [*members(arguments), "->", *members(result)], sample)
    return result


def keep(of: tuple[str, ...], fields: list[str], sample: Record) -> None:
    if counted[of] >= MOST:
        return
    name = hashlib.sha256("\n".join([*of, *fields]).encode()).hexdigest()[:20]
    if name in kept:
        return
    kept.add(name)
    counted[of] += 1
    Path(FOLDER, f"{name}.json").write_text(json.dumps(sample, default=str))


def outcome_of(status: int, headers: dict[str, str], said: bytes) -> str:
    if status < 300:
        return "200"
    error = headers.get("x-amzn-errortype", "") or dict_of(parsed(said)).get("__type", "")
    code = CODE.search(said)
    return f"{status} {error or (code[1].decode() if code else '')}"


def shape_of(path: str) -> str:
    """A path of a REST service without resource names."""
    parts = path.strip("/").split("/")
    return f"{len(parts)} {parts[-1] if parts[-1].isalpha() and parts[-1].islower() else ''}"


def parsed(body: bytes) -> Any:
    try:
        return json.loads(body)
    except ValueError:
        return None


def dict_of(value: Any) -> Record:
    return value if isinstance(value, dict) else {}


def members(value: Any, path: str = "") -> list[str]:
    """The names of all fields, each once."""
    if isinstance(value, dict):
        return sorted({one for name, inner in value.items() for one in [f"{path}.{name}", *members(inner, f"{path}.{name}")]})
    if isinstance(value, list):
        return sorted({one for inner in value for one in members(inner, f"{path}[]")})
    return []


def as_text(headers: Any) -> dict[str, str]:
    return {name.decode("latin-1").lower(): value.decode("latin-1") for name, value in headers}
