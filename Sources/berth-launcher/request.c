// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0

// Decides whether a request may be acted on at all. Everything a request says is checked here, once, before any of it is
// used; the rest of the launcher relies on it.

#include "launcher.h"

#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "berth_broker.h"

static bool is_name(const char *name) {
  size_t length = strlen(name);
  if (length == 0 || length > 64 || name[0] == '.') return false;
  for (size_t i = 0; i < length; i++) {
    char c = name[i];
    bool good = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' || c == '_' ||
                c == '-';
    if (!good) return false;
  }
  return true;
}

// Absolute, no empty, "." or ".." component, no trailing slash, no control characters.
static bool is_path(const char *path) {
  size_t length = strlen(path);
  if (length < 2 || length > 1023 || path[0] != '/') return false;
  const char *part = path + 1;
  for (size_t i = 1; i <= length; i++) {
    unsigned char c = (unsigned char)path[i];
    if (c == '/' || c == 0) {
      size_t size = (size_t)(path + i - part);
      if (size == 0 || size > 255) return false;
      if (size == 1 && part[0] == '.') return false;
      if (size == 2 && part[0] == '.' && part[1] == '.') return false;
      part = path + i + 1;
    } else if (c < 0x20 || c == 0x7f) {
      return false;
    }
  }
  return true;
}

bool is_beneath(const char *path, const char *directory) {
  size_t length = strlen(directory);
  return strncmp(path, directory, length) == 0 && (path[length] == '/' || path[length] == 0);
}

// What may never be handed in writable, whatever the daemon says: owning any of these is owning the host.
static bool is_system_path(const char *path) {
  static const char *const roots[] = {"/bin", "/boot", "/dev", "/etc", "/lib", "/lib32", "/lib64", "/libx32", "/proc",
                                      "/root/.ssh", "/sbin", "/sys", "/usr", "/var/lib/dpkg", "/var/spool/cron"};
  for (size_t i = 0; i < sizeof roots / sizeof *roots; i++) {
    if (is_beneath(path, roots[i]) || is_beneath(roots[i], path)) return true;
  }
  return false;
}

static bool may_be_written(const char *path) {
  if (is_system_path(path)) return false;
  if (!server.socket_path) return true;
  for (int i = 0; i < server.writable_count; i++) {
    if (is_beneath(path, server.writable[i])) return true;
  }
  return false;
}

static const char *check_mount(const struct job *job, unsigned index) {
  const struct bl_request *r = &job->request;
  const struct bl_mount *m = &r->mounts[index];
  const char *target = text(job, m->target), *source = text(job, m->source);
  if (m->kind < BL_M_BIND || m->kind > BL_M_FILE || m->reserved) return "mount kind";
  if (!is_path(target)) return "mount target";
  if (is_beneath(target, "/proc")) return "mount target below /proc";
  if (m->kind == BL_M_BIND && !is_path(source)) return "mount source";
  if (m->kind == BL_M_SYMLINK && source[0] == 0) return "symbolic link text";
  if (m->kind != BL_M_BIND && (m->flags & ~(BL_MF_WRITE))) return "mount flags";
  if ((m->flags & BL_MF_WRITE) && (m->flags & (BL_MF_EXEC | BL_MF_FIFO))) return "writable and executable mount";
  if ((m->flags & BL_MF_DEVICE) && (m->flags & (BL_MF_EXEC | BL_MF_IDMAP | BL_MF_SLAVE))) return "device flags";
  if ((m->flags & BL_MF_NODES) && m->flags != BL_MF_NODES) return "flags of a directory of devices";
  bool writes = (m->flags & (BL_MF_WRITE | BL_MF_FIFO | BL_MF_NODES)) && !(m->flags & BL_MF_DEVICE);
  if (m->kind == BL_M_BIND && (writes || (m->flags & BL_MF_IDMAP)) && !may_be_written(source)) {
    return "writable mount outside the storage directories";
  }
  if (m->kind == BL_M_TMPFS && (m->size < 4096 || m->size > (1ull << 40) || m->inodes < 16)) return "tmpfs size";
  for (unsigned i = 0; i < r->mount_count; i++) {
    if (i == index) continue;
    const char *other = text(job, r->mounts[i].target);
    if (strcmp(other, target) == 0) return "two mounts on one target";
    // A fresh tmpfs holds nothing of the plugin's yet; any other writable tree may hold a trap.
    bool other_writable = r->mounts[i].kind == BL_M_BIND && r->mounts[i].flags & (BL_MF_WRITE | BL_MF_FIFO);
    if (other_writable && is_beneath(target, other)) return "mount below a writable mount";
    if (i > index && is_beneath(target, other)) return "mounts out of order";
  }
  return NULL;
}

