"""Lambda: when each line of its log was written."""

from __future__ import annotations

import json
from datetime import datetime

from ministack.services import lambda_svc

from corrections.support import replace_text


def apply() -> None:
    """lambda/latest/dg/monitoring-cloudwatchlogs: a line is in CloudWatch Logs with the time at which it was written.

    For MiniStack all lines are of the end of their invocation, so that the lines of two functions, one of which waits for
    the other, are not in their order. Only lines in JSON say their time.
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
    """In milliseconds, never before the line before; a line that does not say is as late as that, END and REPORT last."""
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
