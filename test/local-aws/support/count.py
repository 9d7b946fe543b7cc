"""Counts a metric while the local AWS is reading what it has counted before, and prints how much is there afterwards."""

import os
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from ministack.core.responses import request_scope
from ministack.services import cloudwatch

sys.path.insert(0, str(Path(__file__).parents[3] / "local"))
if os.environ.get("LOCAL_AWS_CORRECTIONS") != "off":
    from corrections import cloudwatch as correction

    correction.apply()

SCOPE = ("123456789012", "us-east-1")
METRIC = ("Test", "Counted")
LONGEST_SECONDS = 1

read, counted = threading.Event(), threading.Event()


class Points(list):
    """When all of them were read, the metric is counted by another thread, unless that has to wait for the reader."""

    def __iter__(self) -> Iterator[Any]:
        yield from super().__iter__()
        read.set()
        counted.wait(LONGEST_SECONDS)


def count() -> None:
    read.wait(LONGEST_SECONDS)
    with request_scope(*SCOPE):
        cloudwatch.record_metric(*METRIC, 1)
    counted.set()


with request_scope(*SCOPE):
    cloudwatch.record_metric(*METRIC, 1)
    ((metric, points),) = cloudwatch._metrics.items()
    cloudwatch._metrics[metric] = Points(points)
    counter = threading.Thread(target=count)
    counter.start()
    cloudwatch._evict_old_metrics()
    counter.join()
    print(len(cloudwatch._metrics[metric]))
