"""The quotas of an AWS account, in front of a local AWS: calls above a rate are throttled as on AWS.

PUT /_microburst/quotas replaces the list of quotas and resets the counts:

    {"name": "group", "calls": ["cognito-idp:AdminAddUserToGroup"], "per_second": 5, "at_once": 5,
     "code": "TooManyRequestsException", "each": "AuthParameters.USERNAME"}

`calls` share the quota; with `each` (a JMESPath expression over the body) each of its values has a quota of its own.
A quota is a token bucket of `at_once` tokens, refilled by `per_second`. GET returns the calls since the last PUT, by
`service:operation`, and for each quota the times of the admitted and throttled calls, in seconds.
"""

from __future__ import annotations

import json
import time
from collections import defaultdict
from collections.abc import Callable
from typing import Any

import jmespath
from aiohttp import web
from microburst import rules
from microburst.core import pipeline

Fields = dict[str, Any]


class Quota:
    def __init__(self, name: str, calls: list[str], per_second: float, at_once: float, code: str, each: str | None):
        self.name, self.calls, self.per_second, self.at_once = name, calls, per_second, at_once
        self.each = jmespath.compile(each) if each else None
        self.buckets: dict[str, tuple[float, float]] = {}
        self.passed: list[float] = []
        self.refused: list[float] = []
        self.refusal = rules.from_dict({"error": {"code": code, "status": 400}})

    def admits(self, body: bytes | None, now: float) -> bool:
        key = str(self.each.search(json.loads(body or b"{}"))) if self.each else ""
        tokens, since = self.buckets.get(key, (self.at_once, now))
        tokens = min(self.at_once, tokens + (now - since) * self.per_second)
        admitted = tokens >= 1
        self.buckets[key] = (tokens - 1 if admitted else tokens, now)
        (self.passed if admitted else self.refused).append(now)
        return admitted


quotas: list[Quota] = []
made: dict[str, int] = defaultdict(int)


def apply() -> None:
    decide: Callable[..., Any] = rules.RuleEngine.decide
    control: Callable[..., Any] = pipeline.Microburst.handle_control

    def decide_after_quotas(self: rules.RuleEngine, call: Any) -> Any:
        name = f"{call.service}:{call.operation}"
        made[name] += 1
        for quota in quotas:
            if name in quota.calls and not quota.admits(call.body, time.time()):
                return rules.Decision(quota.refusal, quota.refusal.error, latency_ms=0, timeout_ms=None, reset=False)
        return decide(self, call)

    async def control_quotas_too(self: pipeline.Microburst, request: web.Request) -> web.StreamResponse:
        if not request.path.endswith("/_microburst/quotas"):
            return await control(self, request)
        if request.method == "PUT":
            quotas[:] = [Quota(**{"each": None, **each}) for each in await request.json()]
            made.clear()
        times = {each.name: {"passed": each.passed, "refused": each.refused} for each in quotas}
        return web.json_response({"made": made, "quotas": times})

    rules.RuleEngine.decide = decide_after_quotas
    pipeline.Microburst.handle_control = control_quotas_too
