# SPDX-FileCopyrightText: The Berth developers
# SPDX-License-Identifier: Apache-2.0
"""Reads protocol.json and refuses whatever its small type language does not allow."""

import json
import re

INT64_MAX = 9223372036854775807
INT32_MAX = 2147483647
DIRECTIONS = ("host-to-plugin", "plugin-to-host", "both")
LOCKS = ("none", "volume", "storage", "config")
ANNOTATIONS = {
    "mutating", "idempotent", "lock", "defaultTimeoutMs", "longRunning", "stream", "nodeLocal", "sensitive",
    "capability", "wire", "required", "pveMethod", "pveSignature", "hostDefault",
}
TYPE_MEMBERS = {
    "string": {"minLength", "maxLength", "pattern"}, "integer": {"minimum", "maximum"}, "boolean": set(), "json": set(),
    "array": {"items", "maxItems"}, "map": {"values"}, "object": {"properties", "required"},
    "enum": {"values", "open"},
}


class ModelError(Exception):
    """What is wrong in protocol.json and where."""


def unique_pairs(pairs):
    result = dict(pairs)
    if len(result) != len(pairs):
        raise ModelError("protocol.json: a member name occurs twice in one object")
    return result


def camel(name):
    """alloc_image -> AllocImage, host.lvm.create -> HostLvmCreate."""
    return "".join(part[:1].upper() + part[1:] for part in re.split(r"[^A-Za-z0-9]+", name) if part)


class Method:
    def __init__(self, raw):
        self.raw = raw
        self.name = raw["name"]
        self.kind = raw["kind"]
        self.direction = raw["direction"]
        self.group = raw["group"]
        self.summary = raw["summary"]
        self.description = raw.get("description", "")
        self.since = raw["since"]
        self.deprecated = raw.get("deprecated")
        self.profile = raw["profile"]
        self.params = raw["params"]
        self.result = raw.get("result")
        self.annotations = raw["annotations"]
        self.type_name = raw.get("typeName") or camel(self.name)
        self.errors = raw["errors"]

    @property
    def takes_context(self):
        """Whether params carry the member `context`."""
        return self.kind == "request" and self.direction == "host-to-plugin" and self.profile != "lifecycle"


class Model:
    def __init__(self, raw):
        self.raw = raw
        self.version = raw["version"]
        self.definitions = raw["definitions"]
        self.errors = raw["errors"]
        self.methods = [Method(entry) for entry in raw["methods"]]
        self.symbols = {entry["symbol"] for entry in self.errors}
        self.check()

    @classmethod
    def load(cls, path):
        with open(path, encoding="utf-8") as file:
            return cls(json.load(file, object_pairs_hook=unique_pairs))

    # -- checking

    def check(self):
        self.unique("error symbol", [entry["symbol"] for entry in self.errors])
        self.unique("error code", [entry["code"] for entry in self.errors])
        self.unique("method", [method.name for method in self.methods])
        self.unique("type", [method.type_name for method in self.methods] + list(self.definitions))
        retries = {entry["value"] for entry in self.raw["retryClasses"]}
        for entry in self.errors:
            if entry["retry"] not in retries:
                raise ModelError(f"error {entry['symbol']}: unknown retry class {entry['retry']}")
        groups = {entry["name"] for entry in self.raw["groups"]}
        for name, definition in self.definitions.items():
            self.check_type(definition, f"definitions/{name}", named=True)
        for method in self.methods:
            self.check_method(method, groups)

    @staticmethod
    def unique(what, names):
        seen = set()
        for name in names:
            if name in seen:
                raise ModelError(f"{what} {name} occurs twice")
            seen.add(name)

    def check_method(self, method, groups):
        place = f"method {method.name}"
        if method.group not in groups:
            raise ModelError(f"{place}: unknown group {method.group}")
        if method.direction not in DIRECTIONS or method.kind not in ("request", "notification"):
            raise ModelError(f"{place}: bad direction or kind")
        if (method.result is None) != (method.kind == "notification"):
            raise ModelError(f"{place}: a request has a result, a notification has none")
        if set(method.annotations) - ANNOTATIONS:
            raise ModelError(f"{place}: unknown annotation {set(method.annotations) - ANNOTATIONS}")
        if method.annotations["lock"] not in LOCKS:
            raise ModelError(f"{place}: unknown lock {method.annotations['lock']}")
        if method.direction == "host-to-plugin" and method.annotations["mutating"] and \
                method.annotations["lock"] == "none":
            raise ModelError(f"{place}: mutates without a lock")
        for part in (method.params, method.result):
            if part is not None:
                self.check_members(part, place)
        self.errors_of(method)

    def check_members(self, part, place):
        for name, value in part["properties"].items():
            self.check_type(value, f"{place}/{name}")
            if not value.get("description"):
                raise ModelError(f"{place}/{name}: has no description")
        for name in part["required"]:
            if name not in part["properties"]:
                raise ModelError(f"{place}: requires unknown member {name}")

    def check_type(self, value, place, named=False):
        extra = {"description", "swift"}
        if "ref" in value:
            if value["ref"] not in self.definitions:
                raise ModelError(f"{place}: refers to unknown {value['ref']}")
            allowed = {"ref"}
        elif "nullable" in value:
            self.check_type(value["nullable"], place)
            allowed = {"nullable"}
        else:
            kind = value.get("type")
            if kind not in TYPE_MEMBERS:
                raise ModelError(f"{place}: unknown type {kind}")
            if kind in ("object", "enum") and not named:
                raise ModelError(f"{place}: objects and enums stand in definitions")
            if "pattern" in value and not named:
                raise ModelError(f"{place}: patterns stand in definitions")
            allowed = TYPE_MEMBERS[kind] | {"type"}
            if kind == "array":
                self.check_type(value["items"], place + "[]")
            elif kind == "map":
                self.check_type(value["values"], place + "{}")
            elif kind == "object":
                self.check_members(value, place)
            if "pattern" in value:
                re.compile(value["pattern"])
        if set(value) - allowed - extra:
            raise ModelError(f"{place}: unknown members {sorted(set(value) - allowed - extra)}")

    # -- asking

    def resolve(self, value):
        """The type behind references."""
        while "ref" in value:
            value = self.definitions[value["ref"]]
        return value

    def errors_of(self, method):
        """Symbols a method may answer with, sets expanded, `common` included for requests of plugins."""
        if method.annotations["wire"] == "never" or method.kind == "notification":
            start = []
        elif method.profile in ("lifecycle", "host"):
            start = []
        else:
            start = ["@common"]
        result = []
        for entry in start + method.errors:
            if entry.startswith("@") and entry[1:] not in self.raw["errorSets"]:
                raise ModelError(f"method {method.name}: unknown error set {entry}")
            for symbol in self.raw["errorSets"][entry[1:]] if entry.startswith("@") else [entry]:
                if symbol not in self.symbols:
                    raise ModelError(f"method {method.name}: unknown error {symbol}")
                if symbol not in result:
                    result.append(symbol)
        return result

    def retry_of(self, symbol):
        return next(entry["retry"] for entry in self.errors if entry["symbol"] == symbol)
