"""Random expressions of DynamoDB's language, with their placeholders; some broken on purpose."""

import values

PLAIN = ["a", "b", "c", "l", "m", "n", "st", "ns"]
RESERVED = ["name", "size", "status", "values"]
FUNCTIONS = ["attribute_exists", "attribute_not_exists", "attribute_type", "begins_with", "contains", "size"]
COMPARATORS = ["=", "<>", "<", "<=", ">", ">="]
TYPES = ["S", "N", "B", "SS", "NS", "BS", "BOOL", "NULL", "L", "M"]


class Placeholders:
    """ExpressionAttributeNames and ...Values of one request."""

    def __init__(self, random):
        self.random, self.names, self.values = random, {}, {}

    def name(self, attribute):
        must = attribute in RESERVED or not attribute.isalnum()
        if not must and self.random.random() < 0.6:
            return attribute
        placeholder = f"#n{len(self.names)}"
        self.names[placeholder] = attribute
        return placeholder

    def value(self, value):
        placeholder = f":v{len(self.values)}"
        self.values[placeholder] = value
        return placeholder

    def put_into(self, request):
        """With rare mistakes: one left out, one too many, an empty map."""
        names, vals = dict(self.names), dict(self.values)
        dice = self.random.random()
        if dice < 0.01 and vals:
            vals.pop(self.random.choice(list(vals)))
        elif dice < 0.02 and names:
            names.pop(self.random.choice(list(names)))
        elif dice < 0.03:
            vals[":unused"] = {"S": "x"}
        elif dice < 0.04:
            names["#unused"] = "x"
        elif dice < 0.045 and vals:
            vals[self.random.choice(list(vals))] = values.bad_value(self.random)
        elif dice < 0.05:
            names = {"bad": "x"}
        elif dice < 0.055:
            vals = {":": {"S": "x"}}
        if names or dice > 0.997:
            request["ExpressionAttributeNames"] = names
        if vals or dice > 0.997:
            request["ExpressionAttributeValues"] = vals


class Expressions:
    def __init__(self, random, attributes, placeholders):
        self.random, self.attributes, self.places, self.used = random, attributes, placeholders, set()

    def top(self):
        return self.random.choice(self.attributes + PLAIN + PLAIN + RESERVED[:2])

    def path(self):
        text = self.places.name(self.top())
        while self.random.random() < 0.25:
            if self.random.random() < 0.4:
                text += f"[{self.random.choice([0, 0, 1, 2, 5])}]"
            else:
                text += "." + self.places.name(self.random.choice(["a", "b", "c", "m"]))
        return text

    def target(self):
        """A path to change: mostly one that may be changed and was not named before."""
        free = [name for name in PLAIN + ["name"] if name not in self.used]
        if not free or self.random.random() < 0.1:
            return self.path()
        name = self.random.choice(free)
        self.used.add(name)
        text = self.places.name(name)
        if name == "m" and self.random.random() < 0.5:
            text += "." + self.places.name(self.random.choice(["a", "b", "c"]))
        elif name == "l" and self.random.random() < 0.5:
            text += f"[{self.random.choice([0, 1, 2, 7])}]"
        return text

    def operand(self):
        dice = self.random.random()
        if dice < 0.45:
            return self.path()
        if dice < 0.53:
            return f"size({self.path()})"
        return self.places.value(values.value(self.random, 1))

    def condition(self, depth=2):
        random, dice = self.random, self.random.random()
        if depth > 0 and dice < 0.35:
            joined = f" {random.choice(['AND', 'OR', 'and'])} ".join(
                self.condition(depth - 1) for _ in range(random.randint(2, 3)))
            return f"({joined})" if random.random() < 0.4 else joined
        if depth > 0 and dice < 0.42:
            return f"NOT {self.condition(depth - 1)}"
        if dice < 0.62:
            return self.function()
        if dice < 0.68:
            kind = random.choice([values.number, values.string])
            low, high = (self.places.value(kind(random)) for _ in range(2))
            return f"{self.path()} BETWEEN {low} AND {high}"
        if dice < 0.74:
            return f"{self.path()} IN ({', '.join(self.operand() for _ in range(random.randint(1, 4)))})"
        return f"{self.operand()} {random.choice(COMPARATORS)} {self.operand()}"

    def function(self):
        random = self.random
        name = random.choice(FUNCTIONS)
        if name in ("attribute_exists", "attribute_not_exists"):
            return f"{name}({self.path()})"
        if name == "attribute_type":
            kind = random.choice(TYPES) if random.random() < 0.9 else "X"
            return f"{name}({self.path()}, {self.places.value({'S': kind})})"
        if name == "size":
            return f"size({self.path()}) {random.choice(COMPARATORS)} {self.places.value(values.number(random))}"
        dice = random.random()
        if dice < 0.1:
            second = self.operand()
        elif dice < 0.2:
            second = self.places.value(values.value(random, 0))
        else:
            second = self.places.value(values.string(random) if name == "begins_with" or dice < 0.7 else values.number(random))
        return f"{name}({self.path()}, {second})"

    def projection(self):
        return ", ".join(self.path() for _ in range(self.random.randint(1, 4)))

    def update(self):
        random, parts = self.random, []
        for clause in random.sample(["SET", "REMOVE", "ADD", "DELETE"], random.choice([1, 1, 1, 2, 3])):
            items = [getattr(self, f"_{clause.lower()}")() for _ in range(random.choice([1, 1, 2, 3]))]
            parts.append(f"{clause} {', '.join(items)}")
        if random.random() < 0.01:
            parts.append(parts[0])
        return " ".join(parts)

    def _set(self):
        return f"{self.target()} = {self._set_value()}"

    def _set_value(self):
        random, dice = self.random, self.random.random()
        if dice < 0.5:
            return self.places.value(values.value(random))
        if dice < 0.6:
            return self.path()
        if dice < 0.75:
            left = self.path() if random.random() < 0.8 else f"if_not_exists({self.path()}, {self.places.value({'N': '0'})})"
            right = values.number(random) if random.random() < 0.9 else values.value(random)
            return f"{left} {random.choice('+-')} {self.places.value(right)}"
        if dice < 0.88:
            return f"if_not_exists({self.path()}, {self.places.value(values.value(random, 1))})"
        return f"list_append({self.path()}, {self.places.value({'L': [values.value(random, 0)]})})"

    def _remove(self):
        return self.target()

    def _add(self):
        maker = self.random.choice([values.number] * 4 + [values.number_set, values.string_set] * 2 + [values.value])
        return f"{self.target()} {self.places.value(maker(self.random))}"

    def _delete(self):
        maker = self.random.choice([values.string_set, values.number_set] * 3 + [values.binary_set, values.value])
        return f"{self.target()} {self.places.value(maker(self.random))}"


def broken(random, text):
    """`text` with one token lost, doubled or replaced."""
    tokens = text.split(" ")
    at = random.randrange(len(tokens))
    action = random.randrange(5)
    if action == 0:
        tokens.pop(at)
    elif action == 1:
        tokens.insert(at, tokens[at])
    elif action == 2:
        tokens[at] = random.choice(["AND", "(", ")", "=", "::x", "foo(", "##", "[", "name", ",", "1", "$"])
    elif action == 3:
        tokens[at] = tokens[at][:-1]
    else:
        tokens.append(random.choice(["AND", ")", "x", ":zz"]))
    return " ".join(tokens)
