# SPDX-FileCopyrightText: The Berth developers
# SPDX-License-Identifier: Apache-2.0
"""The Markdown reference: every method, type and error, for people."""


def cell(text):
    return text.replace("|", "\\|").replace("\n", " ")


def type_text(value):
    if "ref" in value:
        return f"[{value['ref']}](#{value['ref'].lower()})"
    if "nullable" in value:
        return f"{type_text(value['nullable'])} or null"
    kind = value["type"]
    if kind == "array":
        return f"array of {type_text(value['items'])}"
    if kind == "map":
        return f"object: name → {type_text(value['values'])}"
    if kind == "json":
        return "any JSON"
    return kind + limits(value)


def limits(value):
    parts = []
    if "minLength" in value or "maxLength" in value:
        parts.append(f"{value.get('minLength', 0)}…{value.get('maxLength', '')} characters")
    if "minimum" in value or "maximum" in value:
        high = value.get("maximum")
        top = "2^63-1" if high is None or high == 9223372036854775807 else str(high)
        parts.append(f"{value.get('minimum', '-2^63')}…{top}")
    if "pattern" in value:
        parts.append(f"`{value['pattern']}`")
    return f" ({', '.join(parts)})" if parts else ""


def member_table(part):
    if not part["properties"]:
        return ["An empty object.", ""]
    lines = ["| Member | Type | | Meaning |", "|---|---|---|---|"]
    for name, value in part["properties"].items():
        need = "required" if name in part["required"] else "optional"
        lines.append(f"| `{name}` | {cell(type_text(value))} | {need} | {cell(value['description'])} |")
    return lines + [""]


def facts(method):
    notes = method.annotations
    items = []
    if notes["wire"] == "never":
        items.append("answered by the host, never sent")
    if notes["required"]:
        items.append("**every plugin must implement it**")
    items.append("changes the storage" if notes["mutating"] else
                 "changes this node only" if notes["nodeLocal"] else "changes nothing")
    if not notes["idempotent"]:
        items.append("not idempotent")
    if notes["lock"] != "none":
        items.append(f"lock: {notes['lock']}")
    items.append(f"{notes['defaultTimeoutMs'] / 1000:g} s")
    if notes["longRunning"]:
        items.append("long-running: progress or heartbeat every 15 s")
    if notes["stream"] != "none":
        items.append(f"stream: {notes['stream']}")
    if notes["sensitive"]:
        items.append("secrets in " + ", ".join(f"`{path}`" for path in notes["sensitive"]))
    items.append(f"since {method.since}")
    return "; ".join(items)


def method_lines(model, method):
    direction = {"host-to-plugin": "host → plugin", "plugin-to-host": "plugin → host", "both": "both directions"}
    lines = [f"### `{method.name}`", "", f"{method.summary} *({direction[method.direction]}, {method.kind}; "
             f"{facts(method)})*", ""]
    if method.deprecated:
        lines += [f"Deprecated since {method.deprecated['since']}: use `{method.deprecated['replacedBy']}`.", ""]
    if method.description:
        lines += [method.description, ""]
    lines += ["Params" + (" (and [`context`](#callcontext))" if method.takes_context else "") + ":", ""]
    lines += member_table(method.params)
    if method.result is not None:
        lines += ["Result:", ""] + member_table(method.result)
    errors = model.errors_of(method)
    if errors:
        lines += ["Errors: " + ", ".join(f"[{symbol}](#errors)" for symbol in errors) + ".", ""]
    default = method.annotations["hostDefault"]
    if default:
        lines += [f"When the plugin does not implement it: {default['text']}", ""]
    if method.annotations["pveMethod"]:
        signature = method.annotations.get("pveSignature", "")
        lines += [f"Proxmox VE: `{method.annotations['pveMethod']}{signature}`.".replace("`", "`"), ""]
    return lines


def definition_lines(name, definition):
    lines = [f"### {name}", "", definition["description"], ""]
    if definition["type"] == "object":
        return lines + member_table(definition)
    if definition["type"] == "enum":
        lines += ["Open: values may be added." if definition.get("open") else "Closed.", "", "| Value | Meaning |",
                  "|---|---|"]
        lines += [f"| `{value}` | {cell(text)} |" for value, text in definition["values"]]
        return lines + [""]
    return lines + [f"Type: {type_text(definition)}.", ""]


def files(model, root):
    lines = ["<!-- SPDX-FileCopyrightText: The Berth developers -->", "<!-- SPDX-License-Identifier: Apache-2.0 -->",
             "<!-- Generated from protocol.json by scripts/generate. Change that, not this. -->", "",
             f"# Plugin protocol {model.version}: reference", "",
             "How to read it, and what holds for all methods (framing, sessions, context, errors, streams, locks): "
             "[the specification](../README.md).", "", "## Methods", ""]
    lines += ["| Method | | Group | Changes | Lock |", "|---|---|---|---|---|"]
    for method in model.methods:
        anchor = "".join(ch for ch in method.name if ch.isalnum() or ch == "_").lower()
        notes = method.annotations
        lines.append(f"| [`{method.name}`](#{anchor}) | {cell(method.summary)} | {method.group} | "
                     f"{'yes' if notes['mutating'] else ''} | {notes['lock'] if notes['lock'] != 'none' else ''} |")
    lines.append("")
    for group in model.raw["groups"]:
        lines += [f"## {group['name']}", "", group["description"], ""]
        for method in model.methods:
            if method.group == group["name"]:
                lines += method_lines(model, method)
    backup = model.raw["profiles"]["backup"]
    lines += ["## Profile `backup` (reserved)", "", backup["description"], "", "| Method | |", "|---|---|"]
    lines += [f"| `{entry['name']}` | {cell(entry['summary'])} |" for entry in backup["methods"]]
    lines += ["", "## Errors", "", "| Code | Symbol | Retry | Raised by | Meaning |", "|---|---|---|---|---|"]
    lines += [f"| {e['code']} | {e['symbol']} | {e['retry']} | {e['raisedBy']} | {cell(e['description'])} |"
              for e in model.errors]
    lines += ["", "Outcomes:", "", "| Outcome | Meaning |", "|---|---|"]
    lines += [f"| `{e['value']}` | {cell(e['description'])} |" for e in model.raw["outcomes"]]
    lines += ["", "Retry classes:", "", "| Class | Meaning |", "|---|---|"]
    lines += [f"| `{e['value']}` | {cell(e['description'])} |" for e in model.raw["retryClasses"]]
    lines += ["", "## Types", ""]
    for name, definition in model.definitions.items():
        lines += definition_lines(name, definition)
    return {"protocol/v1/reference.md": "\n".join(lines).rstrip() + "\n"}
