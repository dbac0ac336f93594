// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0

// Namespaces made ahead: what a server has ready while nobody asks, a start need not wait for. Making an empty network
// namespace and leaving the old root each take the kernel a good part of a millisecond. A kit holds nothing of any
// plugin; whoever receives it is the only one that ever has it, for a message is received once. Where there is none (in
// exec mode, or when many start at once) a child makes the network namespace beside the rest of the set-up.

#include "launcher.h"

#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
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

// In a process of its own, which ends with it: makes `count` namespaces from `first` on and sends them. What fails here is
// told by the missing message.
static _Noreturn void make(int first, int count, int to) {
  int fds[KIT_NAMESPACES], all = 0;
  for (int i = 0; i < count; i++) all |= kinds[first + i].flag;
  if (unshare(all) < 0 || (first == KIT_MOUNTS && new_root() < 0)) _exit(1);
  for (int i = 0; i < count; i++) {
    if ((fds[i] = openat(server.proc, kinds[first + i].name, O_RDONLY | O_CLOEXEC)) < 0) _exit(1);
  }
  char byte = 0;
  _exit(berth_send_descriptors(to, &byte, 1, fds, count) == 1 ? 0 : 1);
}

// One for the shelf.
void kit_make(void) { make(KIT_MOUNTS, KIT_NAMESPACES, shelf[1]); }

// For whoever works beside another process of the same start: leaves that one's processor to it where there is another
// (the kernel would often let the two take turns), and may then run where it might before. Nothing but time depends on it,
// so a refusal is none of our business.
static void leave_processor(int processor) {
  unsigned char allowed[1024], others[sizeof allowed]; // a bit for each processor
  long size = syscall(SYS_sched_getaffinity, 0, sizeof allowed, allowed);
  if (processor < 0 || processor / 8 >= size) return;
  memcpy(others, allowed, sizeof others);
  others[processor / 8] &= (unsigned char)~(1 << processor % 8);
  syscall(SYS_sched_setaffinity, 0, size, others);
  syscall(SYS_sched_setaffinity, 0, size, allowed);
}

// Has a child make the network namespace, which takes as long as all the rest.
static void begin(struct job *job) {
  int pair[2];
  if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) < 0) die(job, BL_STEP_CLONE, "helper socket");
  int ours = sched_getcpu();
  job->helper = (pid_t)syscall(SYS_clone, SIGCHLD, NULL, NULL, NULL, 0);
  if (job->helper < 0) die(job, BL_STEP_CLONE, "helper");
  if (job->helper == 0) {
    leave_processor(ours); // beside us, not after us
    make(KIT_NET, 1, pair[1]);
  }
  close(pair[1]);
  job->network = pair[0];
}

// Takes one off the shelf, or begins to make what takes longest.
void kit_take(struct job *job) {
  char byte;
  int count = KIT_NAMESPACES;
  if (shelf[0] >= 0 && berth_receive_descriptors(shelf[0], &byte, 1, job->kit, &count) == 1) {
    if (count != KIT_NAMESPACES) die_with(job, BL_STEP_CLONE, EPROTO, "prepared namespaces");
    job->has_kit = true;
  } else if (!(job->request.flags & BL_F_NET_HOST)) {
    begin(job);
  }
}

static void enter(struct job *job, int kind, int fd) {
  if (setns(fd, kinds[kind].flag) < 0) die(job, BL_STEP_CLONE, kinds[kind].name);
}

// Enters what was taken, the mounts excepted (open_sources does that); returns which namespaces are still to be made.
uint64_t kit_enter(struct job *job) {
  uint64_t missing = 0;
  for (int i = 0; i < KIT_NAMESPACES; i++) {
    if (i == KIT_NET && ((job->request.flags & BL_F_NET_HOST) || job->network >= 0)) continue;
    if (!job->has_kit) missing |= (uint64_t)kinds[i].flag;
    if (job->has_kit && i != KIT_MOUNTS) enter(job, i, job->kit[i]);
  }
  return missing;
}

// In the sandbox's init: enters the network namespace that was made meanwhile.
void kit_enter_network(struct job *job) {
  if (job->network < 0) return;
  char byte;
  int fd = -1, count = 1;
  ssize_t got = berth_receive_descriptors(job->network, &byte, 1, &fd, &count);
  if (got != 1 || count != 1) die_with(job, BL_STEP_CLONE, got < 0 ? (int)-got : ECHILD, kinds[KIT_NET].name);
  enter(job, KIT_NET, fd);
  close(fd);
  close(job->network);
}

// The worker's own copies: the sandbox lives in the namespaces, and they end with it.
void kit_close(struct job *job) {
  for (int i = 0; job->has_kit && i < KIT_NAMESPACES; i++) close(job->kit[i]);
  if (job->network >= 0) close(job->network);
}

// Collects the child, which has long ended.
void kit_settle(struct job *job) {
  while (job->helper > 0 && waitpid(job->helper, NULL, 0) < 0 && errno == EINTR) {}
}
