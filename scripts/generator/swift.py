# SPDX-FileCopyrightText: The Berth developers
# SPDX-License-Identifier: Apache-2.0
"""Swift types for every method, definition and error code, laid out as swift-format wants them."""

import textwrap

from .model import INT32_MAX, INT64_MAX
from .swift_text import HEADER, WIDTH, camel_case, doc, identifier, listing, parameters, quoted

FOLDER = "Sources/StorageProtocol/Generated"
# Definitions whose Swift type is written by hand; all others are generated.
BY_HAND = {"ProtocolVersion", "ProtocolVersionRange"}


class Types:
    """How metamodel types look in Swift."""

    def __init__(self, model):
        self.model = model

    def name(self, value):
        if "ref" in value:
            target = self.model.definitions[value["ref"]]
            if "swift" in target:
                return target["swift"]
            if target["type"] in ("object", "enum"):
                return value["ref"]
            return self.name(target)
        if "nullable" in value:
            inner = self.name(value["nullable"])
            return inner if inner == "JSON" else inner + "?"
        kind = value["type"]
        if kind == "integer":
            return "Int" if value.get("maximum", INT64_MAX) <= INT32_MAX else "Int64"
        if kind == "array":
            return f"[{self.name(value['items'])}]"
        if kind == "map":
            inner = self.name(value["values"])
            return "JSONObject" if inner == "JSON" else f"[String: {inner}]"
        return {"string": "String", "boolean": "Bool", "json": "JSON"}[kind]

    def own(self, value):
        """Whether the Swift type reads and writes itself."""
        if "ref" in value:
            target = self.model.definitions[value["ref"]]
            return target.get("swift") in BY_HAND or target["type"] in ("object", "enum")
        return False

    def rule(self, value):
        """The TextRule of a string type."""
        if "ref" in value:
            target = self.model.definitions[value["ref"]]
            return "." + value["ref"][0].lower() + value["ref"][1:] if target["type"] == "string" else None
        low, high = value.get("minLength", 0), value.get("maxLength")
        if high is None:
            return ".any"
        return f".length({low}...{high})"

    def range(self, value):
        value = self.model.resolve(value)
        low, high = value.get("minimum"), value.get("maximum", INT64_MAX)
        first = "Int64.min" if low is None else self.number(low)
        return f"{first}...{'Int64.max' if high == INT64_MAX else self.number(high)}"

    @staticmethod
    def number(value):
        text = str(value)
        return f"{value:_}" if len(text) > 4 else text

    def read(self, key, value, required):
        """Expression that reads a member."""
        prefix = "" if required else "optional"

        def call(name, *arguments):
            function = name if not prefix else prefix + name[0].upper() + name[1:]
            return f"try object.{function}({', '.join([quoted(key), *arguments, 'at: path'])})"

        plain = f"try object.{'required' if required else 'optional'}({quoted(key)}, at: path)"
        if "nullable" in value:
            inner = self.model.resolve(value["nullable"])
            if inner["type"] == "json":
                return plain
            if inner["type"] == "string":
                return call("nullableText", self.rule(value["nullable"]))
            raise NotImplementedError(f"nullable {inner}")
        if self.own(value):
            return plain
        resolved = self.model.resolve(value)
        kind = resolved["type"]
        if kind == "string":
            return call("text", self.rule(value))
        if kind == "integer":
            return call("integer", self.range(value))
        if kind == "array":
            limit = f"upTo: {self.number(resolved.get('maxItems', 100000))}"
            items = resolved["items"]
            if not self.own(items) and self.model.resolve(items)["type"] == "string":
                return call("texts", self.rule(items), limit)
            return call("list", limit)
        if kind == "map":
            values = resolved["values"]
            inner = self.model.resolve(values)
            if inner["type"] == "json":
                return plain
            if not self.own(values) and inner["type"] == "string":
                return call("textMap", self.rule(values))
            if not self.own(values) and inner["type"] == "integer":
                return call("integerMap", self.range(values))
            return plain
        return plain

    def write(self, name, value):
        """Expression that writes a member as JSON."""
        if "nullable" in value:
            inner = self.model.resolve(value["nullable"])
            return name if inner["type"] == "json" else f"{name}.json()"
        if self.own(value):
            return f"{name}.json()"
        kind = self.model.resolve(value)["type"]
        swift = self.name(value)
        if kind == "string":
            return f".string({name})"
        if kind == "boolean":
            return f".bool({name})"
        if kind == "integer":
            return f".int(Int64({name}))" if swift == "Int" else f".int({name})"
        if swift == "JSONObject":
            return f".object({name})"
        return f"{name}.json()"


