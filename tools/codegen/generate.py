#!/usr/bin/env python3
"""Writes C++ types and shape tables from a service model of botocore.

    generate.py --model SERVICE-2.JSON[.GZ] --id rekognition --out DIR
    generate.py --suites VECTORS.JSON --id vectors_json_input --out DIR

writes DIR/aws/gen/ID.hpp (types; namespace likeness::aws::ID) and DIR/aws/gen/ID.cpp (tables for src/aws/model.hpp).
With --suites the file is one of botocore's protocol test files: a list of small models, each of which gets a namespace
ID::sN, and ID.cpp also defines `suites()`, all of them in order.

Standard library only. Shape names are kept, members become snake_case, every member is an optional.
"""

import argparse
import gzip
import json
import pathlib
import re

import corrections

KEYWORDS = set("""alignas alignof and and_eq asm auto bitand bitor bool break case catch char class compl concept const
consteval constexpr constinit const_cast continue co_await co_return co_yield decltype default delete do double
dynamic_cast else enum explicit export extern false float for friend goto if inline int long mutable namespace new
noexcept not not_eq nullptr operator or or_eq private protected public register reinterpret_cast requires return short
signed sizeof static static_assert static_cast struct switch template this thread_local throw true try typedef typeid
typename union unsigned using virtual void volatile wchar_t while xor xor_eq""".split())
SCALARS = {
    "string": ("String", "std::string"), "character": ("String", "std::string"),
    "boolean": ("Boolean", "bool"), "integer": ("Integer", "std::int32_t"), "short": ("Integer", "std::int32_t"),
    "byte": ("Integer", "std::int32_t"), "long": ("Long", "std::int64_t"), "bigInteger": ("Long", "std::int64_t"),
    "float": ("Float", "float"), "double": ("Double", "double"), "bigDecimal": ("Double", "double"),
    "blob": ("Blob", "Bytes"), "timestamp": ("Timestamp", "TimePoint"),
}
PROTOCOLS = {"json": "Json", "query": "Query", "rest-json": "RestJson", "rest-xml": "RestXml", "ec2": "Ec2",
             "smithy-rpc-v2-cbor": "Cbor"}
LOCATIONS = {"uri": "Uri", "querystring": "Query", "header": "Header", "headers": "PrefixHeaders",
             "statusCode": "StatusCode"}
TIMESTAMPS = {"unixTimestamp": "EpochSeconds", "iso8601": "Iso8601", "rfc822": "HttpDate"}


def snake(name):
    """CollectionId -> collection_id, S3Object -> s3_object, KMSKeyId -> kms_key_id, FaceARNs -> face_arns."""
    name = re.sub(r"[^A-Za-z0-9]+", "_", name)
    name = re.sub(r"([A-Z]+)s(?=[A-Z]|$)", lambda m: m[1].capitalize() + "s" if len(m[1]) > 1 else m[0], name)
    name = re.sub(r"([A-Z]+)([A-Z][a-z])", r"\1_\2", name)
    name = re.sub(r"([a-z0-9])([A-Z])", r"\1_\2", name)
    name = re.sub(r"_+", "_", name).strip("_").lower()
    if name[:1].isdigit():
        name = "n" + name
    return name + "_" if name in KEYWORDS else name


def enumerator(value, taken):
    """FACE_OCCLUDED -> FaceOccluded, eyeLeft -> EyeLeft, ROTATE_0 -> Rotate0, 1080p -> V1080p."""
    parts = [part for part in re.split(r"[^A-Za-z0-9]+", value) if part]
    words = [part.capitalize() if part.isupper() else part[0].upper() + part[1:] for part in parts]
    name = "".join(words) or "Empty"
    if name[0].isdigit():
        name = "V" + name
    if name in KEYWORDS:
        name += "_"
    while name in taken:
        name += "_"
    taken.add(name)
    return name


def text(value):
    """A C++ string literal."""
    out = []
    for byte in str(value).encode():
        char = chr(byte)
        if char in '"\\':
            out.append("\\" + char)
        elif 32 <= byte < 127 and char != "?":
            out.append(char)
        else:
            out.append(f"\\{byte:03o}")
    return '"' + "".join(out) + '"'


