"""Where DynamoDB Local departs from AWS, or where AWS leaves the answer open. Each entry: what, why, and a function
of (operation, request, DynamoDB Local's answer, our answer) that recognises it.

What AWS says comes from its developer guide and API reference, and from the tests of two projects that record what
AWS answered: those of moto marked `aws_verified`, and those of dynalite.
"""

import dataclasses
import decimal
import re
from typing import Callable

import compare

decimal.getcontext().prec = 60



def trimmed(value):
    """Numbers as AWS answers them: without zeros before and behind (developer guide, data types). Local does so with
    attributes, and keeps numbers inside lists and maps as they were written."""
    if isinstance(value, dict):
        if set(value) == {"N"} and isinstance(value["N"], str):
            return {"N": trimmed_number(value["N"])}
        return {k: [trimmed_number(n) for n in v] if k == "NS" else trimmed(v) for k, v in value.items()}
    return [trimmed(one) for one in value] if isinstance(value, list) else value


def trimmed_number(text):
    try:
        return f"{decimal.Decimal(text).normalize() + 0:f}"
    except decimal.InvalidOperation:
        return text


READS = ("Query", "Scan", "GetItem", "BatchGetItem", "TransactGetItems")


@dataclasses.dataclass(frozen=True)
class Known:
    what: str
    why: str
    applies: Callable


COUNTED = "1 validation error detected: "


def message(answer):
    """Without the count that AWS puts before faults of PutItem, UpdateItem and DeleteItem (moto), and Local does not."""
    return answer.error[1].removeprefix(COUNTED) if answer.error else None


def code(answer):
    return answer.error[0] if answer.error else None


def both_fine(local, ours):
    return not local.error and not ours.error


def without(answer, *names):
    return {k: v for k, v in answer.body.items() if k not in names}


def names_what_no_item_has(statement, items):
    """Whether it selects from an index by an attribute that is in none of the items."""
    selected = re.search(r'FROM "[^"]+"\."[^"]+" WHERE (.*)', statement, re.DOTALL)
    names = re.findall(r'"(\w+)"|\b([a-z]\w*)\b', selected[1]) if selected else []
    return any(name not in item for name in (quoted or bare for quoted, bare in names) for item in items)