def struct(types, name, comment, part, indent=""):
    """A struct with its memberwise initialiser and JSON coding."""
    required = set(part["required"])
    members = [(key, value.get("swift", key), value) for key, value in part["properties"].items()]
    inner = indent + "  "
    lines = doc(comment, indent)
    lines.append(f"{indent}public struct {name}: JSONCodable, Sendable, Hashable {{")
    for key, swift_name, value in members:
        kind = types.name(value) + ("" if key in required else "?")
        lines += doc(value["description"], inner)
        lines.append(f"{inner}public var {identifier(swift_name)}: {kind}")
    if members:
        lines.append("")
    arguments = []
    ordered = [m for m in members if m[0] in required] + [m for m in members if m[0] not in required]
    for key, swift_name, value in ordered:
        optional = key not in required
        arguments.append(f"{identifier(swift_name)}: {types.name(value)}{'? = nil' if optional else ''}")
    if not members:
        lines.append(f"{inner}public init() {{}}")
    else:
        lines += parameters(f"{inner}public init(", arguments, ") {", inner)
        lines += [f"{inner}  self.{swift_name} = {identifier(swift_name)}" for _, swift_name, _ in members]
        lines.append(f"{inner}}}")
    lines.append("")
    lines.append(f"{inner}public init(json: JSON, path: JSONPath) throws(JSONError) {{")
    lines.append(f"{inner}  {'let object' if members else '_'} = try json.object(at: path)")
    for key, swift_name, value in members:
        lines.append(f"{inner}  self.{swift_name} = {types.read(key, value, key in required)}")
    lines += [f"{inner}}}", "", f"{inner}public func json() -> JSON {{"]
    if not members:
        lines.append(f"{inner}  .object(JSONObject())")
    else:
        lines += [f"{inner}  var object = JSONObject()", f"{inner}  object.reserveCapacity({len(members)})"]
        for key, swift_name, value in members:
            word = identifier(swift_name)
            if key in required:
                lines.append(f"{inner}  object.appendNew({quoted(key)}, {types.write(word, value)})")
            else:
                lines.append(f"{inner}  if let {word} {{ object.appendNew({quoted(key)}, {types.write(word, value)}) }}")
        lines.append(f"{inner}  return .object(object)")
    lines += [f"{inner}}}", f"{indent}}}"]
    return lines


def enum(name, definition):
    lines = doc(definition["description"])
    values = definition["values"]
    if definition.get("open"):
        lines += doc("Open: a later version or a plugin may add values.")
        lines.append(f"public struct {name}: RawRepresentable, JSONCodable, Sendable, Hashable {{")
        lines += ["  public var rawValue: String", "", "  public init(rawValue: String) {",
                  "    self.rawValue = rawValue", "  }", ""]
        for value, text in values:
            lines += doc(text, "  ")
            lines.append(f"  public static let {identifier(camel_case(value))} = {name}(rawValue: {quoted(value)})")
    else:
        lines.append(f"public enum {name}: String, JSONCodable, Sendable, Hashable, CaseIterable {{")
        for value, text in values:
            lines += doc(text, "  ")
            word = camel_case(value)
            lines.append(f"  case {identifier(word)}" + ("" if word == value else f" = {quoted(value)}"))
    lines.append("}")
    return lines


def annotations(model, method):
    notes = method.annotations
    out = [f"direction: .{camel_case(method.direction)}", f"group: {quoted(method.group)}",
           f"summary: {quoted(method.summary)}"]
    if method.since != "1.0":
        out.append(f"since: {quoted(method.since)}")
    if method.deprecated:
        out.append(f"replacedBy: {quoted(method.deprecated['replacedBy'])}")
    for key in ("mutating", "idempotent"):
        out.append(f"{key}: {str(notes[key]).lower()}")
    out.append(f"lock: .{notes['lock']}")
    out.append(f"defaultTimeout: .milliseconds({Types.number(notes['defaultTimeoutMs'])})")
    if notes["longRunning"]:
        out.append("longRunning: true")
    if notes["stream"] != "none":
        out.append(f"stream: .{notes['stream']}")
    if notes["nodeLocal"]:
        out.append("nodeLocal: true")
    if notes["sensitive"]:
        out.append(f"sensitive: [{', '.join(map(quoted, notes['sensitive']))}]")
    out.append(f"capability: {quoted(notes['capability'])}")
    if notes["wire"] == "never":
        out.append("onWire: false")
    if notes["required"]:
        out.append("required: true")
    if notes["pveMethod"]:
        out.append(f"pveMethod: {quoted(notes['pveMethod'])}")
    default = notes["hostDefault"]
    if default:
        one = f"hostDefault: HostDefault(.{default['kind']}, {quoted(default['text'])})"
        if len(one) + 5 > WIDTH:
            # A multi-line literal keeps the layout swift-format wants however long the text is.
            body = " \\\n      ".join(textwrap.wrap(default["text"], WIDTH - 8, break_on_hyphens=False))
            one = f'hostDefault: HostDefault(\n      .{default["kind"]},\n      """\n      {body}\n      """)'
        out.append(one)
    errors = ["." + camel_case(symbol.lower()) for symbol in model.errors_of(method)]
    lines = ["  public static let annotations = MethodAnnotations("]
    lines += [f"    {line}," for line in out]
    lines += listing("    errors: [", errors, "])", "    ")
    return lines