def re2_pattern(shape):
    """The model's pattern (Java's or ECMAScript's syntax) in RE2's, and a prefix that is forbidden besides."""
    pattern = shape["pattern"]
    if pattern in corrections.PATTERNS:
        return corrections.PATTERNS[pattern], ""
    forbidden = ""
    lookahead = re.match(r"^\^?\(\?!([A-Za-z0-9:_-]+)\)", pattern)
    if lookahead:
        forbidden = lookahead[1]
        pattern = pattern[lookahead.end():]
    # A range of surrogate pairs is one of the characters that they stand for.
    pattern = pattern.replace(r"\uD800\uDC00-\uDBFF\uDFFF", r"\x{10000}-\x{10FFFF}")
    pattern = re.sub(r"\\u([0-9A-Fa-f]{4})", r"\\x{\1}", pattern)
    pattern = pattern.replace(r"\p{IsAlphabetic}", r"\p{L}").replace(r"\p{Alnum}", "[0-9A-Za-z]")
    pattern = pattern.replace(r"\p{Print}", r"[\x20-\x7E]")

    def bounded(match):
        # RE2 repeats at most 1000 times. Where the length is bounded anyway, an open repetition says the same.
        low, high = int(match[1]), int(match[2] or match[1])
        if max(low, high) <= 1000:
            return match[0]
        if "max" not in shape or low > 1000:
            raise SystemExit(f"pattern {shape['pattern']!r} repeats too often for RE2: add a correction")
        return "{%d,}" % low
    return re.sub(r"(?<!\\x)\{(\d+)(?:,(\d+))?\}", bounded, pattern), forbidden


