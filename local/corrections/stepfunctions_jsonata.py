"""Step Functions: JSONata expressions are evaluated faster, with the same result.

MiniStack parses an expression at each evaluation and interprets it in Python, which was half of the time of a
provisioning. Each workflow has few expressions, and most of them only name a field.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from copy import copy
from functools import lru_cache
from typing import Any

from jsonata import Jsonata
from ministack.services import stepfunctions

from corrections.support import DoesNotFit, wrap_function

KEPT = 4096
"""Number of cached expressions; both services have a few hundred."""

A_FIELD = r"\$(\w+)((?:\.[A-Za-z_]\w*)*)"
"""A variable, or a field below it."""

FIELD = re.compile(rf"\s*{A_FIELD}\s*")
IF_THERE = re.compile(rf"\s*\$exists\((?={A_FIELD}\))(.+?)\)\s*\?\s*\3\s*:.*", re.DOTALL)
"""A field if it exists, and otherwise a default."""


def apply() -> None:
    if not hasattr(Jsonata, "get_per_thread_instance"):  # which also shares parsed expressions between threads
        raise DoesNotFit("this JSONata does not share what it has parsed")
    Jsonata.jsonata = staticmethod(evaluable)
    wrap_function(stepfunctions, "_evaluate_jsonata", look_up)


@lru_cache(KEPT)
def parsed(expression: str) -> Jsonata:
    return Jsonata(expression)


def evaluable(expression: str, timeout: int | None = None) -> Any:
    """The expression with its own names and time limit, as in `Jsonata(expression, timeout=...)`."""
    one = copy(parsed(expression))
    one.timeout = timeout
    one.environment = one.create_frame(Jsonata.static_frame)
    one.environment.set_runtime_bounds(timeout, None)
    Jsonata.CURRENT.jsonata = one
    return one


def look_up(
    original: Callable[..., Any],
    expression: str,
    raw_input: Any,
    ctx: dict[str, Any] | None = None,
    result: Any = None,
    error_output: Any = None,
) -> Any:
    """Reads a string, integer or boolean at the path of the expression; JSONata evaluates all other values."""
    if named := FIELD.fullmatch(expression) or IF_THERE.fullmatch(expression):
        states = {"input": raw_input, "result": result, "errorOutput": error_output, "context": ctx or {}}
        found: Any = {**(ctx or {}).get("variables", {}), "states": states}.get(named[1])
        for field in named[2].split(".")[1:]:
            found = found.get(field) if isinstance(found, dict) else None
        if isinstance(found, str | int):
            return found
    return original(expression, raw_input, ctx, result, error_output)
