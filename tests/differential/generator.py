"""Random operations on a few random tables. The same seed gives the same operations, whatever the servers answer."""

import random as random_module

import values
from expressions import Expressions, Placeholders, broken
from partiql import Statements

KEY_NAMES = {"hash": "pk", "range": "sk"}


class Table:
    def __init__(self, name, request):
        self.name, self.request = name, request
        self.types = {d["AttributeName"]: d["AttributeType"] for d in request["AttributeDefinitions"]}
        self.keys = [k["AttributeName"] for k in request["KeySchema"]]
        self.indexes = {}
        for index in request.get("LocalSecondaryIndexes", []) + request.get("GlobalSecondaryIndexes", []):
            self.indexes[index["IndexName"]] = [k["AttributeName"] for k in index["KeySchema"]]
        self.local = {i["IndexName"] for i in request.get("LocalSecondaryIndexes", [])}

    @property
    def attributes(self):
        return list(self.types)


def chance(random, probability):
    return random.random() < probability


class Generator:
    """`next()` gives (operation, request, table names that it touches)."""

    MAX_TABLES = 4
    WEIGHTS = {"put": 16, "update": 20, "delete": 6, "get": 6, "query": 16, "scan": 8, "batch_write": 4, "batch_get": 4,
               "transact_write": 5, "transact_get": 3, "partiql": 8, "batch_partiql": 1, "transact_partiql": 1,
               "table": 2, "legacy": 6}

    def __init__(self, seed, prefix="diff", only=None):
        self.random = random_module.Random(seed)
        self.prefix, self.count, self.tables, self.pending = prefix, 0, {}, []
        self.weights = {k: w for k, w in self.WEIGHTS.items() if only is None or k in only or k == "table"}

    # ---- tables
    def forget(self, name):
        """The table is gone (the runner dropped it after a difference)."""
        self.tables.pop(name, None)

    def create(self):
        random = self.random
        self.count += 1
        name = f"{self.prefix}{self.count:04}"
        kinds = lambda: random.choice("SSNB")
        definitions = {"pk": kinds()}
        schema = [{"AttributeName": "pk", "KeyType": "HASH"}]
        if chance(random, 0.65):
            definitions["sk"] = random.choice("SNNB")
            schema.append({"AttributeName": "sk", "KeyType": "RANGE"})
        request = {"TableName": name, "KeySchema": schema, "BillingMode": "PAY_PER_REQUEST"}

        def projection():
            kind = random.choice(["ALL", "ALL", "KEYS_ONLY", "INCLUDE"])
            return {"ProjectionType": kind} | ({"NonKeyAttributes": ["a", "m"]} if kind == "INCLUDE" else {})

        if len(schema) == 2 and chance(random, 0.4):
            definitions["l1"] = kinds()
            request["LocalSecondaryIndexes"] = [
                {"IndexName": "local1", "Projection": projection(),
                 "KeySchema": [schema[0], {"AttributeName": "l1", "KeyType": "RANGE"}]}]
        indexes = []
        for number in range(random.choice([0, 0, 1, 1, 2])):
            hashed = f"g{number}"
            definitions[hashed] = kinds()
            keys = [{"AttributeName": hashed, "KeyType": "HASH"}]
            if chance(random, 0.6):
                ranged = random.choice([k for k in ("gr", "pk", "sk") if k == "gr" or k in definitions])
                definitions.setdefault(ranged, "N")
                keys.append({"AttributeName": ranged, "KeyType": "RANGE"})
            indexes.append({"IndexName": f"global{number}", "KeySchema": keys, "Projection": projection()})
        if indexes:
            request["GlobalSecondaryIndexes"] = indexes
        request["AttributeDefinitions"] = [{"AttributeName": n, "AttributeType": t} for n, t in definitions.items()]
        self.tables[name] = Table(name, request)
        return "CreateTable", request, [name]

    def table(self):
        """Table operations; bad ones of CreateTable among them."""
        random = self.random
        if chance(random, 0.5) and self.tables:
            name = random.choice(list(self.tables))
            return "DescribeTable", {"TableName": name if chance(random, 0.9) else "missing"}, [name]
        if chance(random, 0.3) and len(self.tables) > 1:
            name = random.choice(list(self.tables))
            self.tables.pop(name)
            return "DeleteTable", {"TableName": name}, [name]
        if len(self.tables) < self.MAX_TABLES and chance(random, 0.4):
            return self.create()
        operation, request, _ = self.create()
        self.tables.pop(request["TableName"])
        self.spoil_table(request)
        return operation, request, [request["TableName"]]

    def spoil_table(self, request):
        random = self.random
        choice = random.randrange(10)
        if choice == 0:
            request["TableName"] = random.choice(["ab", "a$b", "x" * 256, ""])
        elif choice == 1:
            request["KeySchema"].reverse()
            if len(request["KeySchema"]) == 1:
                request["KeySchema"][0]["KeyType"] = "RANGE"
        elif choice == 2:
            request["AttributeDefinitions"].append({"AttributeName": "extra", "AttributeType": "S"})
        elif choice == 3:
            request["AttributeDefinitions"].pop()
        elif choice == 4:
            request["AttributeDefinitions"][0]["AttributeType"] = "SS"
        elif choice == 5:
            request["BillingMode"] = "PROVISIONED"
        elif choice == 6:
            request["ProvisionedThroughput"] = {"ReadCapacityUnits": 1, "WriteCapacityUnits": 1}
        elif choice == 7:
            request["GlobalSecondaryIndexes"] = []
        elif choice == 8:
            request["KeySchema"] = []
        else:
            request["StreamSpecification"] = {"StreamEnabled": False, "StreamViewType": "NEW_IMAGE"}

    # ---- pieces of requests
    def pick(self):
        return self.random.choice(list(self.tables.values()))

    def key(self, table):
        random = self.random
        key = {name: values.key_value(random, table.types[name]) for name in table.keys}
        if chance(random, 0.02):
            spoiled = random.randrange(4)
            if spoiled == 0:
                key.pop(random.choice(list(key)))
            elif spoiled == 1:
                key["extra"] = {"S": "x"}
            elif spoiled == 2:
                key[table.keys[-1]] = values.value(random, 1)
            else:
                key[table.keys[0]] = random.choice([{"S": ""}, {"B": ""}, {"N": "abc"}])
        return key

    def item(self, table):
        random = self.random
        item = self.key(table)
        for name, kind in table.types.items():
            if name not in table.keys and chance(random, 0.6):
                item[name] = values.key_value(random, kind) if chance(random, 0.97) else values.value(random, 1)
        makers = {"a": values.value, "b": values.value, "c": values.number, "n": values.number, "st": values.string_set,
                  "ns": values.number_set, "name": values.string,
                  "l": lambda r: {"L": [values.value(r, 1) for _ in range(r.randint(0, 4))]},
                  "m": lambda r: {"M": {k: values.value(r, 1) for k in r.sample(["a", "b", "c", "m"], 2)}}}
        for name in random.sample(list(makers), random.randint(0, 5)):
            item[name] = makers[name](random)
        if chance(random, 0.015):
            item["bad"] = values.bad_value(random)
        return item

    def maybe_broken(self, text):
        return broken(self.random, text) if chance(self.random, 0.04) else text

    def conditions(self, table, places):
        return Expressions(self.random, table.attributes, places)

    def add_condition(self, request, table, places, probability=0.4):
        if chance(self.random, probability):
            request["ConditionExpression"] = self.maybe_broken(self.conditions(table, places).condition())
            if chance(self.random, 0.3):
                request["ReturnValuesOnConditionCheckFailure"] = self.random.choice(["ALL_OLD", "NONE"])

    def capacity(self, request):
        if chance(self.random, 0.25):
            request["ReturnConsumedCapacity"] = self.random.choice(["TOTAL", "INDEXES", "NONE"])

    def metrics(self, request):
        if chance(self.random, 0.1):
            request["ReturnItemCollectionMetrics"] = "SIZE"

    # ---- single items
    def put(self):
        table, places = self.pick(), Placeholders(self.random)
        request = {"TableName": table.name, "Item": self.item(table)}
        self.add_condition(request, table, places)
        places.put_into(request)
        if chance(self.random, 0.3):
            request["ReturnValues"] = self.random.choice(["ALL_OLD", "NONE"] * 8 + ["ALL_NEW", "UPDATED_NEW"])
        self.capacity(request)
        self.metrics(request)
        return "PutItem", request, [table.name]

    def update(self):
        table, places = self.pick(), Placeholders(self.random)
        request = {"TableName": table.name, "Key": self.key(table)}
        if chance(self.random, 0.97):
            request["UpdateExpression"] = self.maybe_broken(self.conditions(table, places).update())
        self.add_condition(request, table, places, 0.3)
        places.put_into(request)
        if chance(self.random, 0.6):
            request["ReturnValues"] = self.random.choice(["ALL_OLD", "ALL_NEW", "UPDATED_OLD", "UPDATED_NEW", "NONE"])
        self.capacity(request)
        self.metrics(request)
        return "UpdateItem", request, [table.name]

    def delete(self):
        table, places = self.pick(), Placeholders(self.random)
        request = {"TableName": table.name, "Key": self.key(table)}
        self.add_condition(request, table, places)
        places.put_into(request)
        if chance(self.random, 0.5):
            request["ReturnValues"] = self.random.choice(["ALL_OLD", "NONE"] * 8 + ["UPDATED_OLD"])
        self.capacity(request)
        self.metrics(request)
        return "DeleteItem", request, [table.name]

    def get(self):
        table, places = self.pick(), Placeholders(self.random)
        request = {"TableName": table.name, "Key": self.key(table)}
        if chance(self.random, 0.5):
            request["ProjectionExpression"] = self.maybe_broken(self.conditions(table, places).projection())
        places.put_into(request)
        if chance(self.random, 0.3):
            request["ConsistentRead"] = chance(self.random, 0.5)
        self.capacity(request)
        return "GetItem", request, [table.name]

    # ---- reads of many
    def key_condition(self, table, keys, places):
        random = self.random
        hashed = keys[0]
        text = f"{places.name(hashed)} = {places.value(values.key_value(random, table.types[hashed]))}"
        if len(keys) > 1 and chance(random, 0.7):
            name, kind = places.name(keys[1]), table.types[keys[1]]
            one = lambda: places.value(values.key_value(random, kind))
            choice = random.randrange(7)
            if choice == 0:
                more = f"{name} BETWEEN {one()} AND {one()}"
            elif choice == 1 and (kind != "N" or chance(random, 0.1)):
                more = f"begins_with({name}, {one()})"
            elif choice == 2 and chance(random, 0.1):
                more = random.choice([f"{name} <> {one()}", f"contains({name}, {one()})", f"{name} IN ({one()})"])
            else:
                more = f"{name} {random.choice(['=', '<', '<=', '>', '>='])} {one()}"
            text = f"{more} AND {text}" if chance(random, 0.1) else f"{text} AND {more}"
        elif chance(random, 0.03):
            text = random.choice([f"{text} AND a = {places.value({'S': 'a'})}", f"{text} OR {text}", f"NOT {text}"])
        return text

    def reading(self, table, places, request):
        """What Query and Scan share."""
        random = self.random
        if chance(random, 0.3):
            request["FilterExpression"] = self.maybe_broken(self.conditions(table, places).condition())
        if chance(random, 0.25):
            request["ProjectionExpression"] = self.maybe_broken(self.conditions(table, places).projection())
        if chance(random, 0.15):
            request["Select"] = random.choice(
                ["COUNT", "COUNT", "ALL_ATTRIBUTES", "ALL_PROJECTED_ATTRIBUTES", "SPECIFIC_ATTRIBUTES"])
        if chance(random, 0.1):
            request["ConsistentRead"] = True
        self.capacity(request)

    def index(self, table, request, probability):
        keys = table.keys
        if table.indexes and chance(self.random, probability):
            request["IndexName"] = self.random.choice(list(table.indexes))
            keys = table.indexes[request["IndexName"]]
        if chance(self.random, 0.01):
            request["IndexName"] = "nosuch"
        return keys

    def query(self):
        random, table = self.random, self.pick()
        places, request = Placeholders(self.random), {"TableName": table.name}
        keys = self.index(table, request, 0.45)
        request["KeyConditionExpression"] = self.maybe_broken(self.key_condition(table, keys, places))
        self.reading(table, places, request)
        places.put_into(request)
        if chance(random, 0.4):
            request["ScanIndexForward"] = chance(random, 0.4)
        if chance(random, 0.4):
            request["Limit"] = random.choice([1, 1, 2, 3, 10]) if chance(random, 0.97) else 0
        return "Query", request, [table.name]

    def scan(self):
        random, table = self.random, self.pick()
        places, request = Placeholders(self.random), {"TableName": table.name}
        self.index(table, request, 0.3)
        self.reading(table, places, request)
        places.put_into(request)
        if chance(random, 0.2):
            request["TotalSegments"] = random.choice([1, 2, 3, 7])
            if chance(random, 0.95):
                request["Segment"] = 0
                request["AllSegments"] = True  # for the runner: it reads each segment and puts them together
        elif chance(random, 0.02):
            request |= random.choice([{"Segment": 1}, {"Segment": 3, "TotalSegments": 3}, {"Segment": 0, "TotalSegments": 0}])
        if chance(random, 0.3):
            request["Limit"] = random.choice([1, 2, 5])
        return "Scan", request, [table.name]

    # ---- legacy parameters
    def expected(self, table):
        random, found = self.random, {}
        for name in random.sample(["a", "b", "c", "n", "st", "name"], random.choice([1, 1, 2])):
            if chance(random, 0.3):
                found[name] = {"Exists": False} if chance(random, 0.5) else {"Value": values.value(random, 0)}
            else:
                found[name] = self.comparison()
        return found

    def comparison(self):
        random = self.random
        operator = random.choice(["EQ", "NE", "LE", "LT", "GE", "GT", "NOT_NULL", "NULL", "CONTAINS", "NOT_CONTAINS",
                                  "BEGINS_WITH", "IN", "BETWEEN"])
        count = {"NOT_NULL": 0, "NULL": 0, "IN": random.randint(1, 3), "BETWEEN": 2}.get(operator, 1)
        if chance(random, 0.03):
            count = random.randint(0, 3)
        kind = random.choice([values.string, values.number])
        found = {"ComparisonOperator": operator, "AttributeValueList": [kind(random) for _ in range(count)]}
        if count == 0 and chance(random, 0.8):
            found.pop("AttributeValueList")
        return found

    def legacy(self):
        random, table = self.random, self.pick()
        kind = random.choice(["put", "update", "delete", "query", "scan", "get"])
        request = {"TableName": table.name}
        if kind in ("put", "update", "delete"):
            request |= {"Item": self.item(table)} if kind == "put" else {"Key": self.key(table)}
            if chance(random, 0.6):
                request["Expected"] = self.expected(table)
                if chance(random, 0.2):
                    request["ConditionalOperator"] = random.choice(["AND", "OR"])
            if kind == "update":
                request["AttributeUpdates"] = {
                    name: {"Action": random.choice(["PUT", "ADD", "DELETE"]), "Value": values.value(random, 1)}
                    for name in random.sample(["a", "b", "c", "n", "st", "ns", "l"], random.randint(1, 2))}
                for update in request["AttributeUpdates"].values():
                    if update["Action"] == "DELETE" and chance(random, 0.5):
                        update.pop("Value")
                    if chance(random, 0.1):
                        update.pop("Action")
                request["ReturnValues"] = random.choice(["ALL_OLD", "ALL_NEW", "UPDATED_OLD", "UPDATED_NEW"])
            if chance(random, 0.03):
                request["ConditionExpression"] = "attribute_exists(a)"
            return {"put": "PutItem", "update": "UpdateItem", "delete": "DeleteItem"}[kind], request, [table.name]
        if kind == "get":
            return "GetItem", request | {"Key": self.key(table), "AttributesToGet": random.sample(["a", "b", "pk", "m"], 2)}, \
                [table.name]
        if chance(random, 0.3):
            request["AttributesToGet"] = random.sample(["a", "b", "pk", "m"], 2)
        if chance(random, 0.5):
            filters = {name: self.comparison() for name in random.sample(["a", "b", "c", "n"], random.choice([1, 2]))}
            request["QueryFilter" if kind == "query" else "ScanFilter"] = filters
            if chance(random, 0.3):
                request["ConditionalOperator"] = random.choice(["AND", "OR"])
        if kind == "scan":
            return "Scan", request, [table.name]
        keys = self.index(table, request, 0.3)
        request["KeyConditions"] = {keys[0]: {"ComparisonOperator": "EQ", "AttributeValueList": [
            values.key_value(random, table.types[keys[0]])]}}
        if len(keys) > 1 and chance(random, 0.6):
            operator = random.choice(["EQ", "LE", "LT", "GE", "GT", "BEGINS_WITH", "BETWEEN", "NE"])
            request["KeyConditions"][keys[1]] = {"ComparisonOperator": operator, "AttributeValueList": [
                values.key_value(random, table.types[keys[1]]) for _ in range(2 if operator == "BETWEEN" else 1)]}
        return "Query", request, [table.name]

    # ---- many at once
    def batch_write(self):
        random, request, touched = self.random, {}, []
        for table in random.sample(list(self.tables.values()), min(len(self.tables), random.choice([1, 1, 2]))):
            touched.append(table.name)
            request[table.name] = [
                {"PutRequest": {"Item": self.item(table)}} if chance(random, 0.7) else {"DeleteRequest": {"Key": self.key(table)}}
                for _ in range(random.choice([1, 2, 3, 5]) if chance(random, 0.98) else 26)]
        if chance(random, 0.01):
            request = {}
        message = {"RequestItems": request}
        self.capacity(message)
        return "BatchWriteItem", message, touched

    def batch_get(self):
        random, request, touched = self.random, {}, []
        for table in random.sample(list(self.tables.values()), min(len(self.tables), random.choice([1, 1, 2]))):
            touched.append(table.name)
            places = Placeholders(random)
            request[table.name] = {"Keys": [self.key(table) for _ in range(random.choice([1, 2, 3, 4]))]}
            if chance(random, 0.4):
                request[table.name]["ProjectionExpression"] = self.conditions(table, places).projection()
            places.put_into(request[table.name])
            request[table.name].pop("ExpressionAttributeValues", None)
        message = {"RequestItems": request}
        self.capacity(message)
        return "BatchGetItem", message, touched

    def transact_write(self):
        random, items, touched = self.random, [], set()
        for _ in range(random.choice([1, 2, 3, 4])):
            kind = random.choice(["put", "update", "delete", "check"])
            if kind == "check":
                table, places = self.pick(), Placeholders(random)
                one = {"TableName": table.name, "Key": self.key(table),
                       "ConditionExpression": self.conditions(table, places).condition(1)}
                places.put_into(one)
                items.append({"ConditionCheck": one})
                touched.add(table.name)
                continue
            _, one, names = getattr(self, kind)()
            for extra in ("ReturnValues", "ReturnConsumedCapacity", "ReturnItemCollectionMetrics"):
                one.pop(extra, None)
            items.append({kind.capitalize(): one})
            touched.update(names)
        request = {"TransactItems": items}
        self.capacity(request)
        return "TransactWriteItems", request, sorted(touched)

    def transact_get(self):
        random, items, touched = self.random, [], set()
        for _ in range(random.choice([1, 2, 3])):
            _, one, names = self.get()
            for extra in ("ConsistentRead", "ReturnConsumedCapacity"):
                one.pop(extra, None)
            items.append({"Get": one})
            touched.update(names)
        request = {"TransactItems": items}
        self.capacity(request)
        return "TransactGetItems", request, sorted(touched)

    # ---- PartiQL
    def partiql(self):
        table = self.pick()
        return "ExecuteStatement", Statements(self.random, table, self).any(), [table.name]

    def batch_partiql(self):
        random, table = self.random, self.pick()
        statements = Statements(random, table, self)
        make = statements.read_one if chance(random, 0.5) else statements.write
        return "BatchExecuteStatement", {"Statements": [make() for _ in range(random.randint(1, 3))]}, [table.name]

    def transact_partiql(self):
        random, table = self.random, self.pick()
        statements = Statements(random, table, self)
        make = statements.read_one if chance(random, 0.4) else statements.write
        return "ExecuteTransaction", {"TransactStatements": [make() for _ in range(random.randint(1, 3))]}, [table.name]

    def next(self):
        if not self.tables:
            return self.create()
        while True:
            name = self.random.choices(list(self.weights), list(self.weights.values()))[0]
            operation, request, touched = getattr(self, name)()
            return operation, request, touched
