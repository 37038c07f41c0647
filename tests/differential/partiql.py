"""Random PartiQL statements on a table."""

import values

COMPARATORS = ["=", "<>", "<", "<=", ">", ">=", "!="]


def literal(value):
    """`value` written in PartiQL; None where it has no literal (binary)."""
    if len(value) != 1:
        return None  # a bad one, of no kind or of two
    (kind, inner), = value.items()
    if kind == "S":
        return "'" + inner.replace("'", "''") + "'"
    if kind == "N":
        return inner
    if kind == "BOOL":
        return str(inner).lower()
    if kind == "NULL":
        return "NULL"
    if kind in ("SS", "NS"):
        parts = [literal({kind[0]: one}) for one in inner]
        return None if None in parts else "<<" + ", ".join(parts) + ">>"
    if kind == "L":
        parts = [literal(one) for one in inner]
        return None if None in parts else "[" + ", ".join(parts) + "]"
    if kind == "M":
        parts = {name: literal(one) for name, one in inner.items()}
        return None if None in parts.values() else "{" + ", ".join(f"'{n}': {p}" for n, p in parts.items()) + "}"
    return None


class Statements:
    def __init__(self, random, table, generator):
        self.random, self.table, self.generator = random, table, generator
        self.parameters = []

    def chance(self, probability):
        return self.random.random() < probability

    def write_value(self, value):
        text = literal(value)
        if text is None or self.chance(0.4):
            self.parameters.append(value)
            return "?"
        return text

    def plain(self):
        """A value whose literal both sides read the same way."""
        makers = [values.string, lambda r: {"N": r.choice(["0", "1", "2", "10", "1.5", "-1"])},
                  lambda r: {"BOOL": r.random() < 0.5}, lambda r: {"NULL": True}, values.string_set]
        return self.random.choice(makers)(self.random)

    def path(self):
        name = self.random.choice(self.table.attributes + ["a", "b", "c", "l", "m", "n", "st"])
        text = f'"{name}"' if self.chance(0.3) else name
        while self.chance(0.2):
            text += "[0]" if self.chance(0.4) else "." + self.random.choice("abcm")
        return text

    def condition(self, depth=1):
        dice = self.random.random()
        if depth and dice < 0.3:
            joined = f" {self.random.choice(['AND', 'OR'])} ".join(self.condition(depth - 1) for _ in range(2))
            return f"({joined})"
        if depth and dice < 0.36:
            return f"NOT {self.condition(depth - 1)}"
        path = self.path()
        if dice < 0.45:
            return f"{path} IS {'NOT ' if self.chance(0.5) else ''}{self.random.choice(['MISSING', 'NULL'])}"
        if dice < 0.52:
            return f"begins_with({path}, {self.write_value(values.string(self.random))})"
        if dice < 0.59:
            return f"contains({path}, {self.write_value(self.plain())})"
        if dice < 0.64:
            return f"size({path}) {self.random.choice(COMPARATORS)} {self.random.randint(0, 3)}"
        if dice < 0.68:
            return f"attribute_type({path}, {self.write_value({'S': self.random.choice(['S', 'N', 'L', 'M', 'NULL'])})})"
        if dice < 0.76:
            inner = ", ".join(self.write_value(self.plain()) for _ in range(self.random.randint(1, 3)))
            return f"{path} IN " + (f"[{inner}]" if self.chance(0.5) else f"({inner})")
        if dice < 0.82:
            return f"{path} BETWEEN {self.write_value(self.plain())} AND {self.write_value(self.plain())}"
        return f"{path} {self.random.choice(COMPARATORS)} {self.write_value(self.plain())}"

    def key_condition(self, names=None):
        parts = [f"{name} = {self.write_value(values.key_value(self.random, self.table.types[name]))}"
                 for name in (names or self.table.keys)]
        if self.chance(0.03) and len(parts) > 1:
            parts.pop()
        return " AND ".join(parts)

    def done(self, text):
        request = {"Statement": text}
        if self.parameters:
            request["Parameters"] = self.parameters
        self.parameters = []
        return request

    def source(self):
        name = self.table.name if self.chance(0.99) else "missing"
        return f'"{name}"' if self.chance(0.5) else name

    def columns(self):
        if self.chance(0.6):
            return "*"
        names = self.random.sample(self.table.attributes + ["a", "b", "m"], 2)
        return ", ".join(f'"{n}"' for n in names) if self.chance(0.3) else ", ".join(names)

    def read_one(self):
        return self.done(f"SELECT {self.columns()} FROM {self.source()} WHERE {self.key_condition()}")

    def select(self):
        source, keys = self.source(), self.table.keys
        if self.table.indexes and self.chance(0.3):
            index = self.random.choice(list(self.table.indexes))
            source, keys = f'"{self.table.name}"."{index}"', self.table.indexes[index]
        text = f"SELECT {self.columns()} FROM {source}"
        dice = self.random.random()
        if dice < 0.3:
            text += f" WHERE {self.key_condition(keys)}"
        elif dice < 0.6:
            text += f" WHERE {self.key_condition(keys[:1])}"
            if self.chance(0.5):
                text += f" AND {self.condition()}"
            elif len(keys) > 1 and self.chance(0.5):
                text += f" ORDER BY {keys[1]} {self.random.choice(['ASC', 'DESC', ''])}"
        elif dice < 0.9:
            text += f" WHERE {self.condition()}"
        return self.done(text)

    def insert(self):
        item = self.generator.item(self.table)
        inner = ", ".join(f"'{name}': {self.write_value(value)}" for name, value in item.items())
        return self.done(f"INSERT INTO {self.source()} VALUE {{{inner}}}")

    def update(self):
        parts = []
        for _ in range(self.random.choice([1, 1, 2])):
            path = self.path()
            dice = self.random.random()
            if dice < 0.6:
                parts.append(f"SET {path} = {self.write_value(self.plain())}")
            elif dice < 0.7:
                parts.append(f"SET {path} = list_append({self.path()}, {self.write_value({'L': [self.plain()]})})")
            elif dice < 0.8:
                parts.append(f"SET {path} = {self.path()} {self.random.choice('+-')} 1")
            elif dice < 0.9:
                parts.append(f"SET {path} = set_add({path}, {self.write_value(values.string_set(self.random))})")
            else:
                parts.append(f"REMOVE {path}")
        text = f"UPDATE {self.source()} {' '.join(parts)} WHERE {self.key_condition()}"
        if self.chance(0.3):
            text += f" AND {self.condition(0)}"
        if self.chance(0.4):
            text += f" RETURNING {self.random.choice(['ALL', 'MODIFIED'])} {self.random.choice(['OLD', 'NEW'])} *"
        return self.done(text)

    def delete(self):
        text = f"DELETE FROM {self.source()} WHERE {self.key_condition()}"
        if self.chance(0.3):
            text += f" AND {self.condition(0)}"
        if self.chance(0.4):
            text += " RETURNING ALL OLD *"
        return self.done(text)

    def write(self):
        return self.random.choice([self.insert, self.insert, self.update, self.delete])()

    def any(self):
        request = self.random.choice([self.select, self.select, self.read_one, self.insert, self.update, self.delete])()
        if self.chance(0.02):
            tokens = request["Statement"].split(" ")
            tokens.pop(self.random.randrange(len(tokens)))
            request["Statement"] = " ".join(tokens)
        return request
