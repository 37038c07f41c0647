"""Random attribute values in the wire's JSON form: mostly plain ones of a small pool, so that operations meet."""

import base64

WORDS = ["", "a", "b", "ab", "abc", "zz", "Straße", "日本", "a b", "0", "10", "9"]
NUMBERS = ["0", "1", "2", "3", "-1", "10", "1.5", "-2.25", "100", "0.001", "12345678901234567890123456789012345678",
           "-0.00000000000000000000000000000000001", "9.9999999999999999999999999999999999999E+125", "1E-130", "1e2",
           "007", "1.50", "-0", "+5", "1E+1", "0.1E1"]
BAD_NUMBERS = ["", "abc", "1e126", "123456789012345678901234567890123456789", "1E-131", "--1", "0x10", "NaN", " 1"]
BYTES = [b"", b"\x00", b"\x01\x02", b"abc", b"\xff\xfe", b"a"]


def encoded(data):
    return base64.b64encode(data).decode()


def string(random):
    return {"S": random.choice(WORDS)}


def number(random):
    return {"N": random.choice(NUMBERS if random.random() < 0.4 else NUMBERS[:9])}


def binary(random):
    return {"B": encoded(random.choice(BYTES))}


def key_value(random, kind):
    """A value for a key attribute: from few, so that many operations hit the same item."""
    if kind == "S":
        return {"S": random.choice(["a", "b", "ab", "abc", "zz", "Straße"])}
    if kind == "N":
        return {"N": random.choice(["0", "1", "2", "-1", "10", "1.5", "100", "12345678901234567890123456789012345678"])}
    return {"B": encoded(random.choice([b"\x00", b"\x01\x02", b"abc", b"\xff\xfe"]))}


def number_set(random):
    plain = [n for n in NUMBERS[:9]]
    return {"NS": random.sample(plain, random.randint(1, 3))}


def string_set(random):
    return {"SS": random.sample(WORDS[1:8], random.randint(1, 3))}


def binary_set(random):
    return {"BS": [encoded(b) for b in random.sample(BYTES[1:5], random.randint(1, 2))]}


def value(random, depth=2):
    """Any valid value; nested ones down to `depth`."""
    makers = [string, number, number, string, binary, lambda r: {"BOOL": r.random() < 0.5}, lambda r: {"NULL": True},
              string_set, number_set, binary_set]
    if depth > 0:
        makers += [lambda r: {"L": [value(r, depth - 1) for _ in range(r.randint(0, 3))]},
                   lambda r: {"M": {r.choice("abcm"): value(r, depth - 1) for _ in range(r.randint(0, 3))}}] * 2
    return random.choice(makers)(random)


def bad_value(random):
    """A value that must be refused."""
    return random.choice([
        {"N": random.choice(BAD_NUMBERS)}, {"SS": []}, {"NS": []}, {"SS": ["a", "a"]}, {"NS": ["1", "1.0"]}, {"NS": ["x"]},
        {"NULL": False}, {}, {"S": "a", "N": "1"}, {"BS": []}, {"L": [{"N": "abc"}]}, {"M": {"x": {"SS": []}}},
    ])