// NULL when the request is sound, else what is wrong with it.
const char *validate(const struct job *job, ssize_t size, int fd_count) {
  const struct bl_request *r = &job->request;
  if (size != (ssize_t)sizeof *r) return "size";
  if (r->magic != BL_MAGIC) return "magic";
  if (r->version != BL_VERSION) return "version: the daemon and the launcher belong to different releases";
  if (r->pool_size < 1 || r->pool_size > BL_POOL || r->pool[0] || r->pool[r->pool_size - 1]) return "string pool";
  if (r->mount_count > BL_MAX_MOUNTS || r->arg_count > BL_MAX_ARGS || r->env_count > BL_MAX_ENV ||
      r->endpoint_count > BL_MAX_ENDPOINTS) {
    return "counts";
  }
  const uint32_t offsets[] = {r->scope, r->instance, r->executable};
  for (size_t i = 0; i < 3; i++) {
    if (offsets[i] >= r->pool_size) return "string offset";
  }
  for (unsigned i = 0; i < r->arg_count; i++) {
    if (r->args[i] >= r->pool_size) return "argument offset";
  }
  for (unsigned i = 0; i < r->env_count; i++) {
    if (r->env[i] >= r->pool_size) return "environment offset";
  }
  for (unsigned i = 0; i < r->mount_count; i++) {
    if (r->mounts[i].source >= r->pool_size || r->mounts[i].target >= r->pool_size) return "mount offset";
  }
  if (r->op == BL_OP_PROBE) return fd_count == 0 ? NULL : "descriptors";
  if (!is_name(text(job, r->scope))) return "scope";
  if (r->op == BL_OP_SWEEP) return fd_count == 0 ? NULL : "descriptors";
  if (!is_name(text(job, r->instance))) return "instance";
  if (r->op == BL_OP_KILL) return fd_count == 0 ? NULL : "descriptors";
  if (r->op != BL_OP_SPAWN && r->op != BL_OP_BROKER) return "operation";
  if (fd_count != BL_REQUEST_FDS) return "descriptors";
  if (r->limits.processes < 1 || r->limits.memory < (1u << 20) || r->limits.cpu_percent < 1 ||
      r->limits.cpu_percent > 100000 || r->limits.descriptors < 8) {
    return "limits";
  }
  if (r->op == BL_OP_BROKER) {
    // `flags` is the kind of operation, `executable` the running plugin's leaf where that matters.
    const char *plugin = text(job, r->executable);
    if (bb_capabilities(r->flags) == 0) return "kind of operation";
    return plugin[0] && !is_name(plugin) ? "plugin instance" : NULL;
  }
  if (r->flags & ~BL_F_ALL) return "flags";
  if (server.socket_path && (r->flags & BL_F_LEARN)) return "flags: the server starts nothing in learning mode";
  if (r->uid == 0 || r->gid == 0 || r->uid == UINT32_MAX || r->gid == UINT32_MAX) return "user id";
  if (r->flags & BL_F_USERNS) {
    if (r->uid != geteuid() || r->gid != getegid()) return "user id: unprivileged mode runs as its own user";
  } else {
    if (r->uid < server.first_uid || r->uid > server.last_uid || r->gid != r->uid) return "user id out of range";
  }
  if (r->arg_count < 1) return "arguments";
  if (!is_path(text(job, r->executable))) return "executable";
  for (unsigned i = 0; i < r->env_count; i++) {
    const char *entry = text(job, r->env[i]);
    if (!strchr(entry, '=') || entry[0] == '=' || strncmp(entry, "LD_", 3) == 0) return "environment";
  }
  for (unsigned i = 0; i < r->endpoint_count; i++) {
    const struct bl_endpoint *e = &r->endpoints[i];
    if ((e->family != 4 && e->family != 6) || e->reserved || e->port == 0) return "endpoint";
  }
  for (unsigned i = 0; i < r->mount_count; i++) {
    const char *wrong = check_mount(job, i);
    if (wrong) return wrong;
  }
  return NULL;
}

// Copies the filter out of its memfd, which must be sealed: what was checked is what is loaded.
void read_filter(struct job *job) {
  int fd = job->fds[BL_FD_FILTER];
  int seals = fcntl(fd, F_GET_SEALS);
  int wanted = F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE;
  struct stat status;
  if (seals < 0 || fstat(fd, &status) < 0) die(job, BL_STEP_FILTER, "seals");
  if ((seals & wanted) != wanted) die_with(job, BL_STEP_FILTER, EPERM, "the filter is not sealed");
  if (status.st_size < 8 || status.st_size % 8 || status.st_size > (off_t)sizeof job->filter) {
    die_with(job, BL_STEP_FILTER, EINVAL, "the filter's size");
  }
  if (pread(fd, job->filter, (size_t)status.st_size, 0) != status.st_size) die(job, BL_STEP_FILTER, "read");
  job->filter_count = (uint16_t)(status.st_size / 8);
  close(fd);
}
