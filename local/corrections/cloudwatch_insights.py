"""CloudWatch Logs Insights: queries by fields of JSON lines."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import Any

from ministack.services import cloudwatch_logs

from corrections.support import wrap_function

Record = dict[str, Any]
Test = Callable[[Record], bool]

BY_FIELD = re.compile(
    r"""filter\s+([A-Za-z_][\w.]*)\s*(?:=\s*(?:'(?P<single>[^']*)'|"(?P<double>[^"]*)")|like\s+/(?P<pattern>(?:\\.|[^/])*)/)\s*""",
    re.IGNORECASE,
)


def apply() -> None:
    wrap_function(cloudwatch_logs, "_compile_insights_filter", filter_by_field)


def filter_by_field(original: Callable[[str], Test | None], stage: str) -> Test | None:
    """AmazonCloudWatch/latest/logs/CWL_AnalyzeLogData-discoverable-fields: fields of JSON lines can be queried, nested
    ones with dots. MiniStack ignores such filters and returns every line."""
    by = BY_FIELD.fullmatch(stage.strip())
    if by is None:
        return original(stage)
    path = by[1].split(".")
    if by["pattern"] is not None:
        pattern = re.compile(by["pattern"])
        return lambda record: (found := field(record, path)) is not None and pattern.search(str(found)) is not None
    wanted = by["single"] if by["single"] is not None else by["double"]
    return lambda record: (found := field(record, path)) is not None and str(found) == wanted


def field(record: Record, path: list[str]) -> Any:
    try:
        found: Any = json.loads(record["@message"])
    except ValueError:
        return None
    for name in path:
        found = found.get(name) if isinstance(found, dict) else None
    return found
