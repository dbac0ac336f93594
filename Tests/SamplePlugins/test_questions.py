# SPDX-FileCopyrightText: The Berth developers
# SPDX-License-Identifier: Apache-2.0
"""What the `directory` plugin answers to every question of the protocol, held against the protocol's own description."""

import json
import os
import unittest

from harness import ROOT, PluginTest

MIB = 1 << 20
IMAGE = "100/vm-100-disk-0.qcow2"

with open(os.path.join(ROOT, "protocol/v1/protocol.json"), encoding="utf-8") as source:
    MODEL = json.load(source)
METHODS = {method["name"]: method for method in MODEL["methods"]}


class Questions(PluginTest):
    def setUp(self):
        super().setUp()
        self.session = self.open()
        self.session.do("alloc_image", vmid=100, format="qcow2", volname=IMAGE, size=4 * MIB)
        self.session.do("alloc_image", vmid=100, format="raw", volname="100/vm-100-disk-1.raw", size=MIB)
        self.file = os.path.join(self.root, "images/100/vm-100-disk-0.qcow2")

    def do(self, method, **params):
        """Asks, and holds the members of the answer against the metamodel."""
        answer = self.session.do(method, **params)
        known = METHODS[method]["result"]
        self.assertLessEqual(set(answer), set(known["properties"]), method)
        self.assertLessEqual(set(known["required"]), set(answer), method)
        return answer

    def declined(self, method, symbol, **params):
        """Expects a refusal, of a kind the metamodel allows the method."""
        self.refused(symbol, self.session.do, method, **params)
        allowed = set(MODEL["errorSets"]["common"])
        for entry in METHODS[method]["errors"]:
            allowed.update(MODEL["errorSets"][entry[1:]] if entry.startswith("@") else [entry])
        self.assertIn(symbol, allowed, method)

    def test_check_config(self):
        scfg = self.session.scfg
        self.assertEqual(self.do("check_config", create=True)["scfg"]["path"], scfg["path"])

    def test_get_formats(self):
        formats = self.do("get_formats")
        self.assertEqual(set(formats["valid"]), {"raw", "qcow2", "vmdk", "subvol"})
        self.assertIn(formats["default"], formats["valid"])

    def test_storage_questions(self):
        self.assertIs(self.do("check_connection")["connected"], True)
        identity = self.do("get_identity")["identity"]
        self.assertEqual(self.do("get_identity")["identity"], identity)
        self.assertIs(self.do("volume_snapshot_needs_fsfreeze")["needed"], False)
        self.assertIs(self.do("storage_can_replicate", format="qcow2")["supported"], False)
        self.assertEqual(self.do("deactivate_storage"), {})

    def test_directories_and_paths(self):
        self.assertEqual(self.do("get_subdir", vtype="images")["path"], os.path.join(self.root, "images"))
        self.assertEqual(self.do("get_subdir", vtype="iso")["path"], os.path.join(self.root, "template/iso"))
        for method in ("path", "filesystem_path"):
            found = self.do(method, volname=IMAGE)
            self.assertEqual((found["path"], found["vtype"], found["vmid"]), (self.file, "images", 100))
            self.declined(method, "NAME_INVALID", volname="../../etc/shadow")
        parts = self.do("parse_volname", volname=IMAGE)["parts"]
        self.assertEqual((parts["vtype"], parts["name"], parts["vmid"], parts["format"], parts["isBase"]),
                         ("images", "vm-100-disk-0.qcow2", 100, "qcow2", False))

    def test_find_free_diskname(self):
        self.assertEqual(self.do("find_free_diskname", vmid=100, format="raw")["volname"], "100/vm-100-disk-2.raw")
        self.assertEqual(self.do("find_free_diskname", vmid=100, format="raw",
                                 exclude=["100/vm-100-disk-2.raw"])["volname"], "100/vm-100-disk-3.raw")
        self.assertEqual(self.do("find_free_diskname", vmid=7, format="subvol")["volname"],
                         "7/subvol-7-disk-0.subvol")
        self.assertEqual(sorted(os.listdir(os.path.dirname(self.file))), ["vm-100-disk-0.qcow2", "vm-100-disk-1.raw"])

    def test_volume_has_feature(self):
        for volname, feature, expected in ((IMAGE, "snapshot", True), ("100/vm-100-disk-1.raw", "snapshot", False),
                                           (IMAGE, "clone", False), (IMAGE, "copy", True), (IMAGE, "teleport", False)):
            with self.subTest(volname=volname, feature=feature):
                self.assertIs(self.do("volume_has_feature", volname=volname, feature=feature)["supported"], expected)

    def test_mapping_and_activation(self):
        for _ in range(2):
            self.assertEqual(self.do("activate_volume", volname=IMAGE, hints={"guestIsWindows": True}), {})
            self.assertEqual(self.do("map_volume", volname=IMAGE)["path"], self.file)
        for _ in range(2):
            self.assertEqual(self.do("unmap_volume", volname=IMAGE), {})
            self.assertEqual(self.do("deactivate_volume", volname=IMAGE), {})
        for method in ("activate_volume", "map_volume", "qemu_blockdev_options"):
            self.declined(method, "VOLUME_NOT_FOUND", volname="100/vm-100-disk-9.raw")

    def test_qemu(self):
        self.assertEqual(self.do("qemu_blockdev_options", volname=IMAGE, machineVersion="10.1+pve0")["blockdev"],
                         {"driver": "file", "filename": self.file})
        self.assertEqual(self.do("volume_qemu_snapshot_method", volname=IMAGE)["method"], "qemu")
        self.assertEqual(self.do("volume_qemu_snapshot_method", volname="100/vm-100-disk-1.raw")["method"], "storage")

    def test_transfer_formats(self):
        self.assertIn("raw+size", self.do("volume_export_formats", volname=IMAGE)["formats"])
        self.assertIn("qcow2+size", self.do("volume_import_formats", volname="100/vm-100-disk-5.qcow2",
                                            withSnapshots=True)["formats"])
        self.assertEqual(self.do("volume_import_formats", volname=IMAGE, baseSnapshot="old")["formats"], [])

    def test_nothing_that_is_asked_changes_anything(self):
        before = self.tree()
        for name, method in METHODS.items():
            notes = method["annotations"]
            if name not in self.session.manifest["methods"] or notes["mutating"] or notes["stream"] != "none":
                continue
            samples = {"volname": IMAGE, "vmid": 100, "format": "raw", "create": False, "vtype": "images",
                       "feature": "copy", "attribute": "notes", "snapname": "none"}
            params = {key: value for key, value in samples.items() if key in method["params"]["required"]}
            try:
                self.do(name, **params)
            except Exception as error:  # a refusal is an answer too; anything else is not
                self.assertTrue(getattr(error, "symbol", None), f"{name}: {error!r}")
        self.assertEqual(self.tree(), before)


