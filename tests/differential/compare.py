"""Brings two answers into one form, so that what is left to differ is a difference."""

import json
import re

GENERATED = {"TableId", "CreationDateTime", "LatestStreamArn", "LatestStreamLabel", "LastIncreaseDateTime",
             "LastDecreaseDateTime", "LastUpdateToPayPerRequestDateTime", "TableSizeBytes", "IndexSizeBytes",
             "ItemCount", "NextToken", "SizeEstimateRangeGB"}
UNORDERED = {"SS", "NS", "BS", "AttributeDefinitions", "GlobalSecondaryIndexes", "LocalSecondaryIndexes",
             "NonKeyAttributes"}


def text(value):
    return json.dumps(value, sort_keys=True)


def normal(value, name=None):
    if isinstance(value, dict):
        return {k: normal(v, k) for k, v in value.items() if k not in GENERATED}
    if isinstance(value, list):
        found = [normal(one) for one in value]
        return sorted(found, key=text) if name in UNORDERED else found
    if name is not None and name.endswith("Arn") and isinstance(value, str):
        return re.sub(r"^arn:aws:dynamodb:[^:]*:[^:]*:", "arn:", value)
    return value


def sort_keys_of(operation, request, table):
    """The attribute that a Query's answer is ordered by; None where the order is not defined."""
    if operation != "Query" or table is None:
        return None
    keys = table.indexes.get(request["IndexName"], []) if "IndexName" in request else table.keys
    return keys[1] if len(keys) > 1 else None


def ordered(items, sort_key):
    """Items with the same sort key come in any order (of an index); so does everything without one."""
    if sort_key is None:
        return sorted(items, key=text)
    found, run = [], []
    for item in items:
        if run and run[0].get(sort_key) != item.get(sort_key):
            found += sorted(run, key=text)
            run = []
        run.append(item)
    return found + sorted(run, key=text)


def comparable(operation, request, answer, table=None):
    """What must be equal, as JSON text."""
    if answer.error:
        code, message = answer.error
        body = {"code": code, "message": message}
        for extra in ("Item", "CancellationReasons"):
            if extra in answer.body:
                body[extra] = normal(answer.body[extra], extra)
        return text(body)
    body = normal(answer.body)
    if operation in ("Query", "Scan", "ExecuteStatement") and "Items" in body:
        # A projection may have taken the sort key out of the items: then their order is left alone for a Query.
        sort_key = sort_keys_of(operation, request, table)
        if operation != "Query" or sort_key is None or all(sort_key in item for item in body["Items"]):
            if not (operation == "ExecuteStatement" and "ORDER BY" in request.get("Statement", "")):
                body["Items"] = ordered(body["Items"], sort_key)
    if operation == "BatchGetItem":
        body["Responses"] = {k: sorted(v, key=text) for k, v in body.get("Responses", {}).items()}
    for name in ("ConsumedCapacity", "ItemCollectionMetrics"):
        if isinstance(body.get(name), list):
            body[name] = sorted(body[name], key=text)
    return text(body)


def signature(operation, local, ours):
    """Differences of one kind have one signature."""
    def of(answer):
        if answer.error:
            return f"{answer.error[0]}: " + re.sub(r"[0-9]+|'[^']*'|\"[^\"]*\"|:v\w+|#n\w+|\[[^]]*\]|\{.*\}", "*", answer.error[1])[:90]
        return "ok"
    return f"{operation} | {of(local)} | {of(ours)}"
