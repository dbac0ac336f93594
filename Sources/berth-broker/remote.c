// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0

// What remote block devices have in common: the disk that is answered has the identity that was asked for and hangs on
// the connection to the portal and target that were asked for. Identity alone would do for the host's own disks too.

#include "broker.h"

#include <arpa/inet.h>
#include <dirent.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/sysmacros.h>
#include <unistd.h>

bool read_attribute(const char *directory, const char *entry, const char *file, char *out, size_t size) {
  char path[768];
  snprintf(path, sizeof path, "%s/%s/%s", directory, entry, file);
  return read_small(path, out, size) > 0;
}

bool is_portal(const char *address, const char *port) {
  unsigned char asked[16], found[16];
  char *end;
  if (strtoul(port, &end, 10) != request.number || *end) return false;
  if (strcmp(address, text(request.source)) == 0) return true;
  // One address has many spellings.
  static const struct { int family; size_t size; } kinds[] = {{AF_INET, 4}, {AF_INET6, 16}};
  for (int i = 0; i < 2; i++) {
    if (inet_pton(kinds[i].family, text(request.source), asked) == 1) {
      return inet_pton(kinds[i].family, address, found) == 1 && memcmp(asked, found, kinds[i].size) == 0;
    }
  }
  return false;
}

static bool has_identity(const char *disk) {
  char found[256];
  // NVMe namespaces tell it themselves, SCSI disks on their device.
  if (!read_attribute("/sys/block", disk, "wwid", found, sizeof found) &&
      !read_attribute("/sys/block", disk, "device/wwid", found, sizeof found)) {
    return false;
  }
  return strcmp(found, text(request.label)) == 0;
}

void await_disk(const char *prefix, bool (*belongs)(const char *disk)) {
  for (int round = 0; round < 200; round++) {
    DIR *directory = opendir("/sys/block");
    if (!directory) fail("/sys/block");
    for (struct dirent *entry; (entry = readdir(directory));) {
      const char *disk = entry->d_name;
      char number[32];
      if (strncmp(disk, prefix, strlen(prefix)) != 0 || !has_identity(disk) || !belongs(disk)) continue;
      // The paths of a multipath namespace have no number.
      if (!read_attribute("/sys/block", disk, "dev", number, sizeof number)) continue;
      if (sscanf(number, "%u:%u", &reply.major, &reply.minor) != 2) continue;
      snprintf(reply.node, sizeof reply.node, "/dev/%s", disk);
      closedir(directory);
      return;
    }
    closedir(directory);
    poll(NULL, 0, 50);
  }
  fail_with(ENODEV, "%s shows no device with identity %s", text(request.target), text(request.label));
}

bool is_disk(bool (*belongs)(const char *disk)) {
  char number[32];
  unsigned found[2];
  const char *disk = text(request.node) + 5;
  if (strncmp(text(request.node), "/dev/", 5) != 0 || strchr(disk, '/')) fail_with(EINVAL, "device node");
  return read_attribute("/sys/block", disk, "dev", number, sizeof number) &&
         sscanf(number, "%u:%u", &found[0], &found[1]) == 2 && found[0] == request.major && found[1] == request.minor &&
         has_identity(disk) && belongs(disk);
}

void check_remote(void) {
  check_plain(text(request.target), ".:_-", 223, "target");
  check_plain(text(request.source), ".:%", 64, "portal address");
  check_plain(text(request.label), " .:_+-", 255, "identity");
  if (request.number < 1 || request.number > 65535) fail_with(EINVAL, "portal port");
}

void check_idle(void) {
  if ((request.flags & BB_F_FORCE) || strncmp(text(request.node), "/dev/", 5) != 0) return;
  int fd = open(text(request.node), O_RDONLY | O_EXCL | O_NONBLOCK | O_NOFOLLOW | O_CLOEXEC);
  struct stat status;
  if (fd < 0 && errno == EBUSY) {
    if (stat(text(request.node), &status) < 0 || status.st_rdev != makedev(request.major, request.minor)) return;
    fail_with(EBUSY, "%s is in use", text(request.node));
  }
  if (fd >= 0) close(fd);
}