class Hooks(PluginTest):
    def setUp(self):
        super().setUp()
        self.session = self.open(activate=False, scfg={"content": ["iso", "vztmpl"]})

    def test_a_configuration_that_can_work_passes_unchanged(self):
        self.assertEqual(self.session.do("on_add_hook", sensitive=[]), {})
        self.assertEqual(self.session.do("on_update_hook_full", update={"content-dirs": {"iso": "cd"}},
                                         delete=["disable"], sensitive=[]), {})

    def test_the_configuration_a_change_would_lead_to_is_what_counts(self):
        clash = {"content-dirs": {"iso": "same", "vztmpl": "same"}}
        error = self.refused("CONFIG_INVALID", self.session.do, "on_update_hook_full", update=clash, delete=[],
                             sensitive=[], outcome="not_started")
        self.assertEqual(error.data["field"], "/content-dirs")
        # Taking away one of the two, or the clash itself, makes it right again.
        self.assertEqual(self.session.do("on_update_hook_full", update={**clash, "content": ["iso"]}, delete=[],
                                         sensitive=[]), {})
        self.session.scfg = {**self.session.scfg, **clash}
        self.assertEqual(self.session.do("on_update_hook_full", update={}, delete=["content-dirs"], sensitive=[]), {})

    def test_two_content_types_in_one_directory_through_a_link_are_refused(self):
        os.makedirs(os.path.join(self.root, "template/iso"))
        os.symlink("iso", os.path.join(self.root, "template/cache"))
        self.refused("CONFIG_INVALID", self.session.do, "on_add_hook", sensitive=[], outcome="not_started")
        self.refused("CONFIG_INVALID", self.session.do, "activate_storage")

    def test_removing_the_storage_leaves_its_data(self):
        os.makedirs(os.path.join(self.root, "snippets"))
        journal = {}

        def host(method, params):
            verb = method.removeprefix("host.journal.")
            if verb == "get":
                return {"value": journal.get(params["key"])}
            if verb == "put":
                journal[params["key"]] = params["value"]
            else:
                journal.pop(params["key"], None)
            return {}

        self.session = self.open(scfg={"content": ["iso", "vztmpl", "snippets"]}, host=host,
                                 services=["host.journal.get", "host.journal.put", "host.journal.delete"])
        self.session.do("activate_storage")
        # The hook may run in another process with a state of its own; what was made is in the host's journal.
        self.state = os.path.join(self.folder, "state2")
        os.mkdir(self.state)
        self.session = self.open(activate=False, scfg={"content": ["iso", "vztmpl", "snippets"]}, host=host,
                                 services=["host.journal.get", "host.journal.put", "host.journal.delete"])
        with open(os.path.join(self.root, "template/iso/a.iso"), "wb") as file:
            file.write(b"x")
        for _ in range(2):
            self.assertEqual(self.session.do("on_delete_hook"), {})
        # Its own empty directories are gone; what holds something, or was there before, is not.
        self.assertEqual(journal, {})
        self.assertEqual(sorted(self.tree()), ["snippets", "template", "template/iso", "template/iso/a.iso"])

    def test_a_storage_that_is_not_there_can_be_removed(self):
        self.session.do("activate_storage")
        self.session.scfg = {**self.session.scfg, "path": self.root + "-gone"}
        self.assertEqual(self.session.do("on_delete_hook"), {})


if __name__ == "__main__":
    unittest.main()
