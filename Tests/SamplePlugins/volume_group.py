# SPDX-FileCopyrightText: The Berth developers
# SPDX-License-Identifier: Apache-2.0
"""The host's answers to `host.lvm.*` and `host.device.open` from a volume group in memory, its devices plain files.

Keeps LVM's rules that plugins run into: names, thin pools, snapshots that outlive their origin, open devices. What real
LVM does is tested in the guest (Tests/Guest)."""

import os
import re
import shutil
import threading

from harness import refusal

EXTENT = 4 << 20
LVM_NAME = re.compile(r"[A-Za-z0-9_+.][A-Za-z0-9_+.\-]{0,127}")


class VolumeGroup:
    def __init__(self, folder, name="vg0", pool="thin", size=1 << 30):
        self.folder, self.name, self.pool, self.size = folder, name, pool, size
        os.makedirs(folder, exist_ok=True)
        self.volumes = {pool: {"name": pool, "size": size, "dataPercent": "12.50", "isThinPool": True, "active": True},
                        "root": {"name": "root", "size": 8 << 20, "active": True}}
        self.time, self.calls, self.held, self.open_nodes = 1000, [], set(), []
        self.mutex = threading.Lock()
        self.after = None  # called with (method, params) when a change has been made

    def __call__(self, method, params):
        with self.mutex:
            self.calls.append((method, params))
            if type(params.get("parent")) is not int:
                raise refusal("INVALID_PARAMS", "parent is missing")
            if method == "host.device.open":
                return self.open(params)
            if not method.startswith("host.lvm."):
                raise refusal("HOST_DENIED", f"{method} is not granted")
            if params["vg"] != self.name:
                raise refusal("HOST_DENIED", f"the group '{params['vg']}' is not granted")
            result = getattr(self, method.removeprefix("host.lvm."))(params)
        if self.after is not None and method not in ("host.lvm.report",):
            self.after(method, params)
        return result

    def file(self, lv):
        return os.path.join(self.folder, lv)

    def lv(self, params, key="lv"):
        volume = self.volumes.get(params[key])
        if volume is None:
            raise refusal("VOLUME_NOT_FOUND", f"there is no logical volume '{params[key]}'")
        return volume

    def new(self, lv, size, **more):
        if not LVM_NAME.fullmatch(lv):
            raise refusal("INVALID_PARAMS", f"'{lv}' is no LVM name")
        if lv in self.volumes:
            raise refusal("VOLUME_EXISTS", f"'{lv}' exists")
        self.time += 1
        self.volumes[lv] = {"name": lv, "size": size, "pool": self.pool, "dataPercent": "0.00", "ctime": self.time,
                            "active": False, **more}
        return dict(self.volumes[lv])

    # MARK: Operations

    def report(self, params):
        return {"group": {"name": self.name, "size": self.size, "free": 0},
                "volumes": [dict(volume) for volume in self.volumes.values()]}

    def create(self, params):
        if params["thinPool"] != self.pool:
            raise refusal("VOLUME_NOT_FOUND", f"there is no pool '{params['thinPool']}'")
        if params["size"] > self.size * 100:
            raise refusal("NO_SPACE", "the pool is too small")
        volume = self.new(params["lv"], (params["size"] + EXTENT - 1) // EXTENT * EXTENT)
        with open(self.file(params["lv"]), "wb") as file:
            file.truncate(volume["size"])
        return {"volume": volume}

    def snapshot(self, params):
        origin = self.lv(params)
        volume = self.new(params["target"], origin["size"], origin=origin["name"])
        shutil.copyfile(self.file(origin["name"]), self.file(params["target"]))
        return {"volume": volume}

    def remove(self, params):
        if params["lv"] in self.held:
            raise refusal("VOLUME_BUSY", f"'{params['lv']}' is in use")
        if self.volumes.pop(params["lv"], None) is not None:
            os.unlink(self.file(params["lv"]))
            for volume in self.volumes.values():
                if volume.get("origin") == params["lv"]:
                    del volume["origin"]
        return {}

    def rename(self, params):
        volume = self.lv(params)
        if params["target"] in self.volumes:
            raise refusal("VOLUME_EXISTS", f"'{params['target']}' exists")
        del self.volumes[params["lv"]]
        volume["name"] = params["target"]
        self.volumes[params["target"]] = volume
        os.rename(self.file(params["lv"]), self.file(params["target"]))
        for other in self.volumes.values():
            if other.get("origin") == params["lv"]:
                other["origin"] = params["target"]
        return {}

    def resize(self, params):
        volume = self.lv(params)
        volume["size"] = (params["size"] + EXTENT - 1) // EXTENT * EXTENT
        os.truncate(self.file(params["lv"]), volume["size"])
        return {"volume": dict(volume)}

    def activate(self, params):
        self.lv(params)["active"] = True
        return {"device": f"/dev/{self.name}/{params['lv']}"}

    def deactivate(self, params):
        if params["lv"] in self.held:
            raise refusal("VOLUME_BUSY", f"'{params['lv']}' is in use")
        self.lv(params)["active"] = False
        return {}

    def open(self, params):
        if params["class"] != f"lvm:{self.name}":
            raise refusal("HOST_DENIED", f"the class '{params['class']}' is not granted")
        volume = self.volumes.get(params["name"])
        if volume is None or not volume["active"]:
            raise refusal("VOLUME_NOT_FOUND", f"there is no active '{params['name']}'")
        self.open_nodes.append((params["name"], params["access"]))
        return {"path": self.file(params["name"])}

    # MARK: For tests

    def write(self, lv, offset, data):
        with open(self.file(lv), "r+b") as file:
            file.seek(offset)
            file.write(data)

    def read(self, lv, offset, count):
        with open(self.file(lv), "rb") as file:
            file.seek(offset)
            return file.read(count)

    def names(self):
        return sorted(set(self.volumes) - {self.pool, "root"})
