# SPDX-FileCopyrightText: The Berth developers
# SPDX-License-Identifier: Apache-2.0
"""The `minimal` plugin: six methods that hold."""

import os
import unittest

from harness import PluginTest


class Minimal(PluginTest):
    plugin = "minimal"

    def test_life_of_an_image(self):
        session, volname = self.open(), "100/vm-100-disk-0.raw"
        self.assertEqual(session.facts["methods"], session.manifest["methods"])
        self.assertEqual(session.do("alloc_image", vmid=100, format="raw", volname=volname, size=2**53 + 1 >> 20),
                         {"volname": volname})
        self.assertEqual(session.do("volume_size_info", volname=volname)["size"], 2**53 + 1 >> 20)
        self.refused("VOLUME_EXISTS", session.do, "alloc_image", vmid=100, format="raw", volname=volname, size=1)
        self.refused("FORMAT_UNSUPPORTED", session.do, "alloc_image", vmid=100, format="qcow2", volname=volname, size=1)
        for bad in ("../x.raw", "100/../x.raw", "100/.x.raw", "x", "100/a/b.raw"):
            self.refused("NAME_INVALID", session.do, "alloc_image", vmid=100, format="raw", volname=bad, size=1)
        self.assertEqual([entry["volname"] for entry in session.do("list_images")["volumes"]], [volname])
        self.assertEqual(session.do("list_images", vmid=101)["volumes"], [])
        self.assertEqual(session.do("list_images", volnames=[])["volumes"], [])
        status = session.do("status")
        self.assertGreaterEqual(status["total"], status["used"])
        for _ in range(2):
            session.do("free_image", volname=volname)
        self.refused("VOLUME_NOT_FOUND", session.do, "volume_size_info", volname=volname)
        self.assertEqual(os.listdir(os.path.join(self.root, "images/100")), [])

    def test_pages(self):
        session = self.open()
        for number in range(5):
            session.do("alloc_image", vmid=7, format="raw", volname=f"7/vm-7-disk-{number}.raw", size=512)
        found, cursor = [], None
        while True:
            page = session.do("list_images", limit=2, **({"cursor": cursor} if cursor else {}))
            found += [entry["volname"] for entry in page["volumes"]]
            cursor = page.get("nextCursor")
            if not cursor:
                break
        self.assertEqual(found, [f"7/vm-7-disk-{number}.raw" for number in range(5)])


if __name__ == "__main__":
    unittest.main()
