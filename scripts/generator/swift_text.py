# SPDX-FileCopyrightText: The Berth developers
# SPDX-License-Identifier: Apache-2.0
"""Pieces of Swift text: comments, names, lists that break at 120 columns."""

import json
import re
import textwrap

WIDTH = 120
HEADER = [
    "// SPDX-FileCopyrightText: The Berth developers",
    "// SPDX-License-Identifier: Apache-2.0",
    "// Generated from protocol/v1/protocol.json by scripts/generate. Change that, not this.",
]
KEYWORDS = {
    "as", "break", "case", "catch", "class", "continue", "default", "defer", "do", "else", "enum", "extension", "false",
    "for", "func", "guard", "if", "import", "in", "init", "internal", "is", "let", "nil", "operator", "private",
    "protocol", "public", "repeat", "return", "self", "static", "struct", "subscript", "super", "switch", "throw",
    "throws", "true", "try", "typealias", "var", "where", "while",
}


def identifier(name):
    return f"`{name}`" if name in KEYWORDS else name


def quoted(text):
    """A Swift string literal (JSON's escapes used here are Swift's too)."""
    return json.dumps(text, ensure_ascii=False)


def camel_case(text):
    """nvme-tcp -> nvmeTcp, not_started -> notStarted."""
    first, *rest = [part for part in re.split(r"[^A-Za-z0-9]+", text) if part]
    return first + "".join(part[:1].upper() + part[1:] for part in rest)


def doc(text, indent=""):
    width = WIDTH - len(indent) - 4
    return [f"{indent}/// {line}" for line in textwrap.wrap(text, width, break_long_words=False,
                                                            break_on_hyphens=False)]


def parameters(head, arguments, tail, indent):
    """`head a, b tail` on one line, or filled lines between."""
    one = head + ", ".join(arguments) + tail
    if len(one) <= WIDTH:
        return [one]
    return [head] + fill(arguments, indent + "  ", last="") + [indent + tail]


def listing(head, items, tail, indent):
    """`head a, b tail` on one line, or filled lines with a trailing comma."""
    one = head + ", ".join(items) + tail
    if len(one) <= WIDTH:
        return [one]
    return [head] + fill(items, indent + "  ", last=",") + [indent + tail]


def fill(items, indent, last):
    lines, current = [], ""
    for place, item in enumerate(items):
        text = item + ("," if place < len(items) - 1 else last)
        if current and len(indent) + len(current) + 1 + len(text) > WIDTH:
            lines.append(indent + current)
            current = text
        else:
            current = f"{current} {text}" if current else text
    return lines + [indent + current]
