// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0

// Remote block devices: NVMe over TCP through the kernel's own control file, iSCSI through its administration tool. The
// device that appears must have the identity that was asked for.

#include "broker.h"

#include <dirent.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/sysmacros.h>
#include <unistd.h>

// Reads `directory`/entry/file.
static bool read_attribute(const char *directory, const char *entry, const char *file, char *out, size_t size) {
  char path[512];
  snprintf(path, sizeof path, "%s/%s/%s", directory, entry, file);
  return read_small(path, out, size) > 0;
}

static bool is_identity(const char *entry, const char *wanted) {
  char found[256];
  // NVMe namespaces tell it themselves, SCSI disks on their device.
  if (!read_attribute("/sys/block", entry, "wwid", found, sizeof found) &&
      !read_attribute("/sys/block", entry, "device/wwid", found, sizeof found)) {
    return false;
  }
  return strcmp(found, wanted) == 0;
}

// Waits for a disk whose name begins with `prefix` and whose identity is the request's label.
static void await_disk(const char *prefix) {
  for (int round = 0; round < 200; round++) {
    DIR *directory = opendir("/sys/block");
    if (!directory) fail("/sys/block");
    for (struct dirent *entry; (entry = readdir(directory));) {
      if (strncmp(entry->d_name, prefix, strlen(prefix)) != 0 || !is_identity(entry->d_name, text(request.label))) continue;
      char number[32];
      if (!read_attribute("/sys/block", entry->d_name, "dev", number, sizeof number)) continue;
      if (sscanf(number, "%u:%u", &reply.major, &reply.minor) != 2) continue;
      snprintf(reply.node, sizeof reply.node, "/dev/%s", entry->d_name);
      closedir(directory);
      return;
    }
    closedir(directory);
    poll(NULL, 0, 50);
  }
  fail_with(ENODEV, "no device with identity %s appeared", text(request.label));
}

static void check_target(void) {
  check_plain(text(request.target), ".:_-", 223, "target");
  check_plain(text(request.source), ".:%", 64, "portal address");
  check_plain(text(request.label), ".:_+-", 255, "identity");
  if (request.number < 1 || request.number > 65535) fail_with(EINVAL, "portal port");
}

static void disconnect(const char *target) {
  DIR *directory = opendir("/sys/class/nvme");
  if (!directory) return;
  for (struct dirent *entry; (entry = readdir(directory));) {
    char found[256], transport[32], path[512];
    if (entry->d_name[0] == '.' || !read_attribute("/sys/class/nvme", entry->d_name, "subsysnqn", found, sizeof found) ||
        !read_attribute("/sys/class/nvme", entry->d_name, "transport", transport, sizeof transport)) {
      continue;
    }
    if (strcmp(found, target) != 0 || strcmp(transport, "tcp") != 0) continue;
    snprintf(path, sizeof path, "/sys/class/nvme/%s/delete_controller", entry->d_name);
    int fd = open(path, O_WRONLY | O_CLOEXEC);
    if (fd < 0 || write(fd, "1", 1) != 1) fail("%s", path);
    close(fd);
  }
  closedir(directory);
}

void op_nvme_attach(void) {
  check_target();
  int fd = open("/dev/nvme-fabrics", O_RDWR | O_CLOEXEC);
  if (fd < 0 && (errno == ENOENT || errno == ENODEV || errno == ENXIO)) {
    fail_with(EOPNOTSUPP, "this kernel has no NVMe over TCP (/dev/nvme-fabrics): load the module nvme-tcp");
  }
  if (fd < 0) fail("/dev/nvme-fabrics");
  char line[512];
  int size = snprintf(line, sizeof line, "nqn=%s,transport=tcp,traddr=%s,trsvcid=%u", text(request.target),
                      text(request.source), request.number);
  if (write(fd, line, (size_t)size) != size && errno != EALREADY) fail("connecting to %s", text(request.target));
  close(fd);
  await_disk("nvme");
}

void op_nvme_detach(void) {
  check_plain(text(request.target), ".:_-", 223, "target");
  disconnect(text(request.target));
}

void op_iscsi(void) {
  static const char *const program[] = {"/usr/sbin/iscsiadm", "/sbin/iscsiadm", NULL};
  check_target();
  char portal[96];
  bool six = strchr(text(request.source), ':');
  snprintf(portal, sizeof portal, six ? "[%s]:%u" : "%s:%u", text(request.source), request.number);
  const char *target = text(request.target);
  const char *const make[] = {"iscsiadm", "-m", "node", "-T", target, "-p", portal, "-o", "new", NULL};
  const char *const login[] = {"iscsiadm", "-m", "node", "-T", target, "-p", portal, "--login", NULL};
  const char *const logout[] = {"iscsiadm", "-m", "node", "-T", target, "-p", portal, "--logout", NULL};
  const char *const forget[] = {"iscsiadm", "-m", "node", "-T", target, "-p", portal, "-o", "delete", NULL};
  enum { EXISTS = 15, NONE = 21 }; // a session is there already; no record or session
  switch ((enum bb_iscsi)request.verb) {
    case BB_ISCSI_LOGIN:
      run(program, make);
      if (reply.status) fail_with(EIO, "iscsiadm could not record %s (status %d)", target, reply.status);
      run(program, login);
      if (reply.status && reply.status != EXISTS) fail_with(EIO, "iSCSI login to %s failed (status %d)", target, reply.status);
      await_disk("sd");
      break;
    case BB_ISCSI_LOGOUT:
      run(program, logout);
      if (reply.status && reply.status != NONE) fail_with(EIO, "iSCSI logout of %s failed (status %d)", target, reply.status);
      run(program, forget);
      break;
    case BB_ISCSI_COUNT: default: fail_with(EINVAL, "iSCSI operation");
  }
  reply.status = 0;
}
