"""Compares recorded requests and responses with botocore's service models: validate.py <folder>...

Writes a JSON list: for each operation and outcome the number of samples, and their deviations from the model.
"""

from __future__ import annotations

import base64
import datetime
import json
import re
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs
from xml.etree import ElementTree

import botocore.session
import cbor2
from botocore.model import OperationModel, ServiceModel, Shape

Record = dict[str, Any]
Report = Callable[[str], None]

SERVICES = [
    *["accessanalyzer", "apigateway", "appconfig", "appconfigdata", "cloudformation", "cloudwatch", "cognito-idp", "dynamodb", "ecr"],
    *["events", "iam", "kms", "lambda", "logs", "resourcegroupstaggingapi", "schemas", "secretsmanager", "sns", "sqs"],
    *["service-quotas", "ssm", "stepfunctions", "sts", "xray"],
]

COMMON = {
    *["AccessDenied", "AccessDeniedException", "ExpiredTokenException", "IncompleteSignature", "InternalFailure"],
    *["InvalidSignatureException", "MissingAuthenticationTokenException", "NotAuthorized", "OptInRequired"],
    *["InvalidAction", "InvalidClientTokenId", "RequestExpired", "ServiceUnavailable", "SignatureDoesNotMatch"],
    *["Throttling", "ThrottlingException", "UnrecognizedClientException"],
    *["ValidationError", "ValidationException", "UnknownOperationException", "MissingAuthenticationToken"],
}
"""Errors that every operation may return and that no model lists
(docs.aws.amazon.com/step-functions/latest/apireference/CommonErrors.html, and that page of the other services)."""

loader = botocore.session.get_session().get_component("data_loader")
models = {name: ServiceModel(loader.load_service_model(name, "service-2"), name) for name in SERVICES}
by_target = {model.metadata["targetPrefix"]: name for name, model in models.items() if "targetPrefix" in model.metadata}
signed_for = {model.signing_name: name for name, model in models.items()}


def main() -> None:
    results: dict[tuple[str, str], Record] = {}
    for file in sorted(file for folder in sys.argv[1:] for file in Path(folder).rglob("*.json")):
        operation, outcome, findings = check_sample(json.loads(file.read_text()))
        result = results.setdefault(
            (operation, outcome), {"operation": operation, "outcome": outcome, "samples": 0, "findings": []}
        )
        result["samples"] += 1
        result["findings"] = list(dict.fromkeys([*result["findings"], *findings]))
    json.dump([results[key] for key in sorted(results)], sys.stdout)


def check_sample(sample: Record) -> tuple[str, str, list[str]]:
    if "task" in sample:
        return check_task(sample)
    service, name = operation_of(sample)
    if service is None or name not in models[service].operation_names:
        return f"{sample['service']} {name}", "unknown", ["the operation does not exist"]
    model = models[service].operation_model(name)
    findings: list[str] = []
    request = body_of(sample["request"], sample["request_headers"])
    check_request(model, sample, request, lambda finding: findings.append(f"request{finding}"))
    response = body_of(sample["response"], sample["headers"])
    if sample["status"] < 300:
        check_response(model, response, lambda finding: findings.append(f"response{finding}"))
        return f"{service}.{name}", "succeeds", findings
    code = code_of(response, sample["headers"])
    check_error(model, code, sample["status"], lambda finding: findings.append(f"response: {finding}"))
    return f"{service}.{name}", code, findings


def check_task(sample: Record) -> tuple[str, str, list[str]]:
    """Checks a call of a state machine: the members of the request, with a document where the API has a string
    (docs.aws.amazon.com/step-functions/latest/dg/connect-eventbridge.html, connect-lambda.html)."""
    task, findings = sample["task"], []
    service, name = {"events:putEvents": ("events", "PutEvents"), "lambda:invoke": ("lambda", "Invoke")}[
        task.removesuffix(".waitForTaskToken")
    ]
    arguments = {
        key: json.dumps(value) if key in ("Detail", "Payload") and not isinstance(value, str) else value
        for key, value in sample["arguments"].items()
    }
    for entry in arguments.get("Entries", []):
        if not isinstance(entry.get("Detail"), str):
            entry["Detail"] = json.dumps(entry.get("Detail"))
    model = models[service].operation_model(name)
    if model.input_shape is not None:
        check(model.input_shape, arguments, "", lambda finding: findings.append(f"request{finding}"), names=False)
    if service == "events" and model.output_shape is not None:
        check(model.output_shape, sample["result"], "", lambda finding: findings.append(f"response{finding}"))
    return f"states:::{task}", "succeeds", findings


