"""STS: sessions are issued concurrently."""

from __future__ import annotations

from ministack.services import sts

from corrections.support import replace_text


def apply() -> None:
    """lambda/latest/dg/lambda-concurrency: functions start independently of each other.

    MiniStack searches expired sessions in a table that other threads change; a concurrent start of many functions
    sometimes fails with `dictionary changed size during iteration`.
    """
    replace_text(sts, "_evict_expired_sessions", "in _sessions.items()", "in list(_sessions.items())")
