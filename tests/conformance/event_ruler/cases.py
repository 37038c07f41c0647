"""Patterns and events for which Event Ruler is asked for its verdict: refused patterns by hand, the rest by chance."""

import json
import random

REFUSED = [
    '{"a":5}', '{"a":"x"}', '{ "a" : { "b": "xyz" }}', '{"a":[{"EXISTS": true}]}', '{"a":[{"EXISTS": "true"}]}',
    '{"a":[{"EXISTS": [1]}]}', '{"a":[{"EXISTS": {"x": 1}}]}', '{"a":[{"prefix": 123}]}', '{"a":[{"prefix": ["x"]}]}',
    '{"a":[{"prefix": {}}]}', '{"a":[{"prefix": {"suffix": "x"}}]}', '{"a":[{"prefix": {"equals-ignore-case": 1}}]}',
    '{"a":[{"prefix": {"equals-ignore-case": "x", "b": 1}}]}', '{"a":[{"prefix": {"equals-ignore-case": "x"}, "b": 1}]}',
    '{"a":[]}', '{"a":{}}', '{}', '[]', '"x"', '5', 'null', '{"a":[[1]]}', '{"a":[{"numeric":[">",0,">",0]}]}',
    '{"a":[{"numeric":[">",0,"<"]}]}', '{"a":[{"numeric":10}]}', '{"a":[{"numeric":["=",1,2]}]}',
    '{"a":[{"numeric":["<",1,2]}]}', '{"a":[{"numeric":[">",1,"<",2,3]}]}', '{"a":[{"numeric":[">",5,"<",1]}]}',
    '{"a":[{"numeric":[">",5,"<=",5]}]}', '{"a":[{"numeric":["!",5]}]}', '{"a":[{"numeric":[5]}]}', '{"a":[{"numeric":[]}]}',
    '{"a":[{"numeric":["=","x"]}]}', '{"a":[{"numeric":[">=","x"]}]}', '{"a":[{"numeric":[">=",1,2]}]}',
    '{"a":[{"numeric":["=",1],"b":2}]}', '{"a":[{"cidr":"bad"}]}', '{"a":[{"cidr":"xx.11.xx/8"}]}',
    '{"a":[{"cidr":"300.11.1.1/8"}]}', '{"a":[{"cidr":"10.0.0.0/32"}]}', '{"a":[{"cidr":"10.0.0.0/-1"}]}',
    '{"a":[{"cidr":"10.0.0.0/x"}]}', '{"a":[{"cidr":"10.0.0.0/"}]}', '{"a":[{"cidr":"10.0.0.0/8/9"}]}',
    '{"a":[{"cidr":"::1/128"}]}', '{"a":[{"cidr":["x"]}]}', '{"a":[{"cidr":"10.0.0.0/8","b":1}]}',
    '{"a":[{"wildcard":"a**b"}]}', '{"a":[{"wildcard":"a\\\\b"}]}', '{"a":[{"wildcard":"a\\\\"}]}', '{"a":[{"wildcard":7}]}',
    '{"a":[{"anything-but":null}]}', '{"a":[{"anything-but":true}]}', '{"a":[{"anything-but":["a",null]}]}',
    '{"a":[{"anything-but":["a",1]}]}', '{"a":[{"anything-but":[]}]}', '{"a":[{"anything-but":{}}]}',
    '{"a":[{"anything-but":{"prefix":""}}]}', '{"a":[{"anything-but":{"prefix":["a",""]}}]}',
    '{"a":[{"anything-but":{"foo":"x"}}]}', '{"a":[{"anything-but":{"prefix":5}}]}', '{"a":[{"anything-but":{"suffix":[5]}}]}',
    '{"a":[{"anything-but":{"wildcard":5}}]}', '{"a":[{"anything-but":{"wildcard":["**"]}}]}',
    '{"a":[{"anything-but":{"equals-ignore-case":5}}]}', '{"a":[{"anything-but":{"equals-ignore-case":["a",5]}}]}',
    '{"a":[{"anything-but":"a","b":1}]}', '{"a":[{"anything-but":{"prefix":"a","b":1}}]}', '{"a":[{"exists":"x"}]}',
    '{"a":[{"exists":true,"prefix":"x"}]}', '{"$or":[{"a":[1]}]}', '{"$or":{"a":[1]}}', '{"$or":[1,2]}', '{"$or":[]}',
    '{"$or":[{"prefix":[1]},{"b":[2]}]}', '{"$or":[{"a":{"numeric":[1]}},{"b":[2]}]}', '{"$or":[{},{"b":[2]}]}',
    '{"a":[{}]}', '{\n "a": [\n  {"x": 1}\n ]\n}', '{"a":[{"numeric":["=",12345678901234567890]}]}',
    '{"a":[{"suffix":{"equals-ignore-case":5}}]}', '{"a":[{"suffix":{"prefix":"x"}}]}', '{"a":[{"suffix":[1]}]}',
    '{"a":[{"exactly":5}]}', '{"a":[{"equals-ignore-case":["b"]}]}', '{"a":["é",{"x":1}]}', '{"a":["' + "x" * 600 + '"],"b":5}',
    '{"a":5}' + " " * 600, '{"a": 5.50}', '{"a": "line1\\nline2", "b": 5}', '{"a":[{"wildcard":"*:*:*:*:*:event-bus/*"}]}',
    '{"a":[{"wildcard":"*a*a*a*a*a*"}]}', '{"a":[{"wildcard":"*aaaaaaaaaaaaaa"}]}',
    '{"a":[{"wildcard":"*ab*"},{"wildcard":"*abab*"},{"wildcard":"*ba*"}]}',
    '{"a":[{"anything-but":{"wildcard":["*a*b*c*","*d*e*f*","*g*h*i*","*j*k*"]}}]}', "{'bad': 'quotation'}",
    '["not", "a", "dict", "but valid json"]',
]