def operation_of(sample: Record) -> tuple[str | None, str]:
    headers = sample["request_headers"]
    if target := headers.get("x-amz-target"):
        prefix, _, name = target.rpartition(".")
        return by_target.get(prefix), name
    if sample["path"].startswith("/service/"):
        return "cloudwatch", sample["path"].rsplit("/", 1)[-1]
    service = signed_for.get(sample["service"])
    if service is None:
        return None, sample["path"]
    form = parse_qs(base64.b64decode(sample["request"]).decode("latin-1"))
    if "Action" in form:
        return service, form["Action"][0]
    return service, next(rest_operations(models[service], sample), f"{sample['method']} {sample['path']}")


def rest_operations(model: ServiceModel, sample: Record) -> Iterator[str]:
    """Operations of a REST service with this method and path, the most specific path first."""
    candidates = [
        (model.operation_model(name).http["requestUri"].split("?")[0], name)
        for name in model.operation_names
        if model.operation_model(name).http["method"] == sample["method"]
    ]
    for uri, name in sorted(candidates, key=lambda candidate: candidate[0].count("{")):
        pattern = re.sub(r"\\\{\w+(\\\+)?\\\}", lambda match: ".+" if match[1] else "[^/]+", re.escape(uri))
        if re.fullmatch(pattern.rstrip("/") + "/?", sample["path"]):
            yield name


def body_of(body: str, headers: Record) -> Any:
    raw = base64.b64decode(body)
    kind = headers.get("content-type", "")
    if "cbor" in kind:
        return cbor2.loads(raw) if raw else {}
    if "x-www-form-urlencoded" in kind:
        return parse_qs(raw.decode())
    if raw[:1] == b"<":
        return ElementTree.fromstring(raw)
    try:
        return json.loads(raw) if raw else {}
    except ValueError:
        return raw


def code_of(response: Any, headers: Record) -> str:
    if isinstance(response, ElementTree.Element):
        return next((element.text or "" for element in response.iter() if tag(element) == "Code"), "")
    error_type = response.get("__type") if isinstance(response, dict) else None
    return (headers.get("x-amzn-errortype") or error_type or "").split(":")[0].rpartition("#")[2]


def check_request(model: OperationModel, sample: Record, request: Any, report: Report) -> None:
    shape = model.input_shape
    if shape is None:
        return
    if "x-www-form-urlencoded" in sample["request_headers"].get("content-type", ""):
        known = {member.serialization.get("name", name) for name, member in shape.members.items()}
        given = {name.split(".")[0] for name in request} - {"Action", "Version"}
        for name in given - known:
            report(f".{name} is not in the model")
        for name in shape.required_members:
            if shape.members[name].serialization.get("name", name) not in given:
                report(f".{name} is required and missing")
    elif "payload" not in shape.serialization:
        check(shape, request, "", report)


def check_response(model: OperationModel, response: Any, report: Report) -> None:
    shape = model.output_shape
    if shape is None or model.has_streaming_output or "payload" in shape.serialization:
        return
    if isinstance(response, ElementTree.Element):
        wrapper = shape.serialization.get("resultWrapper")
        inner = next((element for element in response if tag(element) == wrapper), None) if wrapper else response
        if inner is None:
            report(f" has no {wrapper}")
        else:
            check_xml(shape, inner, "", report)
    else:
        check(shape, response, "", report)


def check_error(model: OperationModel, code: str, status: int, report: Report) -> None:
    for shape in model.error_shapes:
        error = shape.metadata.get("error", {})
        if code in (shape.name, error.get("code")):
            if error.get("httpStatusCode", status) != status:
                report(f"{code} has status {status}, and {error['httpStatusCode']} in the model")
            return
    if code not in COMMON:
        report(f"{code or 'an error without a code'} is not an error of this operation")


