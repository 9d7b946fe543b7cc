"""CloudWatch Logs: metric filters are evaluated, and their patterns are validated."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from fnmatch import fnmatchcase
from functools import cache
from typing import Any

from ministack.core.responses import error_response_json
from ministack.services import cloudwatch, cloudwatch_logs

from corrections.support import wrap_function

Record = dict[str, Any]
Response = tuple[int, dict[str, str], bytes]
Test = Callable[[Any], bool]

LONGEST_PATTERN = 1024
MOST_DIMENSIONS = 3

TOKEN = re.compile(r'\s*(\$(?:\.[\w-]+|\[\d+\])+|&&|\|\||!=|<=|>=|[(){}=<>]|"[^"]*"|-?\d+(?:\.\d+)?|[\w*.:/-]+)')

COMPARE: dict[str, Callable[[float, float], bool]] = {
    "<": lambda found, wanted: found < wanted,
    ">": lambda found, wanted: found > wanted,
    "<=": lambda found, wanted: found <= wanted,
    ">=": lambda found, wanted: found >= wanted,
}


def apply() -> None:
    wrap_function(cloudwatch_logs, "_put_metric_filter", refuse_what_aws_refuses)
    wrap_function(cloudwatch_logs, "_fanout_to_subscription_filters", count_what_matches)


def refuse_what_aws_refuses(original: Callable[[Record], Response], request: Record) -> Response:
    """AmazonCloudWatchLogs/latest/APIReference/API_PutMetricFilter and API_MetricTransformation: a pattern must be
    well-formed with at most 1024 characters; there are at most three dimensions, and then no default value. MiniStack
    accepts everything. Only JSON patterns are supported here."""
    pattern = request.get("filterPattern", "")
    try:
        if len(pattern) > LONGEST_PATTERN:
            raise ValueError(f"the pattern has {len(pattern)} characters")
        test_of(pattern)
        for transformation in request.get("metricTransformations", []):
            dimensions = transformation.get("dimensions", {})
            if len(dimensions) > MOST_DIMENSIONS:
                raise ValueError(f"{len(dimensions)} dimensions")
            if dimensions and "defaultValue" in transformation:
                raise ValueError("a default value and dimensions")
    except ValueError as error:
        return error_response_json("InvalidParameterException", f"Invalid metric filter: {error}", 400)
    return original(request)


def count_what_matches(
    original: Callable[[str, str, list[Record]], Any], group: str, stream: str, events: list[Record]
) -> Any:
    """AmazonCloudWatch/latest/logs/FilterAndPatternSyntaxForMetricFilters: each matching line adds the metric's value,
    with the dimensions of the line. MiniStack stores filters without evaluating them.

    Every log line passes this function.
    """
    if filters := [each for each in cloudwatch_logs._metric_filters.values() if each["logGroupName"] == group]:
        for content in contents_of(events):
            for metric_filter in filters:
                if test_of(metric_filter["filterPattern"])(content):
                    for transformation in metric_filter["metricTransformations"]:
                        put(transformation, content)
    return original(group, stream, events)


def contents_of(events: list[Record]) -> Iterator[Any]:
    for event in events:
        try:
            yield json.loads(event.get("message", ""))
        except ValueError:  # a line that is not JSON matches no JSON pattern
            continue


def put(transformation: Record, content: Any) -> None:
    value = transformation["metricValue"]
    number = select(content, value) if value.startswith("$") else value
    named = {name: select(content, selector) for name, selector in transformation.get("dimensions", {}).items()}
    if number is None or None in named.values():
        return
    cloudwatch.record_metric(
        transformation["metricNamespace"],
        transformation["metricName"],
        float(number),
        transformation.get("unit", "None"),
        {name: str(found) for name, found in named.items()},
    )


def select(content: Any, selector: str) -> Any:
    """The value at `$.a.b-c[0]`, or None."""
    for name, index in re.findall(r"\.([\w-]+)|\[(\d+)\]", selector):
        if name and isinstance(content, dict):
            content = content.get(name)
        elif index and isinstance(content, list) and int(index) < len(content):
            content = content[int(index)]
        else:
            return None
    return content


@cache
def test_of(pattern: str) -> Test:
    """Parses `{ $.x = "y" && ($.z = a* || $.n >= 1) }`. @raises ValueError"""
    tokens = TOKEN.findall(pattern)
    if "".join(tokens) != re.sub(r'\s+(?=(?:[^"]*"[^"]*")*[^"]*$)', "", pattern):
        raise ValueError(f"unknown characters in {pattern}")
    rest = list(tokens)

    def take(*wanted: str) -> str:
        if not rest or (wanted and rest[0] not in wanted):
            raise ValueError(f"{' or '.join(wanted) or 'more'} expected in {pattern}")
        return rest.pop(0)

    def any_of() -> Test:
        tests = [all_of()]
        while rest and rest[0] == "||":
            take()
            tests.append(all_of())
        return lambda content: any(test(content) for test in tests)

    def all_of() -> Test:
        tests = [one()]
        while rest and rest[0] == "&&":
            take()
            tests.append(one())
        return lambda content: all(test(content) for test in tests)

    def one() -> Test:
        if rest and rest[0] == "(":
            take()
            test = any_of()
            take(")")
            return test
        selector = take()
        if not selector.startswith("$"):
            raise ValueError(f"a selector expected in {pattern} instead of {selector}")
        return comparison(selector, take("=", "!=", *COMPARE), take())

    take("{")
    test = any_of()
    take("}")
    if rest:
        raise ValueError(f"nothing expected after the last bracket of {pattern}")
    return test


def comparison(selector: str, operator: str, wanted: str) -> Test:
    if operator in COMPARE:
        number = float(wanted)
        return lambda content: is_number(found := select(content, selector)) and COMPARE[operator](found, number)
    text = wanted.strip('"')

    def equals(content: Any) -> bool:
        found = select(content, selector)
        if found is None:
            return False
        if is_number(found) and not wanted.startswith('"') and text != "*":
            return found == float(text)
        return fnmatchcase(str(found), text)

    return equals if operator == "=" else lambda content: not equals(content)


def is_number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)
