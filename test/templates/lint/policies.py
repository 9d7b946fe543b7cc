"""What parliament finds in IAM policies: reads {name: document} as JSON, writes a list of findings as JSON."""

import json
import sys

from parliament import analyze_policy_string, enhance_finding


def findings(name: str, document: object) -> list[dict[str, str]]:
    found = analyze_policy_string(json.dumps(document)).findings
    return [
        {
            "policy": name,
            "rule": finding.issue,
            "severity": enhance_finding(finding).severity,
            "detail": json.dumps(finding.detail, default=str),
        }
        for finding in found
    ]


json.dump([one for name, document in json.load(sys.stdin).items() for one in findings(name, document)], sys.stdout)
