# SPDX-FileCopyrightText: The Berth developers
# SPDX-License-Identifier: Apache-2.0
"""Which method is given its meaning by the host, served by which sample plugin, and tested where: read from the tree."""

import json
import os
import re

PATH = "protocol/v1/coverage.md"
ROUTE = re.compile(r'"([a-z_]+)":\s*\.(definition|operation|question|nodeLocal|refused)\b')
# Method names that are everyday words: only a call or the Swift type counts as naming them.
EVERYDAY = {"api", "type", "properties", "options", "private", "status", "path", "initialize", "shutdown"}
CALLED = re.compile(r"""\b(?:do|call|ask|request|refused)\(\s*(?:self\.\w+,\s*)?["']([a-z_]+)["']""")
ROUTES = {"definition": "from the manifest", "operation": "operation", "question": "question",
          "nodeLocal": "node-local call", "refused": "own operation"}


def texts(root, folder, endings, skip=()):
    """Every source file below a folder: its path and text."""
    for place, folders, names in os.walk(os.path.join(root, folder)):
        folders[:] = sorted(name for name in folders if name not in skip and not name.startswith((".", "__")))
        for name in sorted(names):
            if name.endswith(endings):
                path = os.path.join(place, name)
                with open(path, encoding="utf-8") as file:
                    yield os.path.relpath(path, root), file.read()


def words(text):
    """Names as strings ("alloc_image", 'host.log') and capitalised words (AllocImage)."""
    strings = set(re.findall(r"""["'`]([a-z$/][a-z_./$]*)["'`]""", text)) - EVERYDAY
    return strings | set(CALLED.findall(text)) | set(re.findall(r"\b[A-Z][A-Za-z]+\b", text))


class Coverage:
    def __init__(self, model, root):
        self.model = model
        host = list(texts(root, "Sources/StorageHost", ".swift"))
        self.routes = {name: route for _, text in host for name, route in ROUTE.findall(text)}
        table = re.compile(r"/CallTable[^/]*\.swift$")
        self.host = set().union(*(words(text) for path, text in host if not table.search(path)), set())
        served = host + [entry for room in ("Broker", "PluginSupervisor")
                         for entry in texts(root, f"Sources/{room}", ".swift")]
        self.services = set().union(*(words(text) for _, text in served), set())
        self.samples = self.manifests(root)
        self.tests = {}
        for path, text in texts(root, "Tests", (".swift", ".py"), ("Vectors", "TestSupport")):
            self.tests.setdefault(path.split("/")[1], set()).update(words(text))
        conformance = [words(text) for _, text in texts(root, "Sources/Conformance", ".swift")]
        if conformance:
            self.tests["Conformance"] = set().union(*conformance)

    @staticmethod
    def manifests(root):
        folder = os.path.join(root, "sample-plugins")
        result = {}
        for name in sorted(os.listdir(folder)) if os.path.isdir(folder) else []:
            path = os.path.join(folder, name, "manifest.json")
            if os.path.exists(path):
                with open(path, encoding="utf-8") as file:
                    result[name] = set(json.load(file)["methods"])
        return result

    def mentioned(self, method, names):
        return method.name in names or method.type_name in names

    def host_side(self, method):
        if method.profile == "backup":
            return "reserved"
        if method.direction == "plugin-to-host":
            return "served" if self.mentioned(method, self.services) else ""
        if method.group == "lifecycle":
            return "session"
        route = self.routes.get(method.name, "")
        if method.annotations["wire"] == "never" and route == "refused":
            return "by the host"
        if route == "refused" and not self.mentioned(method, self.host):
            return ""
        return ROUTES.get(route, "")

    def sample_side(self, method):
        return [name for name, methods in self.samples.items() if method.name in methods]

    def test_side(self, method):
        return [name for name, names in sorted(self.tests.items()) if self.mentioned(method, names)]

    def needs_sample(self, method):
        return (method.direction == "host-to-plugin" and method.annotations["wire"] == "sent"
                and method.group != "lifecycle")

    def gaps(self):
        """What is missing, one line each."""
        for method in self.model.methods:
            if not self.host_side(method):
                yield f"{method.name}: the host does not {'serve' if method.profile == 'host' else 'dispatch'} it"
            if self.needs_sample(method) and not self.sample_side(method):
                yield f"{method.name}: no sample plugin implements it"
            if not self.test_side(method):
                yield f"{method.name}: no test names it"


def files(model, root):
    coverage = Coverage(model, root)
    samples = list(coverage.samples)
    lines = ["<!-- SPDX-FileCopyrightText: The Berth developers -->", "<!-- SPDX-License-Identifier: Apache-2.0 -->",
             "<!-- Generated by scripts/generate from the metamodel, the host's call table, the sample plugins' "
             "manifests and the tests. -->", "", "# Coverage", "",
             "Host: how the host gives a method its meaning. Samples: the plugin's manifest lists it; a dash where no "
             "plugin is ever asked. Tests: where it is named; besides, params and result of every method are tested "
             "against generated vectors.", ""]
    for title, chosen in (("Methods of plugins", lambda m: m.profile != "host"),
                          ("Services of the host", lambda m: m.profile == "host")):
        columns = samples if title.startswith("Methods") else []
        lines += [f"## {title}", "", "| Method | Host |" + "".join(f" {name} |" for name in columns) + " Tests |",
                  "|---|---|" + "---|" * len(columns) + "---|"]
        for method in model.methods:
            if not chosen(method):
                continue
            have = coverage.sample_side(method)
            marks = ["✓" if name in have else "" if coverage.needs_sample(method) else "–" for name in columns]
            tests = ", ".join(coverage.test_side(method))
            lines.append(f"| `{method.name}` | {coverage.host_side(method)} |" + "".join(f" {m} |" for m in marks)
                         + f" {tests} |")
        lines.append("")
    gaps = list(coverage.gaps())
    lines += ["## Gaps", ""] + ([f"- {gap}" for gap in gaps] or ["None."])
    return {PATH: "\n".join(lines) + "\n"}
