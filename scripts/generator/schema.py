# SPDX-FileCopyrightText: The Berth developers
# SPDX-License-Identifier: Apache-2.0
"""JSON Schema 2020-12: one self-contained bundle, and the messages of each direction."""

import json

DRAFT = "https://json-schema.org/draft/2020-12/schema"
FOLDER = "protocol/v1/schema"


def dump(value):
    return json.dumps(value, ensure_ascii=False, indent=2) + "\n"


def pointer(name):
    """A name as a part of a JSON Pointer."""
    return name.replace("~", "~0").replace("/", "~1")


def of(value, prefix="#/$defs/"):
    """The schema of a metamodel type."""
    note = {"description": value["description"]} if "description" in value else {}
    if "ref" in value:
        return {"$ref": prefix + value["ref"], **note}
    if "nullable" in value:
        inner = of(value["nullable"], prefix)
        return {**note} if not inner else {"anyOf": [inner, {"type": "null"}], **note}
    kind = value["type"]
    if kind == "json":
        return note
    if kind == "array":
        limit = {"maxItems": value["maxItems"]} if "maxItems" in value else {}
        return {"type": "array", "items": of(value["items"], prefix), **limit, **note}
    if kind == "map":
        return {"type": "object", "additionalProperties": of(value["values"], prefix) or True, **note}
    if kind == "object":
        return {**members(value, prefix), **note}
    if kind == "enum":
        names = [name for name, _ in value["values"]]
        return {"type": "string", **({"x-known": names} if value.get("open") else {"enum": names}), **note}
    limits = {key: value[key] for key in ("minLength", "maxLength", "pattern", "minimum", "maximum") if key in value}
    return {"type": kind, **limits, **note}


def members(part, prefix="#/$defs/", context=False):
    properties = {name: of(value, prefix) for name, value in part["properties"].items()}
    if context:
        properties["context"] = {"$ref": prefix + "CallContext"}
    return {"type": "object", "properties": properties, "required": part["required"]}


def error_object(model, prefix="#/$defs/"):
    return {
        "type": "object",
        "description": "The error of an answer.",
        "properties": {
            "code": {"type": "integer"},
            "message": {"type": "string", "description": "One line for people, no secrets."},
            "data": {"$ref": prefix + "ErrorData"},
        },
        "required": ["code", "message"],
    }


def error_data(model):
    return {
        "type": "object",
        "description": "What every error of a plugin carries beside code and message.",
        "properties": {
            "symbol": {"type": "string", "x-known": [entry["symbol"] for entry in model.errors]},
            "outcome": {"type": "string", "enum": [entry["value"] for entry in model.raw["outcomes"]]},
            "retry": {
                "type": "object",
                "properties": {
                    "class": {"type": "string", "x-known": [entry["value"] for entry in model.raw["retryClasses"]]},
                    "afterMs": {"type": "integer", "minimum": 0},
                },
                "required": ["class"],
            },
            "hint": {"type": "string", "description": "What a person should do next."},
            "field": {"type": "string", "description": "JSON Pointer to the argument or property at fault."},
        },
        "required": ["symbol", "outcome", "retry"],
    }


def definitions(model):
    result = {name: of(definition) for name, definition in model.definitions.items()}
    result["ErrorData"] = error_data(model)
    result["Error"] = error_object(model)
    for method in model.methods:
        result[f"{method.name}.params"] = members(method.params, context=method.takes_context)
        if method.result is not None:
            result[f"{method.name}.result"] = members(method.result)
    return result


def messages(model, title, description, directions):
    """Requests and notifications one side sends."""
    forms = []
    for method in model.methods:
        if method.direction not in directions or method.annotations["wire"] == "never":
            continue
        properties = {"jsonrpc": {"const": "2.0"}}
        required = ["jsonrpc", "method", "params"]
        if method.kind == "request":
            properties["id"] = {"type": ["integer", "string"]}
            required.insert(1, "id")
        properties["method"] = {"const": method.name}
        properties["params"] = {"$ref": "bundle.json#/$defs/" + pointer(f"{method.name}.params")}
        forms.append({"type": "object", "properties": properties, "required": required})
    return {"$schema": DRAFT, "title": title, "description": description, "oneOf": forms}


def files(model, root):
    bundle = {
        "$schema": DRAFT,
        "title": f"Berth storage plugin protocol {model.version}",
        "description": "Every type, and params and result of every method as <method>.params and <method>.result. "
                       "Unknown members are ignored by receivers; a null in an optional member means it is absent.",
        "$defs": definitions(model),
    }
    host = messages(model, "Messages a host sends", "Requests and notifications, without answers.",
                    ("host-to-plugin", "both"))
    plugin = messages(model, "Messages a plugin sends", "Requests and notifications, without answers.",
                      ("plugin-to-host", "both"))
    return {f"{FOLDER}/bundle.json": dump(bundle), f"{FOLDER}/host-messages.json": dump(host),
            f"{FOLDER}/plugin-messages.json": dump(plugin)}