class Model:
    def __init__(self, model, service, namespace):
        self.metadata = {**model["metadata"], **corrections.METADATA.get(service, {})}
        self.service = service
        self.namespace = namespace
        self.shapes = dict(model["shapes"])
        self.operations = model["operations"]
        for name, changes in corrections.SHAPES.get(service, {}).items():
            shape = self.shapes[name] = dict(self.shapes[name])
            for key, value in changes.items():
                if value is None:
                    del shape[key]
                else:
                    shape[key] = value
        for name, members in corrections.QUERY_NAMES.get(service, {}).items():
            shape = self.shapes[name] = {**self.shapes[name], "members": dict(self.shapes[name]["members"])}
            for member, query_name in members.items():
                shape["members"][member] = {**shape["members"][member], "queryName": query_name}
        if service in corrections.PROVIDER_REQUIRES:
            self.shapes = {name: {**shape, "required": []} for name, shape in self.shapes.items()}
        self.split_streams()
        # A shape may be named as a C++ keyword or as an operation.
        self.names = {}
        for name in self.shapes:
            safe = re.sub(r"[^A-Za-z0-9_]", "_", name)
            self.names[name] = safe + "_" if safe in KEYWORDS or safe in RESERVED else safe
        used = set(self.names.values())
        self.tags = {}
        for name in self.operations:
            self.tags[name] = name + "Operation" if name in used else name

    def split_streams(self):
        """Some models mark the member as streaming, not its shape: then the shape is split, as others may use it whole."""
        for name in list(self.shapes):
            members = self.shapes[name].get("members", {})
            for member, reference in members.items():
                target = self.shapes[reference["shape"]]
                if reference.get("streaming") and target["type"] == "blob" and not target.get("streaming"):
                    stream = reference["shape"] + "Stream"
                    self.shapes[stream] = {**target, "streaming": True}
                    self.shapes[name] = {**self.shapes[name], "members": {
                        **self.shapes[name]["members"], member: {**reference, "shape": stream}}}

    # -- kinds and types

    def is_enum(self, name):
        shape = self.shapes[name]
        return shape["type"] == "string" and bool(shape.get("enum"))

    def kind(self, name):
        shape = self.shapes[name]
        kind = shape["type"]
        if kind == "structure":
            if shape.get("eventstream"):
                return "Stream"
            return "Document" if shape.get("document") else "Structure"
        if kind in ("list", "map"):
            return kind.capitalize()
        if self.is_enum(name):
            return "Enum"
        if kind == "blob" and shape.get("streaming"):
            return "Stream"
        return SCALARS[kind][0]

    def type(self, name):
        shape = self.shapes[name]
        kind = self.kind(name)
        if kind == "Document":
            return "Document"
        if kind == "Stream":
            return "Stream"
        if kind in ("Structure", "Enum"):
            return self.names[name]
        if kind == "List":
            item = self.type(shape["member"]["shape"])
            return f"std::deque<bool>" if item == "bool" else f"std::vector<{item}>"
        if kind == "Map":
            return f"std::map<std::string, {self.type(shape['value']['shape'])}>"
        return SCALARS[shape["type"]][1]

    def direct(self, name):
        """Structures that a structure holds by value (lists and maps break a cycle: they hold on the heap)."""
        return [m["shape"] for m in self.shapes[name].get("members", {}).values()
                if self.kind(m["shape"]) == "Structure"]

    def ordered_structures(self):
        """Each after those that it holds by value; also the members that close a cycle and need a Box."""
        order, state, boxed = [], {}, set()

        def visit(name):
            state[name] = "open"
            for member, reference in self.shapes[name].get("members", {}).items():
                target = reference["shape"]
                if self.kind(target) != "Structure":
                    continue
                if state.get(target) == "open":
                    boxed.add((name, member))
                elif target not in state:
                    visit(target)
            state[name] = "done"
            order.append(name)
        for name in sorted(self.shapes):
            if self.kind(name) == "Structure" and name not in state:
                visit(name)
        return order, boxed

    def member_names(self, name):
        taken, names = set(), {}
        for member in self.shapes[name].get("members", {}):
            safe = snake(member)
            while safe in taken:
                safe += "_"
            taken.add(safe)
            names[member] = safe
        return names

    # -- output

    def header(self):
        order, self.boxed = self.ordered_structures()
        out = [f"namespace likeness::aws::{self.namespace} {{", ""]
        for name in sorted(self.shapes):
            if self.is_enum(name):
                taken = set()
                names = [enumerator(value, taken) for value in self.shapes[name]["enum"]]
                out.append(f"enum class {self.names[name]} : std::uint16_t {{ {', '.join(names)} }};")
                out.append(f"std::string_view to_text({self.names[name]} value);")
        out.append("")
        out += [f"struct {self.names[name]};" for name in order]
        out.append("")
        for name in order:
            names = self.member_names(name)
            out.append(f"struct {self.names[name]} {{")
            for member, reference in self.shapes[name].get("members", {}).items():
                out.append(f"  {self.slot(name, member, reference)} {names[member]};")
            out.append("};")
        out.append("")
        # Aliases, so that code may use the model's words for lists and maps too.
        for name in sorted(self.shapes):
            if self.kind(name) in ("List", "Map"):
                out.append(f"using {self.names[name]} = {self.type(name)};")
        out += ["", "const ServiceModel& model();", ""]
        # For aws::exception().
        out += [f"const Shape& shape_of(const {self.names[name]}&);" for name in self.exceptions()]
        for index, name in enumerate(sorted(self.operations)):
            operation = self.operations[name]
            out.append(f"struct {self.tags[name]} {{")
            out.append(f"  using Input = {self.io(operation, 'input')};")
            out.append(f"  using Output = {self.io(operation, 'output')};")
            out.append(f"  static constexpr std::string_view kName = {text(name)};")
            out.append(f"  static constexpr std::size_t kIndex = {index};")
            out.append("  static const Operation& operation() { return model().operations[kIndex]; }")
            out.append("};")
        out += ["", f"}}  // namespace likeness::aws::{self.namespace}", ""]
        return out

    def exceptions(self):
        return [name for name in sorted(self.shapes) if self.shapes[name].get("exception")]

    def io(self, operation, which):
        return self.names[operation[which]["shape"]] if operation.get(which) else "Empty"

    def slot(self, name, member, reference):
        kind = self.type(reference["shape"])
        return f"Box<{kind}>" if (name, member) in self.boxed else f"std::optional<{kind}>"

    def table(self, name):
        shape = self.shapes[name]
        kind = self.kind(name)
        fields = [f".name = {text(name)}", f".kind = Kind::{kind}"]
        before = []
        identifier = self.names[name]
        if kind == "Structure" and shape.get("members"):
            rows = [self.member(name, member, reference) for member, reference in shape["members"].items()]
            before = [f"constinit const Member kMembers_{identifier}[] = {{"] + rows + ["};"]
            fields.append(f".members = kMembers_{identifier}")
        elif kind == "List":
            fields.append(f".element = &kShape_{self.names[shape['member']['shape']]}")
            fields.append(f".list = &erased::kList<{self.type(name)}>")
            if shape["member"].get("locationName"):
                fields.append(f".item_name = {text(shape['member']['locationName'])}")
        elif kind == "Map":
            fields.append(f".element = &kShape_{self.names[shape['value']['shape']]}")
            fields.append(f".key = &kShape_{self.names[shape['key']['shape']]}")
            fields.append(f".map = &erased::kMap<{self.type(name)}>")
            for part in ("key", "value"):
                if shape[part].get("locationName"):
                    fields.append(f".{part}_name = {text(shape[part]['locationName'])}")
        elif kind == "Enum":
            values = ", ".join(text(value) for value in shape["enum"])
            before = [f"constinit const std::string_view kValues_{identifier}[] = {{{values}}};"]
            fields.append(f".enum_values = kValues_{identifier}")
        for bound in ("min", "max"):
            if bound in shape:
                fields += [f".has_{bound} = true", f".{bound} = {float(shape[bound])!r}"]
        if kind == "String" and shape.get("pattern"):
            pattern, forbidden = re2_pattern(shape)
            fields.append(f".pattern = {text(pattern)}")
            if forbidden:
                fields.append(f".forbidden_prefix = {text(forbidden)}")
            fields.append(f".model_pattern = {text(shape['pattern'])}")
        for key, field in (("union", "is_union"), ("sensitive", "is_sensitive"), ("streaming", "is_streaming"),
                           ("flattened", "is_flattened"), ("eventstream", "is_event_stream"), ("exception", "is_exception"), ("fault", "is_fault")):
            if shape.get(key):
                fields.append(f".{field} = true")
        if shape.get("timestampFormat"):
            fields.append(f".timestamp_format = TimestampFormat::{TIMESTAMPS[shape['timestampFormat']]}")
        if shape.get("xmlNamespace"):
            fields.append(f".xml_namespace = {text(namespace_uri(shape['xmlNamespace']))}")
        if shape.get("locationName"):
            fields.append(f".xml_name = {text(shape['locationName'])}")
        if shape.get("payload"):
            fields.append(f".payload = {text(shape['payload'])}")
        if shape.get("error"):
            fields.append(f".http_status = {shape['error'].get('httpStatusCode', 0)}")
            if shape["error"].get("code"):
                fields.append(f".error_code = {text(shape['error']['code'])}")
        if shape.get("exception"):
            fields.append(f".make = erased::make<{identifier}>")
        # In the order of the declaration, as designated initializers must be.
        fields.sort(key=lambda field: SHAPE_FIELDS.index(field.split(" ")[0][1:]))
        return before + [f"constinit const Shape kShape_{identifier} = {{{', '.join(fields)}}};"]

    def member(self, name, member, reference):
        shape = self.shapes[reference["shape"]]
        identifier = self.names[name]
        slot = self.slot(name, member, reference)
        fields = [f".name = {text(member)}", f".wire_name = {text(reference.get('locationName', member))}",
                  f".shape = &kShape_{self.names[reference['shape']]}",
                  f".offset = offsetof({identifier}, {self.member_names(name)[member]})",
                  f".ops = &erased::kOptional<{slot}>"]
        if member in self.shapes[name].get("required", []):
            fields.append(".required = true")
        if reference.get("location"):
            fields.append(f".location = Location::{LOCATIONS[reference['location']]}")
        if reference.get("timestampFormat"):
            fields.append(f".timestamp_format = TimestampFormat::{TIMESTAMPS[reference['timestampFormat']]}")
        if reference.get("flattened") or shape.get("flattened"):
            fields.append(".flattened = true")
        if reference.get("xmlAttribute"):
            fields.append(".xml_attribute = true")
        if reference.get("jsonvalue"):
            fields.append(".json_value = true")
        if reference.get("idempotencyToken"):
            fields.append(".idempotency_token = true")
        if reference.get("xmlNamespace"):
            fields.append(f".xml_namespace = {text(namespace_uri(reference['xmlNamespace']))}")
        if reference.get("queryName"):
            fields.append(f".query_name = {text(reference['queryName'])}")
        return f"    {{{', '.join(fields)}}},"

    def source(self):
        m = self.metadata
        out = [f"namespace likeness::aws::{self.namespace} {{", "namespace {", ""]
        out += [f"extern const Shape kShape_{self.names[name]};" for name in sorted(self.shapes)]
        out.append("")
        for name in sorted(self.shapes):
            out += self.table(name)
        out.append("")
        rows = []
        for name in sorted(self.operations):
            operation = self.operations[name]
            errors = [f"&kShape_{self.names[e['shape']]}" for e in operation.get("errors", [])]
            if errors:
                out.append(f"constinit const Shape* const kErrors_{name}[] = {{{', '.join(errors)}}};")
            http = operation.get("http", {})
            fields = [f".name = {text(name)}", f".http_method = {text(http.get('method', 'POST'))}",
                      f".http_uri = {text(http.get('requestUri', '/'))}"]
            if http.get("responseCode", 200) != 200:
                fields.append(f".http_status = {http['responseCode']}")
            for which in ("input", "output"):
                if operation.get(which):
                    fields.append(f".{which} = &kShape_{self.names[operation[which]['shape']]}")
            for which in ("input", "output"):
                fields.append(f".make_{which} = erased::make<{self.io(operation, which)}>")
            if errors:
                fields.append(f".errors = kErrors_{name}")
            root = (operation.get("input") or {}).get("locationName")
            if root:
                fields.append(f".input_root = {text(root)}")
            root = corrections.OUTPUT_ROOTS.get(self.service, {}).get(name)
            if root:
                fields.append(f".output_root = {text(root)}")
            namespace = namespace_uri((operation.get("input") or {}).get("xmlNamespace", ""))
            if namespace:
                fields.append(f".input_namespace = {text(namespace)}")
            if (operation.get("output") or {}).get("resultWrapper"):
                fields.append(f".result_wrapper = {text(operation['output']['resultWrapper'])}")
            checksum = operation.get("httpChecksum", {}).get("requestChecksumRequired")
            if checksum or operation.get("httpChecksumRequired"):
                fields.append(".checksum_required = true")
            if operation.get("deprecated"):
                fields.append(".is_deprecated = true")
            if operation.get("authtype") == "none" or name in corrections.UNSIGNED.get(self.service, ()):
                fields.append(".is_unsigned = true")
            rows.append(f"    {{{', '.join(fields)}}},")
        if rows:
            out += ["constinit const Operation kOperations[] = {"] + rows + ["};"]
        if self.shapes:
            shapes = ", ".join(f"&kShape_{self.names[name]}" for name in sorted(self.shapes))
            out.append(f"constinit const Shape* const kShapes[] = {{{shapes}}};")
        protocols = [PROTOCOLS[p] for p in m.get("protocols", [m["protocol"]]) if p in PROTOCOLS]
        out.append("constinit const Protocol kProtocols[] = {%s};" % ", ".join(f"Protocol::{p}" for p in protocols))
        prefix = m.get("endpointPrefix", self.service)
        out += ["constinit const ServiceModel kModel = {",
                f"    .id = {text(self.service)}, .service_id = {text(m.get('serviceId', self.service))},",
                f"    .full_name = {text(m.get('serviceFullName', self.service))}, .endpoint_prefix = {text(prefix)},",
                f"    .signing_name = {text(m.get('signingName', prefix))}, .api_version = {text(m['apiVersion'])},",
                f"    .target_prefix = {text(m.get('targetPrefix', ''))},",
                f"    .json_version = {text(m.get('jsonVersion', ''))},",
                f"    .xml_namespace = {text(namespace_uri(m.get('xmlNamespace', corrections.NAMESPACES.get(self.service, ''))))},",
                f"    .query_compatible = {'true' if 'awsQueryCompatible' in m else 'false'},",
                f"    .signs_like_s3 = {'true' if m.get('signatureVersion', '').startswith('s3') else 'false'},",
                f"    .protocol = Protocol::{PROTOCOLS[m['protocol']]}, .protocols = kProtocols,"]
        out.append("    " + ", ".join(([".operations = kOperations"] if rows else []) +
                                      ([".shapes = kShapes"] if self.shapes else [])) + "};")
        out += ["", "}  // namespace", "", "const ServiceModel& model() { return kModel; }"]
        for name in self.exceptions():
            identifier = self.names[name]
            out.append(f"const Shape& shape_of(const {identifier}&) {{ return kShape_{identifier}; }}")
        for name in sorted(self.shapes):
            if self.is_enum(name):
                identifier = self.names[name]
                out.append(f"std::string_view to_text({identifier} value) {{ "
                           f"return kValues_{identifier}[static_cast<std::size_t>(value)]; }}")
        out += ["", f"}}  // namespace likeness::aws::{self.namespace}", ""]
        return out