# ---- the same fault in other words: (Local's words, AWS's words, where AWS's are written down)
WORDS = [
    (r"A value provided cannot be converted into a number", r"The parameter cannot be converted to a numeric value: .*",
     "dynalite"),
    (r"Return values set to invalid value", r"ReturnValues can only be ALL_OLD or NONE", "dynalite, moto"),
    (r"The number of conditions on the keys is invalid", r"The provided key element does not match the schema", "dynalite"),
    (r"Invalid attribute value type", r"The provided key element does not match the schema", "dynalite"),
    (r"Invalid attribute value type|One or more parameter values were invalid: Type mismatch for key",
     r"One or more parameter values were invalid: Type mismatch for key \w+ expected: \w actual: \w+", "dynalite"),
    (r"One or more parameter values were invalid: Type mismatch for key",
     r"The provided key element does not match the schema", "dynalite"),
    (r"Invalid attribute value type|One or more parameter values were invalid: Type mismatch for Index Key",
     r"One or more parameter values were invalid: Type mismatch for Index Key .*", "dynalite"),
    (r"One of the required keys was not given a value",
     r"One or more parameter values were invalid: Missing the key \w+ in the item", "dynalite"),
    (r"Query condition missed key schema element", r"Query condition missed key schema element: .*", "dynalite"),
    (r"Consistent read cannot be true when (querying|scanning) a GSI",
     r"Consistent reads are not supported on global secondary indexes", "dynalite"),
    (r"ConditionalOperator can only be used when Filter or Expected has two or more elements",
     r"One or more parameter values were invalid: ConditionalOperator can only be used when .*", "dynalite"),
    (r"(.*) contains duplicates( for key :\w+)?", r"(.*) contains duplicates\.?( for key :\w+)?", "dynalite"),
    (r"ExpressionAttributeValues contains invalid value: .*", r"(One or more parameter values were invalid: .*|.*number.*|.*numeric.*|"
     r".*datatypes.*|Null attribute.*|Input collection.*)", "moto: the value's own fault in PutItem, UpdateItem and DeleteItem"),
    (r".*Invalid attribute type name found; type: X, valid types: \{.*\}",
     r".*Invalid attribute type name found; type: X, valid types: \{.*\}", "the order of a set"),
    (r".*Two document paths (overlap|conflict) with each other.*", r".*Two document paths (overlap|conflict) with each other.*",
     "dynalite names the two that do overlap; Local names the one that comes next"),
    (r".*The BETWEEN operator requires .*", r".*The BETWEEN operator requires .*",
     "Local shows bounds as they were written, and bytes by their Java object"),
    (r"(One or more parameter values were invalid: (ADD|DELETE) action .* is not supported for the type) .*|"
     r"One or more parameter values were invalid: (ADD|DELETE) action .*",
     r"One or more parameter values were invalid: (ADD|DELETE) action (with value )?is not supported for the type \w+", "dynalite"),
    (r"Limit must be greater than or equal to 1", r"(1 validation error detected: )?Value '0' at 'limit' .*", "dynalite"),
    (r"(If segment is specified, total segment|If total segments is specified, a particular segment) must also be .*",
     r"The (TotalSegments|Segment) parameter is required but was not present .*", "dynalite"),
    (r"(1 validation error detected: )?Value '3' at 'segment' .*", r"The Segment parameter is zero-based and must be .*", "dynalite"),
    (r".*does not project (one or more filter attributes: )?\[.*\]", r".*does not project (one or more filter attributes: )?\[.*\]",
     "the order of a set"),
    (r"Cannot do operations on a non-existent table", r"Requested resource not found(: Table: .* not found)?", "dynalite"),
    (r"Too many items requested for the BatchWriteItem call", r"(1 validation error detected: )?.*less than or equal to 25.*", "moto"),
    (r"BatchWriteItem cannot have a null or no requests set", r"(1 validation error detected: )?Value '\{\}' at 'requestItems' .*", "dynalite"),
    (r"Invalid UpdateExpression: Incorrect operand type .*", r"Invalid UpdateExpression: Incorrect operand type .*",
     "which of two wrong operands is told"),
    (r"Key attributes must be scalars.*", r"Key attributes must be scalars.*", "which of two keys is told"),
    (r"(.*)DynamoDB only supports precision up to 38 digits(.*)", r"(.*)Attempting to store more than 38 significant digits in a Number(.*)", "dynalite"),
    (r"(Value provided in \w+ unused in expressions: keys): \{.*\}", r"(Value provided in \w+ unused in expressions: keys): \{.*\}", "the order of a set"),
    (r"(1 validation error detected: )?Value '0' at 'segment' .*", r"(1 validation error detected: )?Value '0' at 'totalSegments' .*", "dynalite"),
    (r"Invalid \w+Expression: Syntax error; .*near: \":v.*", r"Invalid \w+Expression: Syntax error; .*near: \"\. :v.*",
     "Local takes a value for a step of a path"),
    (r"One or more parameter values were invalid: Condition parameter type does not match schema type",
     r"Key attribute's data type should match its data type in table's schema: Key \w+", "PartiQL: kinds of keys in IN"),
    (r"The table does not have the specified index: .*", r"The table does not have the specified index", "PartiQL: moto"),
    (r"Type mismatch for attribute to update", r"One or more parameter values were invalid: (ADD|DELETE) action .*is not supported for the type \w+",
     "dynalite"),
    # CreateTable
    (r"GSI list is empty/invalid", r"One or more parameter values were invalid: List of GlobalSecondaryIndexes is empty", "dynalite"),
    (r"No provisioned throughput specified for the (table|global secondary index)", r".*must both be specified when BillingMode is PROVISIONED", "moto"),
    (r"Member must satisfy enum value set: \[.*\]", r"(1 validation error detected: )?.*Member must satisfy enum value set: .*", "dynalite"),
    (r"No Hash Key specified in schema.*", r"(1 validation error detected: )?.*length greater than or equal to 1", "dynalite"),
    (r"Invalid key order.*|No Hash Key specified in schema.*",
     r"Invalid KeySchema: The (first|second) KeySchemaElement is not a (HASH|RANGE) key type", "dynalite"),
    (r"Invalid table/index name\..*", r"(TableName must be at least 3 .*|.*'tableName'.*)", "dynalite"),
    (r"The number of attributes in key schema must match .*",
     r"One or more parameter values were invalid: (Some AttributeDefinitions are not used|Number of attributes in KeySchema).*", "dynalite"),
    (r"(Global Secondary Index|Local Secondary Index|Hash Key|Range Key|Secondary) .*not specified in Attribute Definitions.*",
     r"(One or more parameter values were invalid: Some index key attributes|Invalid KeySchema: Some index key attribute).*", "dynalite"),
    (r"Invalid StreamViewType: .*", r"One or more parameter values were invalid: Table StreamViewType .*", "API reference"),
]
COMPILED = [(re.compile(local, re.S), re.compile(ours, re.S)) for local, ours, _ in WORDS]


