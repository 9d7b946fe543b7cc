"""Lambda: concurrent invocations as on AWS, with a bounded number of processes.

lambda/latest/dg/gettingstarted-limits: an account can run 1,000 concurrent invocations. MiniStack starts a process
for each, which exhausts the machine, and throttles by the machine's memory. Here an invocation waits for a process
instead, so it appears slow to its caller.

lambda/latest/dg/functions-states: while a function is being updated, its previous code and configuration handle the
invocations. MiniStack stops the processes of running invocations; here such a process is stopped after its invocation, and the
invocations that wait have processes of their own, with the previous configuration.
"""

from __future__ import annotations

import itertools
import time
from collections import deque
from collections.abc import Callable
from concurrent.futures import Future, wait
from dataclasses import dataclass, field
from typing import Any

from ministack.core import lambda_runtime
from ministack.services import lambda_svc

from corrections.support import replace_text, wrap_function

MAX_INVOCATIONS = 1000
MAX_PROCESSES = 32
MAX_PROCESSES_PER_FUNCTION = 2
MAX_PROCESSES_OF: dict[str, int] = {}
"""Limits of single functions by name; only test suites set them."""

LONGEST_WAIT_SECONDS = 60
"""A function that invokes itself more deeply than it has processes waits for itself; then it is throttled, as on AWS."""

Acquired = tuple[Any, str]

lock = lambda_runtime._lock
"""Guards MiniStack's table of processes and the queue of invocations."""

waiting: dict[str, deque[ProcessRequest]] = {}
"""The invocations that wait for a process, by function, in order of arrival."""


updates = itertools.count(1)
"""Numbers of the updates of functions."""


@dataclass(eq=False)
class ProcessRequest:
    """The process that is assigned to an invocation, and the process to stop for it, if any."""

    name: str
    config: dict[str, Any]
    code: bytes
    function: str
    served: Future[tuple[Acquired, Any | None]] = field(default_factory=Future)


def apply() -> None:
    lambda_svc._ACCOUNT_CONCURRENCY_CAP = MAX_INVOCATIONS
    wrap_function(lambda_runtime, "acquire_worker", wait_for_process)
    wrap_function(lambda_runtime, "release_worker", release_process)
    pooled = "for w in (_workers.pop(k, []) or [])]"
    replace_text(lambda_runtime, "invalidate_worker", pooled, f"{pooled[:-1]} if not w.in_use]")
    wrap_function(lambda_runtime, "invalidate_worker", keep_waiting_invocations)


def wait_for_process(
    _original: Callable[..., Acquired],
    name: str,
    config: dict[str, Any],
    code: bytes,
    qualifier: str = "$LATEST",
) -> Acquired:
    process_request = ProcessRequest(name, config, code, lambda_runtime._worker_key(name, config, qualifier))
    with lock:
        waiting.setdefault(process_request.function, deque()).append(process_request)
        serve()
    wait([process_request.served], LONGEST_WAIT_SECONDS)
    with lock:
        if not process_request.served.done():
            waiting[process_request.function].remove(process_request)
            return None, "func_cap"
    acquired, displaced = process_request.served.result()
    lambda_runtime.kill_workers([displaced])
    return acquired


def release_process(original: Callable[[Any], None], worker: Any | None) -> None:
    original(worker)
    with lock:
        serve()
        is_outdated = worker is not None and all(worker not in pool for pool in lambda_runtime._workers.values())
    if is_outdated:
        lambda_runtime.kill_workers([worker])


def keep_waiting_invocations(
    original: Callable[..., None], name: str, qualifier: str | None = None, **scope: str
) -> None:
    with lock:
        for function in [each for each in waiting if each.split(":")[-2:] == [name, qualifier]]:
            former = f"{function}#{next(updates)}"
            waiting[former] = waiting.pop(function)
            for process_request in waiting[former]:
                process_request.function = former
    original(name, qualifier=qualifier, **scope)


def serve() -> None:
    """Assigns processes to waiting invocations in their order. If the first one of a function cannot get a process, the
    others cannot either."""
    for function, process_requests in list(waiting.items()):
        while process_requests and available(process_requests[0]):
            process_request = process_requests.popleft()
            process_request.served.set_result(take_process(process_request))
        if not process_requests:
            del waiting[function]


def take_process(process_request: ProcessRequest) -> tuple[Acquired, Any | None]:
    worker, how, displaced = idle(process_request.function), "reused", None
    if worker is None:
        displaced = make_room()
        worker, how = lambda_runtime._worker_class_for(process_request.config)(process_request.name, process_request.config, process_request.code), "spawn"
        processes(process_request.function).append(worker)
    worker.in_use, worker.last_used = True, time.time()
    return (worker, how), displaced


def processes(function: str) -> list[Any]:
    return lambda_runtime._workers.setdefault(function, [])


def idle(function: str) -> Any | None:
    return next((worker for worker in processes(function) if not worker.in_use), None)


def available(process_request: ProcessRequest) -> bool:
    """Whether the function has an idle process or may start one.

    Its first process can replace an idle one of another function. Further processes need a free slot: otherwise
    functions under load would keep replacing each other's processes.
    """
    if idle(process_request.function):
        return True
    own = len(processes(process_request.function))
    if process_count() < MAX_PROCESSES:
        return own < MAX_PROCESSES_OF.get(process_request.name, MAX_PROCESSES_PER_FUNCTION)
    return own == 0 and longest_idle() is not None


def process_count() -> int:
    return sum(len(pool) for pool in lambda_runtime._workers.values())


def longest_idle() -> tuple[list[Any], Any] | None:
    """The process, with its pool, that is needed least: a second process of a function, if there is one."""
    candidates = [
        (pool, worker) for pool in lambda_runtime._workers.values() for worker in pool if not worker.in_use
    ]
    return min(candidates, key=lambda each: (len(each[0]) == 1, each[1].last_used), default=None)


def make_room() -> Any | None:
    """Removes a process to stop from its pool if the maximum number of processes is reached."""
    found = longest_idle() if process_count() >= MAX_PROCESSES else None
    if found is None:
        return None
    pool, worker = found
    pool.remove(worker)
    return worker
