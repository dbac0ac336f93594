# SPDX-FileCopyrightText: The Berth developers
# SPDX-License-Identifier: Apache-2.0
"""Test vectors: for params and result of every method what must be read, and what must be refused and where."""

import json
import re

from .model import INT64_MAX

FOLDER = "Tests/StorageProtocolTests/Vectors/generated"
SAMPLES = {
    "StorageId": "local", "VolumeName": "100/vm-100-disk-0.qcow2", "SnapshotName": "before_upgrade",
    "VolumeFormatName": "qcow2", "StreamFormatName": "qcow2+size", "ContentTypeName": "images",
    "VolumeTypeName": "images", "AbsolutePath": "/var/lib/vz/images/100/vm-100-disk-0.qcow2", "Cursor": "b3BhcXVl",
    "VersionText": "1.0", "HexDigest": "cbf43926", "LocalLockName": "pool/metadata", "JournalKey": "alloc/100:1",
    "LvmName": "vg0", "RoleName": "file", "BlockerName": "after_upgrade",
}


class Sampler:
    def __init__(self, model):
        self.model = model
        for name, definition in model.definitions.items():
            if "pattern" in definition and not re.search(definition["pattern"], SAMPLES[name]):
                raise ValueError(f"vectors: the sample of {name} does not match its pattern")

    def value(self, value, full):
        if "ref" in value:
            if value["ref"] in SAMPLES:
                return SAMPLES[value["ref"]]
            return self.value(self.model.definitions[value["ref"]], full)
        if "nullable" in value:
            return self.value(value["nullable"], full) if full else None
        kind = value["type"]
        if kind == "object":
            return self.members(value, full)
        if kind == "enum":
            return value["values"][-1 if full else 0][0]
        if kind == "array":
            return [self.value(value["items"], full)] if full else []
        if kind == "map":
            return {"name": self.value(value["values"], full)} if full else {}
        if kind == "boolean":
            return full
        if kind == "json":
            return {"nested": [1, True, None, "text"]}
        if kind == "integer":
            high = value.get("maximum", INT64_MAX)
            # 2^53 + 1 catches whoever reads integers as doubles.
            return min(high, 9007199254740993) if full else max(value.get("minimum", 0), 0)
        text = "ü" * value.get("minLength", 0) or "x"
        return text if full else "x" * value.get("minLength", 0)

    def members(self, part, full):
        return {name: self.value(value, full) for name, value in part["properties"].items()
                if full or name in part["required"]}

    def wrong(self, value):
        """Values a member must refuse."""
        resolved = self.model.resolve(value)
        if "nullable" in resolved:
            inner = self.model.resolve(resolved["nullable"])
            return [] if inner["type"] == "json" else [7]
        kind = resolved["type"]
        if kind == "json":
            return []
        if kind == "string":
            bad = [7]
            if "maxLength" in resolved:
                bad.append("x" * (resolved["maxLength"] + 1) if resolved["maxLength"] <= 512 else None)
            if resolved.get("minLength"):
                bad.append("")
            if "pattern" in resolved:
                bad.append("\n")
            return [entry for entry in bad if entry is not None]
        if kind == "integer":
            bad = ["7", 7.0, True]
            if "minimum" in resolved:
                bad.append(resolved["minimum"] - 1)
            if resolved.get("maximum", INT64_MAX) < INT64_MAX:
                bad.append(resolved["maximum"] + 1)
            return bad
        if kind == "boolean":
            return [1, "true"]
        if kind == "enum":
            return [7] if resolved.get("open") else [7, "nobody-knows"]
        if kind == "array":
            return [{}, "x"]
        return [[], "x"]

    def case(self, part):
        minimal, full = self.members(part, False), self.members(part, True)
        invalid = []
        for name in part["required"]:
            invalid.append({"value": {key: entry for key, entry in full.items() if key != name},
                            "pointer": f"/{name}"})
        for name, value in part["properties"].items():
            for bad in self.wrong(value):
                invalid.append({"value": {**full, name: bad}, "pointer": f"/{name}"})
        return {"valid": [minimal, full], "invalid": invalid + [{"value": [], "pointer": ""}]}


def layout(cases):
    """One line a vector: long, but a difference shows where it is."""
    def line(value):
        return json.dumps(value, ensure_ascii=False)

    def block(values):
        return "[\n      " + ",\n      ".join(map(line, values)) + "\n    ]"

    rows = [f'  {{\n    "method": {line(case["method"])},\n    "part": {line(case["part"])},\n'
            f'    "valid": {block(case["valid"])},\n    "invalid": {block(case["invalid"])}\n  }}' for case in cases]
    return "[\n" + ",\n".join(rows) + "\n]\n"


def files(model, root):
    sampler = Sampler(model)
    result = {}
    for group in model.raw["groups"]:
        cases = []
        for method in model.methods:
            if method.group != group["name"]:
                continue
            cases.append({"method": method.name, "part": "params", **sampler.case(method.params)})
            if method.result is not None:
                cases.append({"method": method.name, "part": "result", **sampler.case(method.result)})
        result[f"{FOLDER}/{group['name']}.json"] = layout(cases)
    return result
