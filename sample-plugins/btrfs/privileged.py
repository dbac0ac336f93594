# SPDX-FileCopyrightText: The Berth developers
# SPDX-License-Identifier: Apache-2.0
"""What the host does for this plugin where it was granted `host.btrfs.*`: streams, and subvolumes whose files belong to
others, as a received container's do. Without the grant nothing here is offered, and nothing else depends on it."""

import threading

NEEDED = {"host.btrfs.send", "host.btrfs.receive", "host.btrfs.subvolume.snapshot", "host.btrfs.subvolume.delete",
          "host.btrfs.subvolume.set_read_only"}

services = set()
serving = threading.local()


def offered():
    return services >= NEEDED


def ask(method, **params):
    """Asks the host within the call that this thread serves."""
    return serving.call.host(method, **params)


def helps(error_number, refusals):
    """Whether the host may succeed where the plugin's own user was refused."""
    return error_number in refusals and offered() and getattr(serving, "call", None) is not None
