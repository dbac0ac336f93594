#!/usr/bin/python3 -IS
# SPDX-FileCopyrightText: The Berth developers
# SPDX-License-Identifier: Apache-2.0
"""A plugin for tests: `lvmthin` with exactly its permissions, that asks the host for what is not its own. What it was
told goes to the log: honest calls, each followed by what differs from it in one thing."""

import json
import os
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

from berth_plugin import PluginError  # noqa: E402
from lvmthin import group, plugin  # noqa: E402

MINE, MOVED, TAKEN = "vm-900-disk-0", "vm-901-disk-0", "vm-950-disk-0"
THEIRS, OTHER = "precious", {"vg": "othervg", "lv": "vm-100-disk-0"}
MIB = 1 << 20


def calls(vg, pool):
    """(name, method, honest arguments, what each attack changes in them)."""
    mine, theirs = {"vg": vg, "lv": MINE}, {"lv": THEIRS}
    make = {"vg": vg, "lv": MINE, "size": 8 * MIB, "thinPool": pool}
    node = {"class": f"lvm:{vg}", "name": MINE, "access": "rw"}
    return [
        ("create", "host.lvm.create", make,
         [theirs, {"vg": "othervg"}, {"lv": "vm-902-disk-0", "thinPool": THEIRS},
          {"lv": "vm-902-disk-0", "thinPool": None}]),
        ("activate", "host.lvm.activate", mine, [theirs, OTHER, {"lv": pool}]),
        ("open", "host.device.open", node,
         [{"name": THEIRS}, {"name": THEIRS, "access": "ro"}, {"class": "lvm:othervg", "name": "vm-100-disk-0"},
          {"name": f"{pool}_tdata"}, {"class": "block:/dev/*", "name": "/dev/nvme0n1"}, {"name": "../nvme0n1"}]),
        ("deactivate", "host.lvm.deactivate", mine, [theirs, OTHER, {"lv": pool}]),
        ("resize", "host.lvm.resize", {**mine, "size": 12 * MIB}, [theirs, OTHER, {"lv": pool}]),
        ("tag", "host.lvm.tag", {**mine, "add": ["a"]}, [theirs, OTHER, {"lv": pool}]),
        ("snapshot", "host.lvm.snapshot", {**mine, "target": f"snap_{MINE}_a", "readOnly": True},
         [theirs, OTHER, {"target": "mine"}, {"lv": pool}]),
        ("merge", "host.lvm.merge", {**mine, "snapshot": f"snap_{MINE}_a"}, [theirs, {"snapshot": THEIRS}]),
        ("rename", "host.lvm.rename", {**mine, "target": MOVED}, [{"lv": THEIRS}, {"target": "mine"}, OTHER]),
        ("remove", "host.lvm.remove", {"vg": vg, "lv": MOVED}, [theirs, OTHER, {"lv": pool}]),
    ]


def ask(call, method, arguments):
    try:
        call.host(method, **{key: value for key, value in arguments.items() if value is not None})
    except PluginError as error:
        return error.symbol
    return "done"


@plugin.method("activate_storage")
def activate_storage(call):
    here = group(call)
    told = []
    for name, method, honest, changes in calls(here.vg, here.pool):
        # The attacks first: after the honest call there is nothing left to remove or rename.
        told += [[f"{name} {change}", "attack", ask(call, method, {**honest, **change})] for change in changes]
        told.append([name, "honest", ask(call, method, honest)])
    # One of its own by name, that the host has mounted.
    for access in ("ro", "rw"):
        answer = ask(call, "host.device.open", {"class": f"lvm:{here.vg}", "name": TAKEN, "access": access})
        told.append([f"open what is mounted {access}", "busy", answer])
    for one in told:
        call.log("told " + json.dumps(one), "notice")
    return {}


if __name__ == "__main__":
    plugin.run()
