"""The quotas of an AWS account, in front of a local AWS: calls beyond a rate are refused as AWS refuses them.

PUT /_microburst/quotas takes a list of quotas, which replaces the one before and begins the counts anew:

    {"name": "group", "calls": ["cognito-idp:AdminAddUserToGroup"], "per_second": 5, "at_once": 5,
     "code": "TooManyRequestsException", "each": "AuthParameters.USERNAME"}

`calls` share the quota; `each` (a JMESPath expression over the body) gives each of its values a quota of its own.
A token bucket: `at_once` tokens, of which `per_second` come back. GET tells the calls that were made since, by
`service:operation` and whether they were let through, with the times of those of a quota, in seconds.
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

    def lets_through(self, body: bytes | None, now: float) -> bool:
        key = str(self.each.search(json.loads(body or b"{}"))) if self.each else ""
        left, since = self.buckets.get(key, (self.at_once, now))
        left = min(self.at_once, left + (now - since) * self.per_second)
        lets = left >= 1
        self.buckets[key] = (left - 1 if lets else left, now)
        (self.passed if lets else self.refused).append(now)
        return lets


quotas: list[Quota] = []
made: dict[str, int] = defaultdict(int)


def apply() -> None:
    decide: Callable[..., Any] = rules.RuleEngine.decide
    control: Callable[..., Any] = pipeline.Microburst.handle_control

    def decide_after_quotas(self: rules.RuleEngine, call: Any) -> Any:
        name = f"{call.service}:{call.operation}"
        made[name] += 1
        for quota in quotas:
            if name in quota.calls and not quota.lets_through(call.body, time.time()):
                return rules.Decision(quota.refusal, quota.refusal.error, latency_ms=0, timeout_ms=None, reset=False)
        return decide(self, call)

    async def control_quotas_too(self: pipeline.Microburst, request: web.Request) -> web.StreamResponse:
        if not request.path.endswith("/_microburst/quotas"):
            return await control(self, request)
        if request.method == "PUT":
            quotas[:] = [Quota(**{"each": None, **each}) for each in await request.json()]
            made.clear()
        told = {each.name: {"passed": each.passed, "refused": each.refused} for each in quotas}
        return web.json_response({"made": made, "quotas": told})

    rules.RuleEngine.decide = decide_after_quotas
    pipeline.Microburst.handle_control = control_quotas_too
