"""EventBridge: rejected requests, and the time of an event."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Callable
from typing import Any

from ministack.core.responses import error_response_json, get_account_id, json_response
from ministack.services import eventbridge

from corrections.support import replace_text, wrap_function

Fields = dict[str, Any]
Response = tuple[int, dict[str, str], bytes]

MAX_ENTRIES_BYTES = 256 * 1024
MAX_TARGETS = 5
TARGET_ID = re.compile(r"[.\-_A-Za-z0-9]{1,64}")
RATE = re.compile(r"rate\((1 (minute|hour|day)|(?!0*1 )0*[1-9]\d* (minutes|hours|days))\)")
MANDATORY = {"id", "account", "source", "time", "region", "detail-type"}
"""Fields of an event that TestEventPattern requires."""

ABOUT_A_RULE = (
    "_put_rule",
    "_delete_rule",
    "_describe_rule",
    "_enable_rule",
    "_disable_rule",
    "_list_rules",
    "_put_targets",
    "_remove_targets",
    "_list_targets_by_rule",
)
LISTS = {
    "_list_event_buses": "EventBuses",
    "_list_targets_by_rule": "Targets",
    "_list_archives": "Archives",
    "_list_replays": "Replays",
}
LONGEST_LIST = 100


def apply() -> None:
    wrap_function(eventbridge, "_put_events", check_size)
    refuse_entries()
    keep_time()
    wrap_function(eventbridge, "_validate_schedule_expression", check_rate)
    wrap_function(eventbridge, "_put_rule", check_schedule)
    wrap_function(eventbridge, "_delete_rule", check_targets_are_gone)
    wrap_function(eventbridge, "_put_targets", check_targets)
    wrap_function(eventbridge, "_put_permission", put_permission)
    wrap_function(eventbridge, "_remove_permission", remove_permission)
    wrap_function(eventbridge, "_create_archive", check_bus_of_archive)
    wrap_function(eventbridge, "_start_replay", check_replay)
    wrap_function(eventbridge, "_test_event_pattern", check_test_event)
    give_notifications_no_subject()
    return_replay_times()
    for operation, member in LISTS.items():
        wrap_function(eventbridge, operation, pages_of(member))
    for operation in ABOUT_A_RULE:
        wrap_function(eventbridge, operation, name_the_bus)


def check_size(original: Callable[..., Response], request: Fields, *rest: Any, **options: Any) -> Response:
    """eventbridge/latest/userguide/eb-putevents (size): the maximum is 256 KB for all entries together. MiniStack
    accepts any size.

    Recorded: events test_put_event_with_too_big_detail.
    """
    if sum(entry_size(entry) for entry in request.get("Entries", [])) > MAX_ENTRIES_BYTES:
        return refused("ValidationException", "Total size of the entries in the request is over the limit.")
    return original(request, *rest, **options)


def entry_size(entry: Fields) -> int:
    texts = [entry.get(name) or "" for name in ("Source", "DetailType", "Detail")] + entry.get("Resources", [])
    size = sum(len((text if isinstance(text, str) else json.dumps(text)).encode()) for text in texts)
    return size + (14 if "Time" in entry else 0)


def refuse_entries() -> None:
    """eventbridge/latest/apireference/API_PutEventsResultEntry: an incomplete entry, or one whose detail is no JSON
    object, has an error entry in the response. MiniStack accepts it.

    Recorded: events test_put_events_without_source, test_put_event_without_detail,
    test_put_event_without_detail_type, test_put_event_malformed_detail.
    """
    eventbridge._refusal_of = refusal_of
    replace_text(
        eventbridge,
        "_put_events",
        "        event_id = new_uuid()\n",
        """\
        event_id = new_uuid()
        refusal = _refusal_of(entry)
        if refusal:
            results.append(refusal)
            failed += 1
            continue