def same_words(local, ours):
    return any(one.fullmatch(local) and other.fullmatch(ours) for one, other in COMPILED)


def other_words(op, request, local, ours):
    if code(local) != code(ours) or not local.error:
        return False
    return same_words(message(local), message(ours))


# ---- a request with two faults. Each of these is right alone: a request with only that fault gets the same answer from
# both (in other words, see above), so a false alarm of ours would show there. With two, the servers tell one each.
FAULTS = [
    # expressions
    "Syntax error", "reserved keyword", "name used in the document path is not defined",
    "value used in expression is not defined", "redundant parentheses", "Incorrect operand type",
    "Incorrect number of operands", "must be distinct", "requires a document path", "Two document paths",
    "BETWEEN operator requires", "attribute type name found", "function is not allowed", "Invalid function name",
    "section can only be used once", "List index is not within", "Invalid operator used in KeyCondition",
    "only contain one condition per key", "cannot contain nested operations", "cannot have conditions on nested",
    "Invalid condition in KeyCondition", "Expression size has exceeded", "expression can not be empty",
    "contains invalid key", "contains invalid value", "unused in expressions", "can only be specified when using",
    "both expression and non-expression",
    # values
    "numeric value", "converted into a number", "Input collection", "may not be empty", "sets should not be empty",
    "datatypes set", "is empty, must contain", "must have the value of true", "Number overflow", "Number underflow",
    "significant digits", "supports precision", "Nesting Levels",
    # keys
    "key element does not match", "conditions on the keys", "Missing the key", "required keys was not given",
    "Type mismatch for key", "Type mismatch for Index Key", "Invalid attribute value type", "cannot contain an empty",
    "Key attributes must be scalars", "Cannot update attribute", "non-primary key attributes", "missed key schema",
    "indexable operation", "key condition not supported", "Conditions can be of length", "Condition parameter type",
    # parameters
    "does not have the specified index", "onsistent read", "does not project", "Select type", "choosing to get",
    "ALL_PROJECTED_ATTRIBUTES can", "egment", "imit must", "'limit'", "eturn *[vV]alues", "ConditionalOperator",
    r"ComparisonOperator \w+ is not valid", "Invalid number of argument", "AttributeValueList", "action (with value )?is not supported", "Only DELETE action", "The BETWEEN condition was provided", "item keys contains duplicates",
    "multiple operations on one item", "Too many items", "less than or equal to 25", "Member must not be null",
    "Duplicate value in attribute name",
    # what only the item tells
    "mandatory equality", "Requested resource not found", "does not exist in the item", "invalid for update", "incorrect data type", "unsupported type", "data type should match", "Multiple conditions on same key",
    "conditional request failed",
]
FAULTS = [re.compile(text) for text in FAULTS]
WHERE = re.compile(r"Invalid (\w+Expression)")


def kinds_of(text):
    """Faults that the text names, each with the expression that has it."""
    where = WHERE.search(text)
    return {(i, where[1] if where else "") for i, fault in enumerate(FAULTS) if fault.search(text)}


def two_faults(op, request, local, ours):
    if op in PARTIQL and (message(local) or "").startswith("Statement wasn't well formed") and ours.error:
        return True  # Local's grammar knows fewer functions, and it looks at the grammar of all statements first
    if not local.error or not ours.error:
        return False
    one, other = kinds_of(told(local)), kinds_of(told(ours))
    return bool(one) and bool(other) and not one & other


