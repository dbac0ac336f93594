// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0

// Namespaces made ahead: what a server has ready while nobody asks, a start need not wait for. Making an empty network
// namespace and leaving the old root each take the kernel a good part of a millisecond. A kit holds nothing of any
// plugin; whoever receives it is the only one that ever has it, for a message is received once.

#include "launcher.h"

#include <fcntl.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "berth_socket.h"

static const struct {
  int flag;
  const char *name;
} kinds[KIT_NAMESPACES] = {
    [KIT_MOUNTS] = {CLONE_NEWNS, "self/ns/mnt"},
    [KIT_NET] = {CLONE_NEWNET, "self/ns/net"},
    [KIT_IPC] = {CLONE_NEWIPC, "self/ns/ipc"},
    [KIT_UTS] = {CLONE_NEWUTS, "self/ns/uts"},
};
static int shelf[2] = {-1, -1}; // kits wait between these two sockets, one message each

// Without a shelf every start makes its own.
void kit_open_shelf(void) {
  if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, shelf) < 0) shelf[0] = shelf[1] = -1;
}

// How many are ready.
int kit_count(void) {
  int bytes = 0; // one a kit
  return shelf[0] < 0 || ioctl(shelf[0], FIONREAD, &bytes) < 0 ? KITS : bytes;
}

// In a process of its own, which ends with it. What fails here is noticed by nobody but the next start, which makes its own.
void kit_make(void) {
  int fds[KIT_NAMESPACES], all = 0;
  for (int i = 0; i < KIT_NAMESPACES; i++) all |= kinds[i].flag;
  if (unshare(all) < 0 || new_root() < 0) _exit(1);
  for (int i = 0; i < KIT_NAMESPACES; i++) {
    if ((fds[i] = openat(server.proc, kinds[i].name, O_RDONLY | O_CLOEXEC)) < 0) _exit(1);
  }
  char byte = 0;
  _exit(berth_send_descriptors(shelf[1], &byte, 1, fds, KIT_NAMESPACES) == 1 ? 0 : 1);
}

// Takes one off the shelf, if there is one.
void kit_take(struct job *job) {
  char byte;
  int count = KIT_NAMESPACES;
  if (shelf[0] < 0 || berth_receive_descriptors(shelf[0], &byte, 1, job->kit, &count) != 1) return;
  if (count != KIT_NAMESPACES) die_with(job, BL_STEP_CLONE, EPROTO, "prepared namespaces");
  job->has_kit = true;
}

// Enters what was taken, the mounts excepted (open_sources does that); returns which namespaces are still to be made.
uint64_t kit_enter(struct job *job) {
  uint64_t missing = 0;
  bool host_network = job->request.flags & BL_F_NET_HOST;
  for (int i = 0; i < KIT_NAMESPACES; i++) {
    if (i == KIT_NET && host_network) continue;
    if (!job->has_kit) {
      missing |= (uint64_t)kinds[i].flag;
    } else if (i != KIT_MOUNTS && setns(job->kit[i], kinds[i].flag) < 0) {
      die(job, BL_STEP_CLONE, kinds[i].name);
    }
  }
  return missing;
}

// The worker's own copies: the sandbox lives in the namespaces, and they end with it.
void kit_close(struct job *job) {
  for (int i = 0; job->has_kit && i < KIT_NAMESPACES; i++) close(job->kit[i]);
}
