// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0

#define _GNU_SOURCE
#include "berth_launch.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "berth_socket.h"

#define BL_STEP_TEXT(name, text) text,
static const char *const step_names[] = {BL_STEPS(BL_STEP_TEXT)};

const char *bl_step_name(uint32_t step) { return step < BL_STEP_COUNT ? step_names[step] : "unknown"; }

struct bl_request *bl_request_make(uint32_t op, uint32_t flags, uint32_t uid, uint32_t gid, uint32_t required) {
  struct bl_request *request = calloc(1, sizeof *request);
  if (!request) abort();
  request->magic = BL_MAGIC;
  request->version = BL_VERSION;
  request->op = op;
  request->flags = flags;
  request->uid = uid;
  request->gid = gid;
  request->required = required;
  request->pool_size = 1;
  return request;
}

void bl_request_free(struct bl_request *request) { free(request); }

int64_t bl_request_text(struct bl_request *request, const char *bytes, uint32_t count) {
  if (memchr(bytes, 0, count)) return -EINVAL;
  if (count == 0) return 0;
  if (count >= BL_POOL - request->pool_size) return -ENOSPC;
  uint32_t offset = request->pool_size;
  memcpy(request->pool + offset, bytes, count);
  request->pool_size += count + 1;
  return offset;
}

void bl_request_names(struct bl_request *request, uint32_t scope, uint32_t instance, uint32_t executable) {
  request->scope = scope;
  request->instance = instance;
  request->executable = executable;
}

void bl_request_limits(struct bl_request *request, struct bl_limits limits) { request->limits = limits; }

int bl_request_argument(struct bl_request *request, uint32_t text) {
  if (request->arg_count == BL_MAX_ARGS) return -ENOSPC;
  request->args[request->arg_count++] = text;
  return 0;
}

int bl_request_environment(struct bl_request *request, uint32_t text) {
  if (request->env_count == BL_MAX_ENV) return -ENOSPC;
  request->env[request->env_count++] = text;
  return 0;
}

int bl_request_mount(struct bl_request *request, struct bl_mount mount) {
  if (request->mount_count == BL_MAX_MOUNTS) return -ENOSPC;
  request->mounts[request->mount_count++] = mount;
  return 0;
}

int bl_request_endpoint(struct bl_request *request, uint8_t family, const uint8_t *address, uint16_t port) {
  if (request->endpoint_count == BL_MAX_ENDPOINTS) return -ENOSPC;
  struct bl_endpoint *endpoint = &request->endpoints[request->endpoint_count++];
  endpoint->family = family;
  endpoint->port = port;
  memcpy(endpoint->address, address, family == 4 ? 4 : 16);
  return 0;
}

int64_t bl_request_send(int socket, const struct bl_request *request, const int *fds, int count) {
  return berth_send_descriptors(socket, request, sizeof *request, fds, count);
}

int bl_connect(const char *path) {
  struct sockaddr_un address = {.sun_family = AF_UNIX};
  if (strlen(path) >= sizeof address.sun_path) return -ENAMETOOLONG;
  strcpy(address.sun_path, path);
  int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
  if (fd < 0) return -errno;
  if (connect(fd, (struct sockaddr *)&address, sizeof address) == 0) return fd;
  int error = errno;
  close(fd);
  return -error;
}

const char *bl_reply_detail(const struct bl_reply *reply) {
  return memchr(reply->detail, 0, sizeof reply->detail) ? reply->detail : "";
}

int bl_sealed_file(const void *bytes, uint32_t count) {
  // MFD_NOEXEC_SEAL is younger than the oldest supported kernel.
  int fd = memfd_create("berth", MFD_CLOEXEC | MFD_ALLOW_SEALING | 0x0008u);
  if (fd < 0 && errno == EINVAL) fd = memfd_create("berth", MFD_CLOEXEC | MFD_ALLOW_SEALING);
  if (fd < 0) return -errno;
  if (write(fd, bytes, count) != (ssize_t)count ||
      fcntl(fd, F_ADD_SEALS, F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE) < 0) {
    int error = errno ? errno : EIO;
    close(fd);
    return -error;
  }
  return fd;
}

int bl_exit_decode(const struct bl_exit *message, int *code, int *signal) {
  if (message->magic != BL_MAGIC) return 0;
  *code = WIFEXITED(message->status) ? WEXITSTATUS(message->status) : 0;
  *signal = WIFSIGNALED(message->status) ? WTERMSIG(message->status) : 0;
  return 1;
}

static int sync_parent(const char *path) {
  char directory[4096];
  const char *slash = strrchr(path, '/');
  size_t length = slash ? (size_t)(slash - path) : 0;
  if (length >= sizeof directory) return -ENAMETOOLONG;
  memcpy(directory, path, length);
  strcpy(directory + length, length ? "" : slash ? "/" : ".");
  int fd = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (fd < 0) return -errno;
  int result = fsync(fd) < 0 ? -errno : 0;
  close(fd);
  return result;
}

int bl_replace_file(const char *path, const void *bytes, uint32_t count) {
  char beside[4096];
  if (strlen(path) + 5 > sizeof beside) return -ENAMETOOLONG;
  strcpy(beside, path);
  strcat(beside, ".new");
  int fd = open(beside, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
  if (fd < 0) return -errno;
  errno = 0;
  int good = write(fd, bytes, count) == (ssize_t)count && fsync(fd) == 0;
  int error = errno ? errno : EIO;
  close(fd);
  if (good && rename(beside, path) == 0) return sync_parent(path);
  if (good) error = errno;
  unlink(beside);
  return -error;
}