def counted(op, request, local, ours):
    return code(local) == code(ours) == "ValidationException" and ours.error[1] == COUNTED + local.error[1]


def told(answer):
    """The fault; of a cancelled transaction, those of its members."""
    reasons = answer.body.get("CancellationReasons")
    if not reasons:
        return message(answer)
    return " ".join(r.get("Message", r["Code"]) for r in reasons if r["Code"] != "None")


# ---- PartiQL
PARTIQL = ("ExecuteStatement", "BatchExecuteStatement", "ExecuteTransaction")


def malformed(op, request, local, ours):
    text = "Statement wasn't well formed, can't be processed: "
    return op in PARTIQL and local.error is not None and (message(ours) or "").startswith(text)


def batch_words(op, request, local, ours):
    """The same answers to each statement, with errors in other words."""
    if op != "BatchExecuteStatement" or not both_fine(local, ours):
        return False
    if "Multiple conditions on same key" in compare.text(local.body):
        return True  # see "more conditions on a key"
    def of(answer):
        return [{"failed": True} if "Error" in one else one for one in answer.body["Responses"]]
    return [compare.text(compare.normal(one)) for one in of(local)] == [compare.text(compare.normal(one)) for one in of(ours)]


def partiql_refused(op, request, local, ours):
    """Both refuse. What a single statement's single fault is called is compared; see the entries before this one."""
    return op == "ExecuteTransaction" and local.error is not None and ours.error is not None


# ---- transactions
def cancelled_for_values(op, request, local, ours):
    """What only the items tell is a reason of a cancelled transaction."""
    if op not in ("TransactWriteItems", "TransactGetItems") or code(ours) != "TransactionCanceledException":
        return False
    if code(local) == "ValidationException":
        return any(r["Code"] == "ValidationError" for r in ours.body.get("CancellationReasons", []))
    return False


def same_reasons(op, request, local, ours):
    if code(local) != "TransactionCanceledException" or code(ours) != code(local):
        return False
    def of(answer):
        return [(r["Code"], r.get("Message", "").rstrip("."), compare.text(compare.normal(r.get("Item"))))
                for r in answer.body.get("CancellationReasons", []) if r["Code"] != "None"]
    pairs = list(zip(of(local), of(ours)))
    return len(of(local)) == len(of(ours)) and all(
        one[0] == other[0] and one[2] == other[2] and (one[1] == other[1] or same_words(one[1], other[1])) for one, other in pairs)


def some_reasons(op, request, local, ours):
    """AWS looks at keys and values before it looks at conditions."""
    reasons = [r["Code"] for r in ours.body.get("CancellationReasons", [])]
    return code(local) == code(ours) == "TransactionCanceledException" and "ValidationError" in reasons \
        and "ConditionalCheckFailed" not in reasons \
        and "ValidationError" in [r["Code"] for r in local.body.get("CancellationReasons", [])]


# ---- what it costs
def only_costs_differ(op, request, local, ours):
    names = ("ConsumedCapacity", "ItemCollectionMetrics")
    return both_fine(local, ours) and compare.comparable(op, request, type(local)(200, without(local, *names))) \
        == compare.comparable(op, request, type(ours)(200, without(ours, *names)))


def capacity(answer):
    found = answer.body.get("ConsumedCapacity", [])
    return found if isinstance(found, list) else [found]


