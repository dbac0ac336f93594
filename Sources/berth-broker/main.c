// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0

#include "broker.h"

#include <fcntl.h>
#include <linux/capability.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

struct bb_request request;
struct bb_reply reply;
char **writable;
int writable_count;
unsigned first_uid, last_uid;

const char *text(uint32_t offset) { return offset < request.pool_size ? request.text + offset : ""; }

static _Noreturn void answer(void) {
  reply.magic = BB_MAGIC;
  reply.version = BB_VERSION;
  explicit_bzero(&request, sizeof request);
  ssize_t sent = send(BB_FD_REPLY, &reply, sizeof reply, MSG_NOSIGNAL);
  _exit(sent == (ssize_t)sizeof reply ? reply.error != 0 : 2);
}

static void note(int error, const char *pattern, va_list arguments) {
  reply.error = error ? error : EIO;
  vsnprintf(reply.detail, sizeof reply.detail, pattern, arguments);
}

void fail(const char *pattern, ...) {
  int error = errno;
  va_list arguments;
  va_start(arguments, pattern);
  note(error, pattern, arguments);
  va_end(arguments);
  answer();
}

void fail_with(int error, const char *pattern, ...) {
  va_list arguments;
  va_start(arguments, pattern);
  note(error, pattern, arguments);
  va_end(arguments);
  answer();
}

void done(void) { answer(); }

// The request is what it was when it was checked: its file must be sealed.
static void read_request(void) {
  int seals = fcntl(BB_FD_REQUEST, F_GET_SEALS);
  int wanted = F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE;
  if (seals < 0 || (seals & wanted) != wanted) fail_with(EPERM, "the request is not sealed");
  if (pread(BB_FD_REQUEST, &request, sizeof request, 0) != (ssize_t)sizeof request) fail_with(EPROTO, "request size");
  close(BB_FD_REQUEST);
  if (request.magic != BB_MAGIC || request.version != BB_VERSION) {
    request.pool_size = 0;
    fail_with(EPROTO, "the daemon and berth-broker belong to different releases");
  }
  if (request.pool_size < 1 || request.pool_size > BB_POOL || request.text[0] || request.text[request.pool_size - 1]) {
    request.pool_size = 0;
    fail_with(EINVAL, "string pool");
  }
  if (request.option_count > BB_MAX_OPTIONS || request.arg_count > BB_MAX_ARGS || request.flags & ~(uint32_t)BB_F_ALL) {
    fail_with(EINVAL, "counts or flags");
  }
  if (request.seconds < 1 || request.seconds > BB_LONGEST) fail_with(EINVAL, "deadline");
  if (request.size > INT64_MAX || request.offset > INT64_MAX) fail_with(EINVAL, "size");
}

// A worker that holds more than its kind needs was started for another kind: it refuses to work.
static void check_capabilities(void) {
  uint64_t wanted = bb_capabilities(request.kind);
  struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
  struct __user_cap_data_struct sets[2] = {{0}};
  if (syscall(SYS_capget, &header, sets) < 0) fail("capabilities");
  uint64_t held = sets[0].permitted | (uint64_t)sets[1].permitted << 32;
  if (held & ~wanted) fail_with(EPERM, "this worker was started for another kind of operation");
}

int main(int argc, char **argv) {
  for (int fd = BB_FD_REPLY; fd <= BB_FD_DEVICES; fd++) fcntl(fd, F_SETFD, FD_CLOEXEC);
  umask(077);
  read_request();
  check_capabilities();
  alarm(request.seconds);
  if (argc < 2 || sscanf(argv[1], "%u-%u", &first_uid, &last_uid) != 2) {
    fail_with(EPROTO, "the launcher and berth-broker belong to different releases");
  }
  writable = argv + 2;
  writable_count = argc - 2;
  switch ((enum bb_kind)request.kind) {
    case BB_PREPARE: op_prepare(); break;
    case BB_DISMISS: op_dismiss(); break;
    case BB_LOOP_ATTACH: op_loop_attach(); break;
    case BB_LOOP_DETACH: op_loop_detach(); break;
    case BB_MOUNT_LOCAL: op_mount_local(); break;
    case BB_MOUNT_REMOTE: op_mount_remote(); break;
    case BB_UNMOUNT: op_unmount(); break;
    case BB_DEVICE_OPEN: op_device_open(); break;
    case BB_DEVICE_CLOSE: op_device_close(); break;
    case BB_DEVICE_FIND: op_device_find(); break;
    case BB_LVM: op_lvm(); break;
    case BB_BTRFS: op_btrfs(); break;
    case BB_BTRFS_SEND: op_btrfs_send(); break;
    case BB_BTRFS_RECEIVE: op_btrfs_receive(); break;
    case BB_EXEC: op_exec(); break;
    case BB_NVME_ATTACH: op_nvme_attach(); break;
    case BB_NVME_DETACH: op_nvme_detach(); break;
    case BB_ISCSI: op_iscsi(); break;
    case BB_KIND_COUNT: fail_with(EINVAL, "kind of operation");
  }
  done();
}
