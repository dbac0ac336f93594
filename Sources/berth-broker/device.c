// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0

// Block devices for a running plugin: a node that its group may open, and the control group's leave to do so.

#include "broker.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/sysmacros.h>
#include <fcntl.h>
#include <unistd.h>

void op_device_open(void) {
  const char *name = text(request.name);
  check_name(name, "name");
  check_plugin();
  bool read_only = request.flags & BB_F_READ_ONLY;
  int device = open_block(text(request.node), request.major, request.minor, false);
  close(device);
  check_unused(text(request.node), request.major, request.minor);
  if (fcntl(BB_FD_DEVICES, F_GETFD) >= 0) {
    char line[64];
    int size = snprintf(line, sizeof line, "b %u:%u %s", request.major, request.minor, read_only ? "r" : "rw");
    if (write(BB_FD_DEVICES, line, (size_t)size) != size) fail("device control group");
  }
  int place = open_place();
  if (!is_mount_point(place)) fail_with(EINVAL, "%s is not prepared", text(request.place));
  if (unlinkat(place, name, 0) < 0 && errno != ENOENT) fail("%s/%s", text(request.place), name);
  dev_t number = makedev(request.major, request.minor);
  if (mknodat(place, name, S_IFBLK | 0600, number) < 0) fail("%s/%s", text(request.place), name);
  // Owned by root: the plugin cannot widen the mode.
  if (fchownat(place, name, 0, request.gid, AT_SYMLINK_NOFOLLOW) < 0 ||
      fchmodat(place, name, read_only ? 0640 : 0660, 0) < 0) {
    fail("%s/%s", text(request.place), name);
  }
}

// What the plugin has open it keeps; a node that it saved would open no more.
void op_device_close(void) {
  check_name(text(request.name), "name");
  if (fcntl(BB_FD_DEVICES, F_GETFD) >= 0) {
    char line[64];
    int size = snprintf(line, sizeof line, "b %u:%u rwm", request.major, request.minor);
    if (write(BB_FD_DEVICES, line, (size_t)size) != size) fail("device control group");
  }
  int place = open_place();
  if (unlinkat(place, text(request.name), 0) < 0 && errno != ENOENT) fail("%s", text(request.name));
}

// The daemon may have a /dev of its own (PrivateDevices), so the host's is looked at here. What is found is checked
// again when it is opened.
void op_device_find(void) {
  const char *path = text(request.source);
  char real[PATH_MAX];
  struct stat status;
  if (strncmp(path, "/dev/", 5) != 0) fail_with(EINVAL, "device path");
  if (!realpath(path, real) || stat(real, &status) < 0) fail("%s", path);
  if (strncmp(real, "/dev/", 5) != 0 || !S_ISBLK(status.st_mode)) fail_with(ENODEV, "%s is no block device", path);
  if (strlen(real) >= sizeof reply.node) fail_with(ENAMETOOLONG, "%s", path);
  strcpy(reply.node, real);
  reply.major = major(status.st_rdev);
  reply.minor = minor(status.st_rdev);
}
