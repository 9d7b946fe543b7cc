"""Lambda: the time of each log line."""

from __future__ import annotations

import json
from datetime import datetime

from ministack.services import lambda_svc

from corrections.support import replace_text


def apply() -> None:
    """lambda/latest/dg/monitoring-cloudwatchlogs: CloudWatch Logs stores the time at which a line was written.

    MiniStack gives all lines the time of the end of their invocation, so that the lines of two functions, one of
    which waits for the other, are out of order. Only JSON lines contain their time.
    """
    lambda_svc._when_written = when_written
    replace_text(
        lambda_svc,
        "_emit_lambda_logs",
        """\
            {"timestamp": now_ms, "message": line, "ingestionTime": now_ms}
            for line in lines
""",
        """\
            {"timestamp": written_ms, "message": line, "ingestionTime": now_ms}
            for line, written_ms in zip(lines, _when_written(lines, now_ms - duration_ms, now_ms))
""",
    )


def when_written(lines: list[str], begin: int, end: int) -> list[int]:
    """In milliseconds, never before the previous line; a line without a time has that of the previous line, and END and
    REPORT are last."""
    times = [begin]
    for line in lines[1:]:
        says = end if line.startswith(("END RequestId: ", "REPORT RequestId: ")) else time_in(line)
        times.append(min(end, max(times[-1], says or 0)))
    return times


def time_in(line: str) -> int | None:
    if not line.startswith("{"):
        return None
    try:
        return int(datetime.fromisoformat(json.loads(line)["timestamp"].replace("Z", "+00:00")).timestamp() * 1000)
    except (ValueError, KeyError, TypeError, AttributeError):
        return None