RESERVED = {"Empty", "Document", "Box", "Bytes", "TimePoint", "Shape", "Member", "Operation", "ServiceModel", "Object",
            "Stream", "Kind", "Location", "Protocol", "Service", "model", "Result", "Error"}
# The order of declaration in src/aws/model.hpp.
SHAPE_FIELDS = """name kind members element key list map enum_values has_min has_max min max pattern forbidden_prefix
model_pattern is_union is_sensitive is_streaming is_event_stream is_flattened timestamp_format item_name key_name value_name
xml_namespace xml_name payload is_exception is_fault http_status error_code make""".split()


def namespace_uri(value):
    return value.get("uri", "") if isinstance(value, dict) else value


def write(path, lines):
    """Only if it changed, so that nothing is compiled for nothing."""
    content = "\n".join(lines)
    if not path.exists() or path.read_text() != content:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content)


def load(path):
    raw = path.read_bytes()
    return json.loads(gzip.decompress(raw) if path.suffix == ".gz" else raw)


def suites(cases, identifier):
    """Botocore's protocol tests: each suite is a model whose operations are those of its cases."""
    for index, suite in enumerate(cases):
        operations = {}
        for case in suite["cases"]:
            given = dict(case["given"])
            # An error's shape is only named in the case's operation; "errors" carries it already.
            operations.setdefault(given["name"], given)
        yield Model({"metadata": {"apiVersion": "", **suite["metadata"]}, "shapes": suite["shapes"],
                     "operations": operations}, f"{identifier}_s{index}", f"{identifier}::s{index}")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", type=pathlib.Path)
    parser.add_argument("--suites", type=pathlib.Path)
    parser.add_argument("--id", required=True)
    parser.add_argument("--out", type=pathlib.Path, required=True)
    arguments = parser.parse_args()
    if arguments.suites:
        models = list(suites(load(arguments.suites), arguments.id))
    else:
        models = [Model(load(arguments.model), arguments.id, arguments.id.replace("-", "_"))]
    name = arguments.id.replace("-", "_")
    note = "// Written by tools/codegen/generate.py from the service model; not to be edited."
    header = [note, "#pragma once", "", "#include <cstddef>", "#include <cstdint>", "#include <deque>",
              "#include <map>", "#include <optional>", "#include <string>", "#include <string_view>",
              "#include <vector>", "", '#include "aws/model.hpp"', '#include "aws/types.hpp"',
              '#include "base/bytes.hpp"', '#include "base/clock.hpp"', ""]
    source = [note, f'#include "aws/gen/{name}.hpp"', "", "#include <cstddef>", "", '#include "aws/erased.hpp"', "",
              "// The structs hold std::optional, which is no standard layout; clang computes the offset all the same.",
              '#pragma GCC diagnostic ignored "-Winvalid-offsetof"', ""]
    for model in models:
        header += model.header()
        source += model.source()
    if arguments.suites:
        header += [f"namespace likeness::aws::{name} {{", "const std::vector<const ServiceModel*>& suites();", "}", ""]
        listed = ", ".join(f"&s{i}::model()" for i in range(len(models)))
        source += [f"namespace likeness::aws::{name} {{", "const std::vector<const ServiceModel*>& suites() {",
                   f"  static const std::vector<const ServiceModel*> all{{{listed}}};", "  return all;", "}", "}", ""]
    write(arguments.out / "aws" / "gen" / f"{name}.hpp", header)
    write(arguments.out / "aws" / "gen" / f"{name}.cpp", source)


if __name__ == "__main__":
    main()