""",
    )


def refusal_of(entry: Fields) -> Fields | None:
    for name in ("Source", "DetailType", "Detail"):
        if entry.get(name) in (None, ""):
            reason = f"Parameter {name} is not valid. Reason: {name} is a required argument."
            return {"ErrorCode": "InvalidArgument", "ErrorMessage": reason}
    if not is_object(entry["Detail"]):
        return {"ErrorCode": "MalformedDetail", "ErrorMessage": "Detail is malformed."}
    return None


def is_object(detail: Any) -> bool:
    """A state machine passes an object, every other caller a JSON string."""
    try:
        return isinstance(json.loads(detail) if isinstance(detail, str) else detail, dict)
    except ValueError:
        return False


def keep_time() -> None:
    """eventbridge/latest/apireference/API_PutEventsRequestEntry (Time): the event has the given time. MiniStack uses the
    current time.

    Recorded: events test_put_events_time.
    """
    eventbridge._time_of = lambda entry: int(eventbridge._coerce_timestamp(entry.get("Time") or time.time()))
    replace_text(eventbridge, "_put_events", "event_time = int(_now_ts())", "event_time = _time_of(entry)")


def check_rate(original: Callable[[str], bool], expression: str) -> bool:
    """eventbridge/latest/userguide/eb-scheduled-rule-pattern (rate expressions): the unit is singular for 1 and plural
    otherwise, and 0 is not allowed. MiniStack accepts all.

    Recorded: events test_put_rule_with_invalid_schedule_rate.
    """
    return bool(RATE.fullmatch(expression)) if expression.startswith("rate(") else original(expression)


def check_schedule(original: Callable[[Fields], Response], request: Fields) -> Response:
    """eventbridge/latest/userguide/eb-create-rule-schedule: only rules of the default bus have a schedule. MiniStack
    accepts it on every bus.

    Recorded: events tests_put_rule_with_schedule_custom_event_bus.
    """
    if request.get("ScheduleExpression") and request.get("EventBusName", "default") != "default":
        return refused("ValidationException", "ScheduleExpression is supported only on the default event bus.")
    return original(request)


def check_targets_are_gone(original: Callable[[Fields], Response], request: Fields) -> Response:
    """eventbridge/latest/apireference/API_DeleteRule: only a rule without targets can be deleted. MiniStack deletes
    both.

    Recorded: events test_delete_rule_with_targets.
    """
    if eventbridge._targets.get(rule_key(request, request.get("Name"))):
        return refused("ValidationException", "Rule can't be deleted since it has targets.")
    return original(request)


def check_targets(original: Callable[[Fields], Response], request: Fields) -> Response:
    """eventbridge/latest/apireference/API_PutTargets and API_Target: at most five targets per rule; a limited character
    set for ids; one kind of input; a template with placeholders of its map only. MiniStack accepts all.

    Recorded: events test_add_exceed_fife_targets_per_rule, test_put_target_id_validation,
    test_put_event_input_path_and_input_transformer, test_put_events_with_input_transformer_missing_keys.
    """
    targets = request.get("Targets", [])
    for position, target in enumerate(targets, start=1):
        problem = target_problem(target, position)
        if problem:
            return refused("ValidationException", problem)
    before = eventbridge._targets.get(rule_key(request, request.get("Rule"))) or []
    if len({target["Id"] for target in [*before, *targets]}) > MAX_TARGETS:
        return refused("LimitExceededException", "The requested resource exceeds the maximum number allowed.")
    return original(request)


def target_problem(target: Fields, position: int) -> str | None:
    name = target["Id"]
    if not TARGET_ID.fullmatch(name):
        return f"1 validation error detected: Value '{name}' at 'targets.{position}.member.id' failed to satisfy constraint"
    if sum(bool(target.get(kind)) for kind in ("Input", "InputPath", "InputTransformer")) > 1:
        return f"Only one of Input, InputPath, or InputTransformer must be provided for target {name}."
    transformer = target.get("InputTransformer") or {}
    known = transformer.get("InputPathsMap") or {}
    for placeholder in re.findall(r"<([^<>]*)>", transformer.get("InputTemplate", "")):
        if placeholder not in known and not placeholder.startswith("aws."):
            return f"InputTemplate for target {name} contains invalid placeholder {placeholder}."
    return None


def put_permission(original: Callable[[Fields], Response], request: Fields) -> Response:
    """eventbridge/latest/apireference/API_PutPermission: for an existing bus, to an account, whose principal is its
    root. MiniStack creates a policy for a missing bus, and writes the account number.

    Recorded: events test_put_permission, test_put_permission_non_existing_event_bus.
    """
    bus = request.get("EventBusName", "default")
    if bus not in eventbridge._event_buses and bus != "default":
        return refused("ResourceNotFoundException", f"Event bus {bus} does not exist.")
    principal = request.get("Principal", "*")
    if principal.isdigit():
        principal = {"AWS": f"arn:aws:iam::{principal}:root"}
    return original({**request, "Principal": principal})


def remove_permission(original: Callable[[Fields], Response], request: Fields) -> Response:
    """eventbridge/latest/apireference/API_RemovePermission (Errors). MiniStack accepts a missing statement.

    Recorded: events test_remove_permission_non_existing_sid.
    """
    policy = eventbridge._event_bus_policies.get(request.get("EventBusName", "default")) or {"Statement": []}
    present = {statement.get("Sid") for statement in policy["Statement"]}
    if not request.get("RemoveAllPermissions") and request.get("StatementId") not in present:
        return refused("ResourceNotFoundException", "Statement with the provided id does not exist.")
    return original(request)


def check_bus_of_archive(original: Callable[[Fields], Response], request: Fields) -> Response:
    """eventbridge/latest/apireference/API_CreateArchive (Errors): the bus must exist. MiniStack does not check it.

    Recorded: events test_create_archive_error_unknown_event_bus.
    """
    bus = request.get("EventSourceArn", "").rpartition(":event-bus/")[2]
    if bus not in eventbridge._event_buses and bus != "default":
        return refused("ResourceNotFoundException", f"Event bus {bus} does not exist.")
    return original(request)


def check_replay(original: Callable[[Fields], Response], request: Fields) -> Response:
    """eventbridge/latest/apireference/API_StartReplay (Errors). MiniStack swaps the two errors.

    Recorded: events test_start_replay_error_unknown_event_bus, test_start_replay_error_unknown_archive.
    """
    bus = (request.get("Destination") or {}).get("Arn", "").rpartition(":event-bus/")[2]
    if bus not in eventbridge._event_buses and bus != "default":
        return refused("ResourceNotFoundException", f"Event bus {bus} does not exist.")
    archive = request.get("EventSourceArn", "").rpartition(":archive/")[2]
    if archive not in eventbridge._archives:
        reason = f"Parameter EventSourceArn is not valid. Reason: Archive {archive} does not exist."
        return refused("ValidationException", reason)
    return original(request)


def check_test_event(original: Callable[[Fields], Response], request: Fields) -> Response:
    """eventbridge/latest/apireference/API_TestEventPattern (Event): an event must have its mandatory fields. MiniStack
    accepts any object.

    Recorded: events test_plain_string_payload, test_array_event_payload, test_invalid_event_payload.
    """
    try:
        event = json.loads(request.get("Event", ""))
    except ValueError:
        event = None
    if not isinstance(event, dict) or MANDATORY - event.keys():
        return refused("ValidationException", "Parameter Event is not valid.")
    return original(request)


def give_notifications_no_subject() -> None:
    """eventbridge/latest/userguide/eb-targets (SNS): the message is the event. MiniStack adds a subject.

    Recorded: events test_put_events_with_target_sns.
    """
    replace_text(
        eventbridge, "_dispatch_to_sns", '(arn, payload, "EventBridge Notification")', "(arn, payload)"
    )


def name_the_bus(original: Callable[[Fields], Response], request: Fields) -> Response:
    """eventbridge/latest/apireference/API_PutTargets (EventBusName): the name of the bus or its ARN. MiniStack supports
    the name only.

    Recorded: events test_put_events_with_target_events.
    """
    owner, _, bus = request.get("EventBusName", "").rpartition(":event-bus/")
    return original({**request, "EventBusName": bus} if owner.endswith(f":{get_account_id()}") else request)


def return_replay_times() -> None:
    """eventbridge/latest/apireference/API_Replay: the time range of a replay, and its end. MiniStack's list contains
    neither.

    Recorded: events test_list_replays_with_prefix.
    """
    replace_text(
        eventbridge,
        "_list_replays",
        '            "ReplayStartTime": rep.get("ReplayStartTime", ""),\n',
        '            **{name: rep[name] for name in rep if name.endswith("Time")},\n',
    )


def pages_of(member: str) -> Callable[..., Response]:
    """eventbridge/latest/apireference/API_ListReplays (Limit, NextToken) and others. MiniStack returns all.

    Recorded: events test_list_replay_with_limit, test_list_event_buses_with_limit, test_list_target_by_rule_limit.
    """

    def list_page(original: Callable[[Fields], Response], request: Fields) -> Response:
        response = original(request)
        if response[0] >= 400:
            return response
        start = eventbridge._opaque_offset_decode(request.get("NextToken", ""))
        end = start + min(request.get("Limit") or LONGEST_LIST, LONGEST_LIST)
        listed = json.loads(response[2])[member]
        more = {"NextToken": eventbridge._opaque_offset_encode(end)} if end < len(listed) else {}
        return json_response({member: listed[start:end], **more})

    return list_page


def rule_key(request: Fields, rule: str | None) -> str:
    return eventbridge._rule_key(rule or "", request.get("EventBusName", "default"))


def refused(code: str, message: str) -> Response:
    return error_response_json(code, message, 400)

