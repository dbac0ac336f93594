# SPDX-FileCopyrightText: The Berth developers
# SPDX-License-Identifier: Apache-2.0
"""What a guest to be imported consists of, read from an OVF description or an OVA archive."""

import os
import tarfile
import xml.etree.ElementTree as tree

import layout
import names
from berth_plugin import PluginError

LIMIT = 4 << 20
RASD = "{http://schemas.dmtf.org/wbem/wscim/1/cim-schema/2/CIM_ResourceAllocationSettingData}"
OVF = "{http://schemas.dmtf.org/ovf/envelope/1}"
UNITS = {"byte": 1, "byte * 2^10": 1 << 10, "byte * 2^20": 1 << 20, "byte * 2^30": 1 << 30, "byte * 2^40": 1 << 40,
         "megabytes": 1 << 20, "mb": 1 << 20, "gigabytes": 1 << 30, "gb": 1 << 30}
BUSES = {"6": "scsi", "20": "sata", "5": "ide"}


def metadata(place, name):
    if name.vtype != "import" or name.format not in ("ova", "ovf"):
        raise PluginError("NOT_SUPPORTED", f"'{name.text}' is neither an .ova nor an .ovf")
    path = place.file(name)
    layout.volume_stat(path, name.text)
    try:
        return _describe(_text(path, name.format), name)
    except (tree.ParseError, tarfile.TarError, UnicodeError, ValueError) as error:
        raise PluginError("CORRUPT", f"'{name.text}' cannot be read: {error}") from None


def _text(path, form):
    if form == "ovf":
        with open(path, "rb") as file:
            data = file.read(LIMIT + 1)
    else:
        with tarfile.open(path, "r:") as archive:
            for member in archive:
                if member.isreg() and member.name.endswith(".ovf") and "/" not in member.name:
                    data = archive.extractfile(member).read(LIMIT + 1)
                    break
            else:
                raise ValueError("the archive holds no .ovf")
    if len(data) > LIMIT:
        raise ValueError(f"the description is larger than {LIMIT} bytes")
    # Entities can be made to grow without bound; no OVF needs them.
    if b"<!DOCTYPE" in data or b"<!ENTITY" in data:
        raise ValueError("the description declares entities")
    return data


def _describe(data, name):
    root = tree.fromstring(data)
    files = {item.get(OVF + "id"): item.get(OVF + "href", "") for item in root.iter(OVF + "File")}
    sources = {item.get(OVF + "diskId"): (files.get(item.get(OVF + "fileRef"), ""), _capacity(item))
               for item in root.iter(OVF + "Disk")}
    result = {"type": "vm", "source": name.format, "createArgs": {}, "disks": {}, "net": {}, "warnings": []}
    system = next(root.iter(OVF + "VirtualSystem"), root)
    title = system.findtext(OVF + "Name") or system.get(OVF + "id")
    if title:
        result["createArgs"]["name"] = "".join(char if char.isalnum() or char == "-" else "-" for char in title)[:63]
    items = [{child.tag.removeprefix(RASD): (child.text or "").strip() for child in item}
             for item in system.iter(OVF + "Item")]
    buses = {item.get("InstanceID"): BUSES.get(item.get("ResourceType"), "scsi") for item in items}
    for item in items:
        kind = item.get("ResourceType")
        if kind == "3":
            result["createArgs"]["cores"] = int(item.get("VirtualQuantity", "1"))
        elif kind == "4":
            unit = UNITS.get(item.get("AllocationUnits", "byte * 2^20").lower(), 1 << 20)
            result["createArgs"]["memory"] = int(item.get("VirtualQuantity", "0")) * unit >> 20
        elif kind == "10":
            result["net"][f"net{len(result['net'])}"] = {"model": item.get("ResourceSubType", "e1000").lower()}
        elif kind == "17":
            _disk(result, item, sources, buses, name)
    return result


def _disk(result, item, sources, buses, name):
    file, size = sources.get(item.get("HostResource", "").rsplit("/", 1)[-1], ("", None))
    bus = buses.get(item.get("Parent"), "scsi")
    slot = f"{bus}{sum(key.startswith(bus) for key in result['disks'])}"
    inside = f"import/{name.name}/{file}" if name.format == "ova" else f"import/{file}"
    try:
        if not file or "/" in file:
            raise ValueError
        names.parse(inside)
    except (ValueError, PluginError):
        result["warnings"].append({"type": "disk-unusable", "key": slot, "value": os.path.basename(file)[:255]})
        return
    result["disks"][slot] = {"volname": inside}
    if size is not None:
        result["disks"][slot]["size"] = size


def _capacity(item):
    unit = UNITS.get(item.get(OVF + "capacityAllocationUnits", "byte").lower())
    text = item.get(OVF + "capacity", "")
    return int(text) * unit if unit and text.isdigit() and len(text) < 16 else None
