"""Step Functions: JSONata expressions are parsed once.

Nothing differs for who uses them. MiniStack parses an expression whenever it is evaluated, which takes longer than
evaluating it and made a third of all that a provisioning costs here; each workflow has the same few expressions.
"""

from __future__ import annotations

from copy import copy
from functools import lru_cache
from typing import Any

from jsonata import Jsonata

from corrections.support import DoesNotFit

KEPT = 4096
"""Expressions that are kept; those of both services are a few hundred."""


def apply() -> None:
    if not hasattr(Jsonata, "get_per_thread_instance"):  # which shares what was parsed between threads as this does
        raise DoesNotFit("this JSONata does not share what it has parsed")
    Jsonata.jsonata = staticmethod(evaluable)


@lru_cache(KEPT)
def parsed(expression: str) -> Jsonata:
    return Jsonata(expression)


def evaluable(expression: str, timeout: int | None = None) -> Any:
    """The expression with names and a time limit of its own, as `Jsonata(expression, timeout=...)` has them."""
    one = copy(parsed(expression))
    one.timeout = timeout
    one.environment = one.create_frame(Jsonata.static_frame)
    one.environment.set_runtime_bounds(timeout, None)
    Jsonata.CURRENT.jsonata = one
    return one