def check(shape: Shape, value: Any, path: str, report: Report, names: bool = True) -> None:
    """Checks a value. With `names`, fields have their names on the wire, else those of the model."""
    kinds: dict[str, Callable[[], None]] = {
        "structure": lambda: check_structure(shape, value, path, report, names),
        "list": lambda: check_list(shape, value, path, report, names),
        "map": lambda: check_map(shape, value, path, report, names),
        "string": lambda: check_string(shape, value, path, report),
        "timestamp": lambda: None
        if isinstance(value, (int, float, datetime.datetime)) or shape.serialization.get("timestampFormat") == "iso8601"
        else report(f"{path} is not a timestamp"),
        "blob": lambda: None if isinstance(value, bytes) or is_base64(value) or not names else report(f"{path} is not base64"),
        "boolean": lambda: None if isinstance(value, bool) else report(f"{path} is not a boolean"),
    }
    numbers = {"integer": int, "long": int, "float": (int, float), "double": (int, float)}
    if value is None:
        report(f"{path} is null")
    elif shape.type_name in numbers:
        if isinstance(value, bool) or not isinstance(value, numbers[shape.type_name]):
            report(f"{path} is not {'an' if shape.type_name == 'integer' else 'a'} {shape.type_name}")
    else:
        kinds[shape.type_name]()


def check_structure(shape: Shape, value: Any, path: str, report: Report, names: bool) -> None:
    if not isinstance(value, dict):
        report(f"{path} is not a structure")
        return
    wire = {(member.serialization.get("name", name) if names else name): member for name, member in shape.members.items()}
    for name, inner in value.items():
        if name in wire:
            check(wire[name], inner, f"{path}.{name}", report, names)
        elif not (getattr(shape, "is_document_type", False)):
            report(f"{path}.{name} is not in the model")
    for required in shape.required_members:
        member = shape.members[required]
        is_in_header_or_path = names and member.serialization.get("location") is not None
        if (member.serialization.get("name", required) if names else required) not in value and not is_in_header_or_path:
            report(f"{path}.{required} is required and missing")


def check_list(shape: Shape, value: Any, path: str, report: Report, names: bool) -> None:
    if not isinstance(value, list):
        report(f"{path} is not a list")
        return
    for inner in value:
        check(shape.member, inner, f"{path}[]", report, names)


def check_map(shape: Shape, value: Any, path: str, report: Report, names: bool) -> None:
    if not isinstance(value, dict):
        report(f"{path} is not a map")
        return
    for inner in value.values():
        check(shape.value, inner, f"{path}{{}}", report, names)


def check_string(shape: Shape, value: Any, path: str, report: Report) -> None:
    if not isinstance(value, str):
        report(f"{path} is not a string")
        return
    if shape.enum and value not in shape.enum:
        report(f"{path} is {value!r}, which is none of its values")
    low, high = shape.metadata.get("min"), shape.metadata.get("max")
    if (low is not None and len(value) < low) or (high is not None and len(value) > high):
        report(f"{path} has {len(value)} characters instead of {low or 0} to {high}")


def check_xml(shape: Shape, element: ElementTree.Element, path: str, report: Report) -> None:
    if shape.type_name == "structure":
        members = {}
        for name, member in shape.members.items():
            flattened = member.serialization.get("flattened")
            of_list = member.member.serialization.get("name", name) if flattened and member.type_name == "list" else name
            members[member.serialization.get("name", of_list)] = member
        for child in element:
            if tag(child) not in members:
                report(f"{path}.{tag(child)} is not in the model")
            elif not members[tag(child)].serialization.get("flattened"):
                check_xml(members[tag(child)], child, f"{path}.{tag(child)}", report)
        given = {tag(child) for child in element}
        for name in shape.required_members:
            if shape.members[name].serialization.get("name", name) not in given:
                report(f"{path}.{name} is required and missing")
    elif shape.type_name == "list":
        for child in element:
            check_xml(shape.member, child, f"{path}[]", report)
    elif shape.type_name == "string" and shape.enum and element.text not in shape.enum:
        report(f"{path} is {element.text!r}, which is none of its values")


def tag(element: ElementTree.Element) -> str:
    return element.tag.rpartition("}")[2]


def is_base64(value: Any) -> bool:
    try:
        base64.b64decode(value, validate=True)
    except (TypeError, ValueError):
        return False
    return True


if __name__ == "__main__":
    main()
