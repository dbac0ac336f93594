// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0

#define _GNU_SOURCE
#include "berth_broker.h"

#include <errno.h>
#include <linux/capability.h>
#include <stdlib.h>
#include <string.h>

#include "berth_launch.h"

#define C(name) (1ull << CAP_##name)

uint64_t bb_capabilities(uint32_t kind) {
  switch ((enum bb_kind)kind) {
    // Mounting, and walking to a host-chosen directory whoever owns it.
    case BB_PREPARE: case BB_DISMISS: case BB_UNMOUNT: return C(SYS_ADMIN) | C(DAC_OVERRIDE);
    // Opening a granted file of any owner; the loop driver's status calls.
    case BB_LOOP_ATTACH: case BB_LOOP_DETACH: return C(SYS_ADMIN) | C(DAC_OVERRIDE);
    // SETUID and SETGID: the user namespace of an idmapped mount.
    case BB_MOUNT_LOCAL: return C(SYS_ADMIN) | C(DAC_OVERRIDE) | C(SETUID) | C(SETGID);
    // NET_BIND_SERVICE: NFS servers want a privileged source port.
    case BB_MOUNT_REMOTE: return C(SYS_ADMIN) | C(DAC_OVERRIDE) | C(NET_BIND_SERVICE);
    // SYS_ADMIN: the control files of a version 1 device group ask for it.
    case BB_DEVICE_OPEN: return C(SYS_ADMIN) | C(MKNOD) | C(CHOWN) | C(FOWNER) | C(DAC_OVERRIDE);
    case BB_DEVICE_CLOSE: return C(SYS_ADMIN) | C(DAC_OVERRIDE);
    case BB_DEVICE_FIND: return C(DAC_OVERRIDE);
    // Device mapper, nodes without udev, locked memory while devices are suspended.
    case BB_LVM: return C(SYS_ADMIN) | C(DAC_OVERRIDE) | C(MKNOD) | C(CHOWN) | C(FOWNER) | C(IPC_LOCK) | C(SYS_NICE);
    // New subvolumes get the owner of the directory that they are made in.
    case BB_BTRFS: return C(SYS_ADMIN) | C(DAC_OVERRIDE) | C(CHOWN) | C(FOWNER);
    // The request for a stream asks for SYS_ADMIN.
    case BB_BTRFS_SEND: return C(SYS_ADMIN) | C(DAC_OVERRIDE);
    // SYS_CHROOT: the tool's own root. SETUID, SETGID, SETFCAP: becoming the directory's owner, and the map of those who
    // may own what arrives (with root in it the kernel wants SETFCAP); the tool itself has none of the three.
    case BB_BTRFS_RECEIVE:
      return C(SYS_ADMIN) | C(DAC_OVERRIDE) | C(CHOWN) | C(FOWNER) | C(FSETID) | C(SYS_CHROOT) | C(SETUID) |
             C(SETGID) | C(SETFCAP);
    // Used up before the program starts.
    case BB_EXEC: return C(SETUID) | C(SETGID) | C(SETPCAP);
    case BB_NVME_ATTACH: case BB_NVME_DETACH: return C(SYS_ADMIN) | C(DAC_OVERRIDE);
    case BB_ISCSI: return C(SYS_ADMIN) | C(DAC_OVERRIDE) | C(NET_ADMIN);
    case BB_KIND_COUNT: break;
  }
  return 0;
}

struct bb_request *bb_request_make(uint32_t kind, uint32_t verb, uint32_t flags) {
  struct bb_request *request = calloc(1, sizeof *request);
  if (!request) abort();
  request->magic = BB_MAGIC;
  request->version = BB_VERSION;
  request->kind = kind;
  request->verb = verb;
  request->flags = flags;
  request->pool_size = 1;
  return request;
}

void bb_request_free(struct bb_request *request) {
  explicit_bzero(request, sizeof *request);
  free(request);
}

int64_t bb_request_text(struct bb_request *request, const char *bytes, uint32_t count) {
  if (memchr(bytes, 0, count)) return -EINVAL;
  if (count == 0) return 0;
  if (count >= BB_POOL - request->pool_size) return -ENOSPC;
  uint32_t offset = request->pool_size;
  memcpy(request->text + offset, bytes, count);
  request->pool_size += count + 1;
  return offset;
}

int bb_request_option(struct bb_request *request, uint32_t key, uint32_t value) {
  if (request->option_count == BB_MAX_OPTIONS) return -ENOSPC;
  request->options[request->option_count++] = (struct bb_option){key, value};
  return 0;
}

int bb_request_argument(struct bb_request *request, uint32_t text) {
  if (request->arg_count == BB_MAX_ARGS) return -ENOSPC;
  request->args[request->arg_count++] = text;
  return 0;
}

int bb_request_seal(const struct bb_request *request) { return bl_sealed_file(request, sizeof *request); }

const char *bb_reply_detail(const struct bb_reply *reply) {
  return memchr(reply->detail, 0, sizeof reply->detail) ? reply->detail : "";
}

const char *bb_reply_node(const struct bb_reply *reply) {
  return memchr(reply->node, 0, sizeof reply->node) ? reply->node : "";
}