WORDS = ["app", "App", "APP", "apple", "application", "", "a", "ab", "abc", "10.0.0.1", "10.0.1.7", "2001:db8::1",
         "2001:0DB8:0::0001", "Straße", "ÄPFEL", "äpfel", "a*b", "a\\b", "pre-x-post", "12", "true", "null"]
NUMBERS = ["0", "1", "-1", "1.0", "1e0", "3.0e2", "300", "300.0", "12345678901234567890", "0.1", "-0", "99.99", "1e400"]
NAMES = ["a", "b", "c", "a.b"]


class Written(str):
    """A number as it stands in the JSON."""


def leaves(node):
    if isinstance(node, dict):
        node = list(node.values())
    if isinstance(node, list):
        return [leaf for inner in node for leaf in leaves(inner)]
    return [node if isinstance(node, Written) else json.dumps(node, ensure_ascii=False)]


def value(chance, known=()):
    kind = chance.random()
    if known and kind < 0.5:
        return chance.choice(known)
    if kind < 0.5:
        return json.dumps(chance.choice(WORDS), ensure_ascii=False)
    if kind < 0.85:
        return chance.choice(NUMBERS)
    return chance.choice(["true", "false", "null"])


def word(chance, known=()):
    words = [leaf for leaf in known if leaf.startswith('"')]
    if words and chance.random() < 0.5:
        return chance.choice(words)
    return json.dumps(chance.choice(WORDS), ensure_ascii=False)


def sensible(chance):
    return chance.choice(["0", "1", "-1", "300", "0.1", "99.99", "3.0e2"])


def test(chance, known):
    kind = chance.randrange(16)
    if kind < 4:
        return value(chance, known)
    if kind == 4:
        return '{"prefix": %s}' % word(chance, known)
    if kind == 5:
        return '{"suffix": %s}' % word(chance, known)
    if kind == 6:
        return '{"%s": {"equals-ignore-case": %s}}' % (chance.choice(["prefix", "suffix"]), word(chance, known))
    if kind == 7:
        return '{"equals-ignore-case": %s}' % word(chance, known)
    if kind == 8:
        return '{"exists": %s}' % chance.choice(["true", "false"])
    if kind == 9:
        if chance.random() < 0.5:
            return '{"numeric": ["%s", %s]}' % (chance.choice(["<", "<=", ">", ">=", "="]), sensible(chance))
        return '{"numeric": ["%s", %s, "%s", %s]}' % (chance.choice([">", ">="]), chance.choice(["-1", "0"]),
                                                      chance.choice(["<", "<="]), chance.choice(["1", "300"]))
    if kind == 10:
        return '{"cidr": "%s"}' % chance.choice(["10.0.0.0/8", "10.0.0.0/24", "2001:db8::/32"])
    if kind == 11:
        return '{"wildcard": %s}' % json.dumps(chance.choice(["*", "a*", "*a", "a*c", "*-x-*", "pre*", "a\\*b", "abc"]))
    if kind == 12:
        return '{"anything-but": %s}' % (word(chance) if chance.random() < 0.5 else sensible(chance))
    if kind == 13:
        item = word if chance.random() < 0.5 else sensible
        return '{"anything-but": [%s, %s]}' % (item(chance), item(chance))
    if kind == 14:
        return '{"anything-but": {"%s": %s}}' % (chance.choice(["prefix", "suffix"]), json.dumps(chance.choice(["a", "app", "1"])))
    return '{"anything-but": {"%s": [%s, %s]}}' % (chance.choice(["equals-ignore-case", "wildcard"]),
                                                 json.dumps(chance.choice(["app", "a*"])), json.dumps(chance.choice(["abc", "*c"])))


def pattern(chance, known, depth=0):
    fields = []
    for name in chance.sample(NAMES, chance.randint(1, 2)):
        if depth < 2 and chance.random() < 0.35:
            fields.append('"%s": %s' % (name, pattern(chance, known, depth + 1)))
        else:
            fields.append('"%s": [%s]' % (name, ", ".join(test(chance, known) for _ in range(chance.randint(1, 2)))))
    if depth < 2 and chance.random() < 0.15:
        fields.append('"$or": [%s, %s]' % (pattern(chance, known, depth + 1), pattern(chance, known, depth + 1)))
    return "{%s}" % ", ".join(fields)


def event_value(chance, depth):
    kind = chance.random()
    if depth < 3 and kind < 0.3:
        return event(chance, depth + 1)
    if depth < 3 and kind < 0.55:
        return "[%s]" % ", ".join(event_value(chance, depth + 1) for _ in range(chance.randrange(4)))
    return value(chance)


def event(chance, depth=0):
    names = chance.sample(NAMES, chance.randint(1 if depth == 0 else 0, 4))
    return "{%s}" % ", ".join('"%s": %s' % (name, event_value(chance, depth)) for name in names)


def made(count, seed):
    """Patterns that often ask for what the event has."""
    chance = random.Random(seed)
    for number in range(count):
        tried = event(chance)
        yield {"name": f"made {number}", "rule": pattern(chance, leaves(json.loads(tried, parse_float=Written, parse_int=Written))), "event": tried}


def refused():
    for text in REFUSED:
        yield {"name": "refused", "rule": text, "event": "{}"}
