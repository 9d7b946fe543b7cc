"""CloudWatch: dashboards."""

from __future__ import annotations

from typing import Any

from ministack.services import cloudwatch

from corrections.support import replace_text


def apply() -> None:
    """AmazonCloudWatch/latest/APIReference/API_DashboardEntry (LastModified): a timestamp, which a JSON protocol has in
    seconds and CBOR with tag 1. MiniStack returns the text of its XML response in each protocol, so the SDK for
    JavaScript rejects the whole response."""
    cloudwatch._time_in = time_in
    replace_text(
        cloudwatch,
        "_list_dashboards",
        '_ts_iso(dash["LastModified"])',
        '_time_in(dash["LastModified"], is_cbor, is_json)',
    )


def time_in(seconds: float, is_cbor: bool, is_json: bool) -> Any:
    if is_cbor:
        return cloudwatch._cbor_timestamp(seconds)
    return int(seconds) if is_json else cloudwatch._ts_iso(seconds)
