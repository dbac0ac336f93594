// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0

// What a block device is, and whether somebody has it for himself. The kernel's own claims are asked for and not its
// tables: a claim is there for every mount (in any namespace), swap area and holder, and cannot be missed or raced.

#include "broker.h"

#include <dirent.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/loop.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/sysmacros.h>
#include <unistd.h>

void check_unused(const char *node, unsigned major_number, unsigned minor_number) {
  int fd = open(node, O_RDONLY | O_EXCL | O_NONBLOCK | O_NOFOLLOW | O_CLOEXEC);
  if (fd < 0 && errno == EBUSY) {
    fail_with(EBUSY, "%s is in use on this host: mounted, swap, part of another device, or opened exclusively", node);
  }
  struct stat status;
  if (fd < 0 || fstat(fd, &status) < 0) fail("%s", node);
  if (!S_ISBLK(status.st_mode) || status.st_rdev != makedev(major_number, minor_number)) {
    fail_with(ESTALE, "%s has become another device", node);
  }
  close(fd);
}

static bool is_our_loop(int device) {
  struct loop_info64 info;
  if (ioctl(device, LOOP_GET_STATUS64, &info) < 0) return false;
  return strncmp((const char *)info.lo_file_name, LOOP_LABEL, strlen(LOOP_LABEL)) == 0;
}

// The disk with several ways to it that the NVMe driver puts together: every way leads over a network.
static bool is_remote_subsystem(const char *path) {
  static const char mark[] = "/virtual/nvme-subsystem/";
  const char *found = strstr(path, mark);
  if (!found) return false;
  size_t size = (size_t)(found - path) + sizeof mark - 1;
  size += strcspn(path + size, "/");
  char name[PATH_MAX + 300];
  snprintf(name, sizeof name, "%.*s", (int)size, path);
  DIR *directory = opendir(name);
  if (!directory) return false;
  bool remote = false;
  for (struct dirent *entry; (entry = readdir(directory));) {
    char transport[32];
    snprintf(name, sizeof name, "%.*s/%s/transport", (int)size, path, entry->d_name);
    if (entry->d_name[0] == '.' || read_small(name, transport, sizeof transport) <= 0) continue;
    remote = strcmp(transport, "pcie") != 0;
    if (!remote) break;
  }
  closedir(directory);
  return remote;
}

// Where the kernel has the disk tells how it came: over iSCSI, Fibre Channel or NVMe over a network.
static bool is_remote(const char *path) {
  return strstr(path, "/session") || strstr(path, "/rport-") || strstr(path, "/nvme-fabrics/") ||
         is_remote_subsystem(path);
}

void check_mountable(int device, const char *node, unsigned major_number, unsigned minor_number) {
  char name[64], path[PATH_MAX], mapped[80];
  snprintf(name, sizeof name, "/sys/dev/block/%u:%u", major_number, minor_number);
  snprintf(mapped, sizeof mapped, "%s/dm", name);
  if (is_our_loop(device) || access(mapped, F_OK) == 0) return;
  if (realpath(name, path) && is_remote(path)) return;
  fail_with(EPERM, "%s is a disk of this host: only loop devices of the broker's, device mapper volumes and attached "
            "disks are mounted", node);
}