def request(model, types, method):
    kind = "StorageMethod" if method.kind == "request" else "StorageNotification"
    lines = HEADER + ["", "public import JSON", ""]
    lines += doc(method.summary)
    if method.description:
        lines += ["///"] + doc(method.description)
    lines += [f"public enum {method.type_name}: {kind} {{", f"  public static let name = {quoted(method.name)}"]
    lines += annotations(model, method)
    lines += [""] + struct(types, "Params", f"Arguments of `{method.name}`.", method.params, "  ")
    if method.result is not None:
        lines += [""] + struct(types, "Result", f"What `{method.name}` answers.", method.result, "  ")
    return lines + ["}"]


def codes(model):
    lines = HEADER + ["", "/// The protocol's error table.", "extension StorageError.Code {"]
    for entry in model.errors:
        lines += doc(f"{entry['symbol']}: {entry['description']}", "  ")
        word = camel_case(entry["symbol"].lower())
        lines.append(f"  public static let {word} = StorageError.Code(rawValue: {entry['code']})")
    lines += ["", "  /// Every code of the table with its symbol and what a caller may do about it.",
              "  static let table: [Entry] = ["]
    for entry in model.errors:
        word = camel_case(entry["symbol"].lower())
        lines.append(f"    Entry(code: .{word}, symbol: {quoted(entry['symbol'])}, "
                     f"retry: .{camel_case(entry['retry'])}, raisedBy: .{entry['raisedBy']}),")
    return lines + ["  ]", "}"]


def retry_classes(model):
    lines = HEADER + ["", "public import JSON", "", "/// What a caller may do after a failure.",
                      "public struct RetryClass: RawRepresentable, JSONCodable, Sendable, Hashable {",
                      "  public var rawValue: String", "", "  public init(rawValue: String) {",
                      "    self.rawValue = rawValue", "  }", ""]
    for entry in model.raw["retryClasses"]:
        lines += doc(entry["description"], "  ")
        lines.append(f"  public static let {camel_case(entry['value'])} = RetryClass(rawValue: "
                     f"{quoted(entry['value'])})")
    return lines + ["}"]


def outcomes(model):
    lines = HEADER + ["", "public import JSON", "", "/// What state a failure left behind.",
                      "public enum Outcome: String, JSONCodable, Sendable, Hashable, CaseIterable {"]
    for entry in model.raw["outcomes"]:
        lines += doc(entry["description"], "  ")
        word = camel_case(entry["value"])
        lines.append(f"  case {word}" + ("" if word == entry["value"] else f" = {quoted(entry['value'])}"))
    return lines + ["}"]


def rules(model):
    lines = HEADER + ["", "/// The rules of the protocol's named texts.", "extension TextRule {"]
    for name, definition in model.definitions.items():
        if definition["type"] != "string" or "swift" in definition:
            continue
        lines += doc(definition["description"], "  ")
        length = f"{definition.get('minLength', 0)}...{definition['maxLength']}"
        pattern = f", pattern: #\"{definition['pattern']}\"#" if "pattern" in definition else ""
        lines.append(f"  static let {name[0].lower() + name[1:]} = TextRule(length: {length}{pattern})")
    return lines + ["}"]


def table(model):
    lines = HEADER + ["", "extension MethodTable {",
                      "  /// Every method and notification of the metamodel, in its order.",
                      "  public static let all: [MethodDescription] = ["]
    lines += [f"    MethodDescription({method.type_name}.self)," for method in model.methods]
    lines += ["  ]", "", "  /// The protocol version this table was generated from.",
              f"  public static let version = ProtocolVersion({model.version.replace('.', ', ')})", "}"]
    return lines


def files(model, root):
    types = Types(model)
    result = {}

    def put(name, lines):
        result[f"{FOLDER}/{name}.swift"] = "\n".join(lines) + "\n"

    for method in model.methods:
        put(f"{''.join(p.capitalize() for p in method.group.split('-'))}/{method.type_name}",
            request(model, types, method))
    for name, definition in model.definitions.items():
        if definition.get("swift") in BY_HAND:
            continue
        if definition["type"] == "object":
            put(f"Types/{name}", HEADER + ["", "public import JSON", ""]
                + struct(types, name, definition["description"], definition))
        elif definition["type"] == "enum":
            put(f"Types/{name}", HEADER + ["", "public import JSON", ""] + enum(name, definition))
    put("StorageError+Codes", codes(model))
    put("RetryClass", retry_classes(model))
    put("Outcome", outcomes(model))
    put("TextRule+Named", rules(model))
    put("MethodTable+All", table(model))
    return result
