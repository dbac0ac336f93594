// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0

// NVMe over TCP through the kernel's own control file: one controller for one portal.

#include "broker.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define CONTROLLERS "/sys/class/nvme"

static bool is_tcp(const char *directory, const char *name) {
  char found[256];
  if (!read_attribute(directory, name, "transport", found, sizeof found) || strcmp(found, "tcp") != 0) return false;
  return read_attribute(directory, name, "subsysnqn", found, sizeof found) && strcmp(found, text(request.target)) == 0;
}

// Whether this is a controller of the request's target at the request's portal.
static bool is_asked(const char *name) {
  char address[512];
  unsigned number;
  if (sscanf(name, "nvme%u", &number) != 1 || !is_tcp(CONTROLLERS, name)) return false;
  if (request.size && request.size - 1 != number) return false;
  if (!read_attribute(CONTROLLERS, name, "address", address, sizeof address)) return false;
  const char *host = "", *port = "";
  char *rest = NULL;
  for (char *part = strtok_r(address, ",", &rest); part; part = strtok_r(NULL, ",", &rest)) {
    if (strncmp(part, "traddr=", 7) == 0) host = part + 7;
    if (strncmp(part, "trsvcid=", 8) == 0) port = part + 8;
  }
  return is_portal(host, port);
}

static bool find_controller(char *name, size_t size) {
  DIR *directory = opendir(CONTROLLERS);
  bool found = false;
  for (struct dirent *entry; directory && !found && (entry = readdir(directory));) {
    if (!(found = is_asked(entry->d_name))) continue;
    snprintf(name, size, "%s", entry->d_name);
  }
  if (directory) closedir(directory);
  return found;
}

// Every way to this namespace goes over TCP to the target, and one of them through the portal. A target that calls itself
// like a disk of the host's would show up beside a controller that is not over TCP.
static bool belongs(const char *disk) {
  char path[512], found[32];
  if (request.offset) {
    if (!read_attribute("/sys/block", disk, "nsid", found, sizeof found)) return false;
    if (strtoul(found, NULL, 10) != request.offset - 1) return false;
  }
  snprintf(path, sizeof path, "/sys/block/%s/device", disk);
  if (read_attribute(path, ".", "transport", found, sizeof found)) {
    char real[512], *name;
    ssize_t size = readlink(path, real, sizeof real - 1);
    if (size <= 0) return false;
    real[size] = 0;
    name = strrchr(real, '/');
    return is_asked(name ? name + 1 : real);
  }
  // Multipath: the device is the subsystem, with its controllers in it.
  DIR *directory = opendir(path);
  if (!directory) return false;
  bool ours = false, others = false;
  for (struct dirent *entry; (entry = readdir(directory));) {
    if (entry->d_name[0] == '.' || !read_attribute(path, entry->d_name, "transport", found, sizeof found)) continue;
    others |= !is_tcp(path, entry->d_name);
    ours |= is_asked(entry->d_name);
  }
  closedir(directory);
  return ours && !others;
}

// How this host calls itself to targets, where its administrator chose that.
static void add_host(char *line, size_t size, const char *file, const char *key) {
  char value[224], path[64];
  snprintf(path, sizeof path, "/etc/nvme/%s", file);
  if (read_small(path, value, sizeof value) <= 0) return;
  check_plain(value, ".:_-", 223, path);
  size_t length = strlen(line);
  snprintf(line + length, size - length, ",%s=%s", key, value);
}

void op_nvme_attach(void) {
  char name[256];
  check_remote();
  if (request.flags & BB_F_LOOK) {
    reply.id = *text(request.node) ? is_disk(belongs) : find_controller(name, sizeof name);
    return;
  }
  int fd = open("/dev/nvme-fabrics", O_RDWR | O_CLOEXEC);
  if (fd < 0 && (errno == ENOENT || errno == ENODEV || errno == ENXIO)) {
    fail_with(EOPNOTSUPP, "this kernel has no NVMe over TCP (/dev/nvme-fabrics): load the module nvme-tcp");
  }
  if (fd < 0) fail("/dev/nvme-fabrics");
  char line[1024], answer[128];
  snprintf(line, sizeof line, "nqn=%s,transport=tcp,traddr=%s,trsvcid=%u", text(request.target), text(request.source),
           request.number);
  add_host(line, sizeof line, "hostnqn", "hostnqn");
  add_host(line, sizeof line, "hostid", "hostid");
  size_t size = strlen(line);
  if (write(fd, line, size) == (ssize_t)size) {
    ssize_t got = read(fd, answer, sizeof answer - 1);
    answer[got > 0 ? got : 0] = 0;
    if (sscanf(answer, "instance=%u", &reply.number) != 1) fail_with(EPROTO, "connecting to %s", text(request.target));
    request.size = (uint64_t)reply.number + 1;
  } else if (errno == EALREADY) {
    // Somebody else's connection serves as well, but is theirs to end.
    reply.id = 1;
    if (!find_controller(name, sizeof name)) fail_with(EBUSY, "%s is being connected", text(request.target));
  } else {
    fail("connecting to %s", text(request.target));
  }
  close(fd);
  await_disk("nvme", belongs);
}

void op_nvme_detach(void) {
  char name[256], path[512];
  check_remote();
  if (!find_controller(name, sizeof name)) return;
  check_idle();
  snprintf(path, sizeof path, CONTROLLERS "/%s/delete_controller", name);
  int fd = open(path, O_WRONLY | O_CLOEXEC);
  if (fd < 0 || write(fd, "1", 1) != 1) fail("%s", path);
  close(fd);
}