KNOWN = [
    Known("a new table is ACTIVE at once",
          "AWS answers CreateTable and DeleteTable with CREATING and DELETING; the table is there a moment later.",
          lambda op, request, local, ours: op in ("CreateTable", "DeleteTable", "DescribeTable") and both_fine(local, ours)),
    Known("no ItemCollectionMetrics",
          "Local never tells them. AWS does for tables with local indexes (API reference).",
          lambda op, request, local, ours: only_costs_differ(op, request, local, ours)
          and "ItemCollectionMetrics" not in local.body and "ItemCollectionMetrics" in ours.body
          and capacity(local) == capacity(ours)),
    Known("DeleteItem tells capacity that nobody asked for",
          "Only by DeleteItem, and only where there was no item.",
          lambda op, request, local, ours: op == "DeleteItem" and only_costs_differ(op, request, local, ours)
          and request.get("ReturnConsumedCapacity", "NONE") == "NONE" and "ConsumedCapacity" not in ours.body),
    Known("reading nothing costs nothing",
          "AWS counts half a unit (or one) for each read that finds nothing (developer guide, read consistency).",
          lambda op, request, local, ours: op in READS and only_costs_differ(op, request, local, ours)
          and all(a.get("CapacityUnits", 0) < b.get("CapacityUnits", 0) for a, b in zip(capacity(local), capacity(ours)))
          and len(capacity(local)) == len(capacity(ours))),
    Known("what a local index has costs a read of the table",
          "Local counts one for each item as soon as something is projected. AWS counts it for attributes that the index leaves "
          "out (developer guide, local secondary indexes).",
          lambda op, request, local, ours: op in ("Query", "Scan") and only_costs_differ(op, request, local, ours)
          and "IndexName" in request and ("ProjectionExpression" in request or "AttributesToGet" in request)
          and all(a.get("CapacityUnits", 0) > b.get("CapacityUnits", 0) for a, b in zip(capacity(local), capacity(ours)))),
    Known("transactions and deletes in batches cost double",
          "A transaction costs two units for each KB; Local says four. A delete in a batch costs one; Local says two.",
          lambda op, request, local, ours: op in ("TransactWriteItems", "BatchWriteItem", "TransactGetItems", "BatchGetItem")
          and only_costs_differ(op, request, local, ours)),
    Known("an index's entry that neither item has costs",
          "Where the old item has one of an index's two keys and the new one the other, Local counts a write of the index.",
          lambda op, request, local, ours: op in ("PutItem", "UpdateItem", "DeleteItem")
          and only_costs_differ(op, request, local, ours)
          and [a["CapacityUnits"] > b["CapacityUnits"] for a, b in zip(capacity(local), capacity(ours))] == [True]),
    Known("what pages cost",
          "The costs of pages are not added up here, and Local ends a page of one item without a key to go on from.",
          lambda op, request, local, ours: op in ("Query", "Scan") and "Limit" in request
          and only_costs_differ(op, request, local, ours) and "ConsumedCapacity" not in ours.body),
    Known("an internal error of Local",
          "Where UPDATED_NEW or UPDATED_OLD is asked for and nothing is updated; for NE in KeyConditions.",
          lambda op, request, local, ours: code(local) == "InternalFailure"
          and (op in PARTIQL or op == "UpdateItem" and "UpdateExpression" not in request and not ours.error
               or op == "Query" and "indexable operation" in (message(ours) or ""))),
    Known("a malformed statement", "Local repeats the statement, or takes a SELECT without WHERE for EXISTS.", malformed),
    Known("the order of items with one sort key in an index",
          "It is not defined.",
          lambda op, request, local, ours: op == "ExecuteStatement" and both_fine(local, ours)
          and "ORDER BY" in request["Statement"] and "global" in request["Statement"]
          and sorted(compare.text(compare.normal(i)) for i in local.body["Items"])
          == sorted(compare.text(compare.normal(i)) for i in ours.body["Items"])),
    Known("more conditions on a key", "Local refuses a second condition on a key, or finds nothing then.",
          lambda op, request, local, ours: op == "ExecuteStatement"
          and code(ours) in (None, "ConditionalCheckFailedException")
          and (message(local) or "Multiple conditions on same key").startswith("Multiple conditions on same key")
          and re.search(r'"?\b[ps]k"? IS ', request["Statement"]) is not None),
    Known("a batch with a bad statement beside another one of the same item",
          "Local looks for statements of one item first; here the bad one is no statement of it.",
          lambda op, request, local, ours: op == "BatchExecuteStatement" and not ours.error
          and "item keys contains duplicates" in (message(local) or "")
          and any("Error" in one for one in ours.body["Responses"])),
    Known("an item that is there already", "The model's name of the error is DuplicateItemException.",
          lambda op, request, local, ours: code(local) == "DuplicateItem" and code(ours) == "DuplicateItemException"
          and message(local) == message(ours)),
    Known("errors of a batch of statements", "Each in its own words, as above.", batch_words),
    Known("a bad value in a batch of statements",
          "Local refuses the whole batch for what AWS tells of the statement (API reference: each has its own Error).",
          lambda op, request, local, ours: op == "BatchExecuteStatement" and local.error is not None and not ours.error
          and "value" in message(local) and any("Error" in one for one in ours.body["Responses"])),
    Known("errors of a transaction of statements",
          "AWS cancels it with a reason for each statement (API reference); Local says most of them as a ValidationException.",
          partiql_refused),
    Known("kinds in a statement's conditions on keys",
          "Local checks the kinds of values beside a key inside OR, where no key condition can be.",
          lambda op, request, local, ours: op == "ExecuteStatement" and not ours.error
          and re.search("Condition parameter type does not match|cannot contain an empty", message(local) or "") is not None),
    Known("throughput of an on-demand table is taken",
          "AWS refuses ProvisionedThroughput with PAY_PER_REQUEST (moto).",
          lambda op, request, local, ours: op == "CreateTable" and not local.error
          and "when BillingMode is PAY_PER_REQUEST" in (message(ours) or "")),
    Known("an update in a transaction needs no expression",
          "The service's model says that UpdateExpression is required there.",
          lambda op, request, local, ours: op == "TransactWriteItems" and "updateExpression" in (message(ours) or "")
          and any("Update" in one and "UpdateExpression" not in one["Update"] for one in request["TransactItems"])),
    Known("a transaction's items tell the fault",
          "AWS cancels the transaction with the reason ValidationError; Local answers a ValidationException "
          "(API reference, TransactionCanceledException).", cancelled_for_values),
    Known("reasons of a cancelled transaction",
          "Those of ConditionCheck end with a full stop in Local, and those behind the last that matters are left out.",
          same_reasons),
    Known("a transaction is refused before its conditions are looked at",
          "Local looks at the conditions of the other items too.", some_reasons),
    Known("a ConditionCheck leads into a key",
          "Local does not look, as it does for every other condition.",
          lambda op, request, local, ours: op == "TransactWriteItems" and "must be scalars" in told(ours)
          and any("ConditionCheck" in one for one in request["TransactItems"])),
    Known("an index's key of another kind is taken",
          "Where the item lacks another key of the index. AWS refuses kinds that an index cannot hold (dynalite).",
          lambda op, request, local, ours: op in ("UpdateItem", "ExecuteStatement") and not local.error
          and re.search("Type mismatch for Index Key|secondary index key to unsupported type", message(ours) or "") is not None),
    Known("attributes that are defined and not used",
          "Local takes them where an index has a key of the table (dynalite).",
          lambda op, request, local, ours: op == "CreateTable" and not local.error
          and "Some AttributeDefinitions are not used" in (message(ours) or "")),
    Known("a scan's filter on an index",
          "Local shows the filter the whole item; here it sees what the index holds.",
          lambda op, request, local, ours: op == "Scan" and both_fine(local, ours) and "IndexName" in request
          and ("FilterExpression" in request or "ScanFilter" in request)
          and local.body.get("ScannedCount") == ours.body.get("ScannedCount")),
    Known("a statement's filter on an index", "The same.",
          lambda op, request, local, ours: op == "ExecuteStatement" and both_fine(local, ours)
          and names_what_no_item_has(request["Statement"], local.body.get("Items", []) + ours.body.get("Items", []))),
    Known("UPDATED_NEW of an element of a list or map",
          "AWS tells what is at the paths after the update (Scylla's tests, run against AWS); Local tells all around it.",
          lambda op, request, local, ours: op == "UpdateItem" and both_fine(local, ours)
          and request.get("ReturnValues") in ("UPDATED_NEW", "UPDATED_OLD")
          and re.search(r"[.\[]", request.get("UpdateExpression", "")) is not None),
    Known("faults are counted",
          "AWS begins messages of PutItem, UpdateItem, DeleteItem and of Query's Select with their number (moto).", counted),
    Known("the same fault in other words", "See WORDS.", other_words),
    Known("one of two faults", "See FAULTS.", two_faults),
]


def known(operation, request, local, ours):
    return next((one for one in KNOWN if one.applies(operation, request, local, ours)), None)
