"""Lambda: as many concurrent invocations as on AWS, with a bounded number of processes.

lambda/latest/dg/gettingstarted-limits: an account may run 1,000 invocations at a time. MiniStack starts a process for
each, which exhausts the machine, and throttles by the machine's memory. Here an invocation waits for a process instead;
to its caller it is a slow one.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable
from concurrent.futures import Future, wait
from dataclasses import dataclass, field
from typing import Any

from ministack.core import lambda_runtime
from ministack.services import lambda_svc

from corrections.support import wrap_function

MAX_INVOCATIONS = 1000
MAX_PROCESSES = 32
MAX_PROCESSES_PER_FUNCTION = 2
MAX_PROCESSES_OF: dict[str, int] = {}
"""Of single functions, by name; none unless a suite says so."""

LONGEST_WAIT_SECONDS = 60
"""A function that calls itself deeper than its processes waits for itself; then it is throttled, as on AWS."""

Acquired = tuple[Any, str]

lock = lambda_runtime._lock
"""Guards MiniStack's table of processes and who waits for one."""

waiting: dict[str, deque[Turn]] = {}
"""The invocations that wait for a process, by function, first come first served."""


@dataclass(eq=False)
class Turn:
    """An invocation's turn to have a process: which one, and the one that has to be stopped for it, if any."""

    name: str
    config: dict[str, Any]
    code: bytes
    function: str
    served: Future[tuple[Acquired, Any | None]] = field(default_factory=Future)


def apply() -> None:
    lambda_svc._ACCOUNT_CONCURRENCY_CAP = MAX_INVOCATIONS
    wrap_function(lambda_runtime, "acquire_worker", wait_for_process)
    wrap_function(lambda_runtime, "release_worker", release_process)


def wait_for_process(
    _original: Callable[..., Acquired],
    name: str,
    config: dict[str, Any],
    code: bytes,
    qualifier: str = "$LATEST",
) -> Acquired:
    turn = Turn(name, config, code, lambda_runtime._worker_key(name, config, qualifier))
    with lock:
        waiting.setdefault(turn.function, deque()).append(turn)
        serve()
    wait([turn.served], LONGEST_WAIT_SECONDS)
    with lock:
        if not turn.served.done():
            waiting[turn.function].remove(turn)
            return None, "func_cap"
    acquired, displaced = turn.served.result()
    lambda_runtime.kill_workers([displaced])
    return acquired


def release_process(original: Callable[[Any], None], worker: Any | None) -> None:
    original(worker)
    with lock:
        serve()


def serve() -> None:
    """Give the waiting, in their order, the processes that they may have now: what the first one of a function can not
    have, the others cannot have either."""
    for function, turns in list(waiting.items()):
        while turns and available(turns[0]):
            turn = turns.popleft()
            turn.served.set_result(take_process(turn))
        if not turns:
            del waiting[function]


def take_process(turn: Turn) -> tuple[Acquired, Any | None]:
    worker, how, displaced = idle(turn.function), "reused", None
    if worker is None:
        displaced = make_room()
        worker, how = lambda_runtime._worker_class_for(turn.config)(turn.name, turn.config, turn.code), "spawn"
        processes(turn.function).append(worker)
    worker.in_use, worker.last_used = True, time.time()
    return (worker, how), displaced


def processes(function: str) -> list[Any]:
    return lambda_runtime._workers.setdefault(function, [])


def idle(function: str) -> Any | None:
    return next((worker for worker in processes(function) if not worker.in_use), None)


def available(turn: Turn) -> bool:
    """Whether the function has an idle process or may start one.

    Its first process may displace an idle one of another function. More than one it has only where there is room: were
    it otherwise, busy functions would take each other's processes all the time and start more than they run.
    """
    if idle(turn.function):
        return True
    own = len(processes(turn.function))
    if process_count() < MAX_PROCESSES:
        return own < MAX_PROCESSES_OF.get(turn.name, MAX_PROCESSES_PER_FUNCTION)
    return own == 0 and longest_idle() is not None


def process_count() -> int:
    return sum(len(pool) for pool in lambda_runtime._workers.values())


def longest_idle() -> tuple[list[Any], Any] | None:
    """The process, and the pool it is in, that is missed least: a function's second one, if there is one."""
    candidates = [
        (pool, worker) for pool in lambda_runtime._workers.values() for worker in pool if not worker.in_use
    ]
    return min(candidates, key=lambda each: (len(each[0]) == 1, each[1].last_used), default=None)


def make_room() -> Any | None:
    """Take a process that is to be stopped out of its pool, when there are as many as there may be."""
    found = longest_idle() if process_count() >= MAX_PROCESSES else None
    if found is None:
        return None
    pool, worker = found
    pool.remove(worker)
    return worker
