"""DynamoDB: descriptions of tables, and point-in-time recovery."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from typing import Any

from ministack.core.responses import json_response
from ministack.services import dynamodb

from corrections.support import wrap_function

Fields = dict[str, Any]
Response = tuple[int, dict[str, str], bytes]

ON_DEMAND_THROUGHPUT = {"ReadUnitsPerSecond": 12_000, "WriteUnitsPerSecond": 4_000}
"""What a new on-demand table can serve."""

DELETED = (
    "TableName",
    "TableArn",
    "TableId",
    "TableStatus",
    "ItemCount",
    "TableSizeBytes",
    "ProvisionedThroughput",
    "DeletionProtectionEnabled",
)
"""The members of the description of a deleted table."""

RECOVERY_DAYS = 35


def apply() -> None:
    wrap_function(dynamodb, "_table_description", describe)
    wrap_function(dynamodb, "_create_table", create)
    wrap_function(dynamodb, "_delete_table", delete)
    wrap_function(dynamodb, "_update_continuous_backups", update_backups)
    wrap_function(dynamodb, "_describe_continuous_backups", describe_backups)


def describe(original: Callable[[str], Fields], name: str) -> Fields:
    """amazondynamodb/latest/APIReference/API_TableDescription: a table has a BillingModeSummary if it is or was on demand;
    its warm throughput is at least the provisioned one. MiniStack has a summary for every table, and a warm throughput of
    zero.

    Recorded: dynamodb test_table_crud, test_gsi_with_billing_mode.
    """
    table, state = original(name), dynamodb._tables[name]
    billing = table.pop("BillingModeSummary", {})
    is_on_demand = billing.get("BillingMode") == "PAY_PER_REQUEST"
    if is_on_demand:
        state.setdefault("OnDemandSince", table["CreationDateTime"])
    if since := state.get("OnDemandSince"):
        table["BillingModeSummary"] = {**billing, "LastUpdateToPayPerRequestDateTime": since}
    given = state.get("WarmThroughput")
    indexes = [with_throughput(index, is_on_demand, None) for index in table.get("GlobalSecondaryIndexes", [])]
    return with_throughput({**table, **({"GlobalSecondaryIndexes": indexes} if indexes else {})}, is_on_demand, given)


def with_throughput(described: Fields, is_on_demand: bool, given: Fields | None) -> Fields:
    """A table or an index with the capacity that it has."""
    provisioned = described["ProvisionedThroughput"]
    units = {
        "ReadUnitsPerSecond": provisioned["ReadCapacityUnits"],
        "WriteUnitsPerSecond": provisioned["WriteCapacityUnits"],
    }
    return {
        **described,
        "ProvisionedThroughput": {"NumberOfDecreasesToday": 0, **provisioned},
        "WarmThroughput": {**(given or (ON_DEMAND_THROUGHPUT if is_on_demand else units)), "Status": "ACTIVE"},
    }


def create(original: Callable[[Fields], Response], request: Fields) -> Response:
    """amazondynamodb/latest/APIReference/API_CreateTable: the response describes a table that is being created, and has
    the warm throughput only if the request has it. MiniStack returns an active table.

    Recorded: dynamodb test_table_crud, test_table_warm_throughput, test_gsi_with_billing_mode.
    """
    response = original(request)
    if response[0] >= 400:
        return response
    table = json.loads(response[2])["TableDescription"]
    del table["WarmThroughput"]
    table["TableStatus"] = "CREATING"
    table.get("BillingModeSummary", {}).pop("LastUpdateToPayPerRequestDateTime", None)
    for index in table.get("GlobalSecondaryIndexes", []):
        del index["WarmThroughput"]
        index["IndexStatus"] = "CREATING"
    if throughput := request.get("WarmThroughput"):
        dynamodb._tables[table["TableName"]]["WarmThroughput"] = throughput
        table["WarmThroughput"] = {**throughput, "Status": "UPDATING"}
    return json_response({"TableDescription": table})


def delete(original: Callable[[Fields], Response], request: Fields) -> Response:
    """amazondynamodb/latest/APIReference/API_DeleteTable: the description of a table that is being deleted is short.
    MiniStack returns the whole one.

    Recorded: dynamodb test_table_crud.
    """
    response = original(request)
    if response[0] >= 400:
        return response
    table = json.loads(response[2])["TableDescription"]
    return json_response({"TableDescription": {name: table[name] for name in DELETED if name in table}})


def update_backups(original: Callable[[Fields], Response], request: Fields) -> Response:
    """amazondynamodb/latest/APIReference/API_PointInTimeRecoverySpecification: the days of which a table can be restored,
    35 by default. MiniStack ignores them.

    Recorded: dynamodb test_continuous_backup_update.
    """
    response = original(request)
    if response[0] >= 400:
        return response
    table = dynamodb._tables[dynamodb._normalize_table_name(request["TableName"])]
    specification = request["PointInTimeRecoverySpecification"]
    if specification.get("PointInTimeRecoveryEnabled"):
        table["RecoverableFrom"] = table.get("RecoverableFrom") or int(time.time())
        table["RecoveryDays"] = specification.get("RecoveryPeriodInDays") or RECOVERY_DAYS
    else:
        table.pop("RecoverableFrom", None)
    return dynamodb._describe_continuous_backups(request)


def describe_backups(original: Callable[[Fields], Response], request: Fields) -> Response:
    """amazondynamodb/latest/APIReference/API_PointInTimeRecoveryDescription: the earliest and the latest time to which a
    table can be restored, and the days between them at most. MiniStack gives the present time for both.

    Recorded: dynamodb test_continuous_backup_update.
    """
    response = original(request)
    if response[0] >= 400:
        return response
    description = json.loads(response[2])
    recovery = description["ContinuousBackupsDescription"]["PointInTimeRecoveryDescription"]
    table = dynamodb._tables[dynamodb._normalize_table_name(request["TableName"])]
    if since := table.get("RecoverableFrom"):
        now = int(time.time())
        recovery.update(
            EarliestRestorableDateTime=max(since, now - table["RecoveryDays"] * 24 * 60 * 60),
            LatestRestorableDateTime=now,
            RecoveryPeriodInDays=table["RecoveryDays"],
        )
    return json_response(description)
