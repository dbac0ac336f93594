# SPDX-FileCopyrightText: The Berth developers
# SPDX-License-Identifier: Apache-2.0
"""One storage's export: what its configuration says, and where the host has mounted it."""

import json
import os
import re
import threading

from berth_files import write_whole
from berth_plugin import PluginError

SERVER = re.compile(r"[A-Za-z0-9][A-Za-z0-9.:\-]{0,252}")
PATH = re.compile(r"[A-Za-z0-9._/@=%+~\-]{1,1000}")  # nothing that means more than itself in a grant's limits
OPTION = re.compile(r"[A-Za-z][A-Za-z0-9_]{0,63}")


def source(scfg):
    """`server:/export` as mount(8) takes it."""
    server, path = scfg.get("server"), scfg.get("export")
    if not isinstance(server, str) or SERVER.fullmatch(server) is None:
        raise PluginError("CONFIG_INVALID", "'server' must be the name or address of a server", field="/server")
    if not isinstance(path, str) or not path.startswith("/") or ".." in path.split("/") \
            or PATH.fullmatch(path) is None:
        raise PluginError("CONFIG_INVALID", "'export' must be an absolute path on the server, of letters, digits and"
                          " ._/@=%+~-", field="/export")
    return f"[{server}]:{path}" if ":" in server else f"{server}:{path}"


def options(scfg):
    """Mount options as the host takes them; it decides which of them are allowed."""
    value = scfg.get("options")
    if value is None:
        return {}
    if not isinstance(value, str):
        raise PluginError("CONFIG_INVALID", "'options' must be a text such as vers=4.2,soft", field="/options")
    found = {}
    for item in filter(None, (part.strip() for part in value.split(","))):
        key, _, setting = item.partition("=")
        if OPTION.fullmatch(key) is None or len(setting) > 256:
            raise PluginError("CONFIG_INVALID", f"{item[:80]!r} is no mount option", field="/options")
        found[key] = setting
    return found


class Export:
    """The mount. Its handle is kept in the plugin's state, so that a later process can let go of it."""

    def __init__(self, directory):
        self.note, self.mutex = os.path.join(directory, "mount.json"), threading.Lock()
        self.path = None

    def mount(self, call, scfg):
        """Asks the host for the mount; asking again gives the same one."""
        answer = call.host("host.mount", kind="nfs", source=source(scfg), options=options(scfg), access="rw")
        with self.mutex:
            write_whole(self.note, json.dumps(answer).encode(), 0o600)
            self.path = answer["path"]
        return self.path

    def unmount(self, call):
        with self.mutex:
            try:
                with open(self.note, "rb") as file:
                    handle = json.load(file)["mount"]
            except (FileNotFoundError, ValueError, KeyError, TypeError):
                return
        call.host("host.unmount", mount=handle)
        with self.mutex:
            self.path = None
            os.unlink(self.note)
