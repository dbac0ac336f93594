# SPDX-FileCopyrightText: The Berth developers
# SPDX-License-Identifier: Apache-2.0
"""Two OpenRPC documents: what a plugin serves and what a host serves (OpenRPC cannot express direction)."""

from . import schema

PREFIX = "#/components/schemas/"


def method_object(model, method):
    entry = {"name": method.name, "summary": method.summary}
    if method.description:
        entry["description"] = method.description
    if method.deprecated:
        entry["deprecated"] = True
    entry["tags"] = [{"name": method.group}]
    entry["paramStructure"] = "by-name"
    required = set(method.params["required"])
    params = list(method.params["properties"].items())
    # OpenRPC wants required parameters first.
    params.sort(key=lambda item: item[0] not in required)
    entry["params"] = [
        {"name": name, "description": value["description"], "required": name in required,
         "schema": schema.of({key: part for key, part in value.items() if key != "description"}, PREFIX)}
        for name, value in params
    ]
    if method.takes_context:
        entry["params"].append({"name": "context", "description": "What the host says about the request.",
                                "required": False, "schema": {"$ref": PREFIX + "CallContext"}})
    if method.result is not None:
        entry["result"] = {"name": "result", "schema": schema.members(method.result, PREFIX)}
        entry["errors"] = [{"$ref": f"#/components/errors/{symbol}"} for symbol in model.errors_of(method)]
    notes = method.annotations
    entry["x-since"] = method.since
    for key in ("mutating", "idempotent", "lock", "defaultTimeoutMs", "longRunning", "stream", "nodeLocal",
                "sensitive", "capability", "required", "pveMethod", "hostDefault"):
        entry[f"x-{key}"] = notes[key]
    return entry


def document(model, title, description, directions):
    methods = [method for method in model.methods
               if method.direction in directions and method.annotations["wire"] != "never"]
    schemas = {name: schema.of(definition, PREFIX) for name, definition in model.definitions.items()}
    errors = {entry["symbol"]: {"code": entry["code"], "message": entry["description"],
                                "data": {"symbol": entry["symbol"], "retry": {"class": entry["retry"]}}}
              for entry in model.errors}
    return {
        "openrpc": "1.3.2",
        "info": {"title": title, "version": model.version, "description": description,
                 "license": {"name": "Apache-2.0", "url": "https://www.apache.org/licenses/LICENSE-2.0"}},
        "methods": [method_object(model, method) for method in methods],
        "components": {"schemas": schemas, "errors": errors},
    }


def files(model, root):
    plugin = document(model, "Berth storage plugin: plugin side",
                      "What a plugin serves to the host over its standard input and output.",
                      ("host-to-plugin", "both"))
    host = document(model, "Berth storage plugin: host side", "What the host serves to a plugin.",
                    ("plugin-to-host", "both"))
    return {"protocol/v1/openrpc-plugin.json": schema.dump(plugin), "protocol/v1/openrpc-host.json": schema.dump(host)}
