// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0

// Starts the worker of one broker operation: berth-broker, in a cgroup of its own in the host's namespaces, with the
// capabilities of the operation's kind and no more. What it does is its own matter; it sees the request, this does not.

#include "launcher.h"

#include <fcntl.h>
#include <grp.h>
#include <linux/capability.h>
#include <linux/sched.h>
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "berth_broker.h"

#ifndef CLONE_INTO_CGROUP
#define CLONE_INTO_CGROUP 0x200000000ull
#endif
#ifndef AT_EMPTY_PATH
#define AT_EMPTY_PATH 0x1000
#endif

// The worker's program stands beside the launcher; remembered at the start, while the host's tree is in view.
void broker_find(void) {
  ssize_t size = readlinkat(server.proc, "self/exe", server.broker, sizeof server.broker - 16);
  if (size <= 0) return;
  server.broker[size] = 0;
  char *slash = strrchr(server.broker, '/');
  strcpy(slash ? slash + 1 : server.broker, "berth-broker");
}

// A program that somebody else could replace is not run as root. -1 with errno.
static int open_program(void) {
  int fd = open(server.broker, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
  struct stat status;
  if (fd < 0 || fstat(fd, &status) < 0) return -1;
  if (S_ISREG(status.st_mode) && (status.st_uid == 0 || status.st_uid == geteuid()) && !(status.st_mode & 022)) return fd;
  close(fd);
  return errno = EACCES, -1;
}

_Static_assert(BB_KIND_COUNT <= 32, "a bit a kind");

// Leaves this process in the host's mount namespace.
uint32_t broker_kinds(void) {
  if (geteuid() != 0 || (server.host_mounts >= 0 && setns(server.host_mounts, CLONE_NEWNS) < 0)) return 0;
  int program = open_program();
  if (program < 0) return 0;
  close(program);
  struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
  struct __user_cap_data_struct sets[2] = {{0}};
  if (syscall(SYS_capget, &header, sets) < 0) return 0;
  uint64_t held = sets[0].permitted | (uint64_t)sets[1].permitted << 32;
  uint32_t kinds = 0;
  for (uint32_t kind = 1; kind < BB_KIND_COUNT; kind++) {
    if (!(bb_capabilities(kind) & ~held)) kinds |= 1u << kind;
  }
  return kinds;
}

static void keep_capabilities(struct job *job, uint64_t kept) {
  if (setgroups(0, NULL) < 0) die(job, BL_STEP_IDS, "setgroups");
  for (int capability = 0; capability < 64; capability++) {
    if (kept >> capability & 1) continue;
    if (prctl(PR_CAPBSET_DROP, capability, 0, 0, 0) < 0) {
      if (errno == EINVAL && capability > CAP_BLOCK_SUSPEND) break;
      die(job, BL_STEP_CAPS, "bounding set");
    }
  }
  if (prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0) < 0) die(job, BL_STEP_CAPS, "ambient set");
  struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
  struct __user_cap_data_struct sets[2] = {
      {.effective = (uint32_t)kept, .permitted = (uint32_t)kept},
      {.effective = (uint32_t)(kept >> 32), .permitted = (uint32_t)(kept >> 32)},
  };
  if (syscall(SYS_capset, &header, sets) < 0) die(job, BL_STEP_CAPS, "capset");
  if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0) die(job, BL_STEP_NNP, "prctl");
  job->layers |= BL_L_NNP;
}

static void place_descriptors(struct job *job, int devices) {
  int wanted[] = {job->fds[BL_FD_STDIN], job->fds[BL_FD_STDOUT], job->fds[BL_FD_STDERR], job->fds[BL_FD_CONTROL],
                  job->fds[BL_FD_FILTER], devices};
  for (int i = 0; i < 6; i++) {
    if (wanted[i] >= 0 && (wanted[i] = fcntl(wanted[i], F_DUPFD_CLOEXEC, 16)) < 0) die(job, BL_STEP_STDIO, "dup");
  }
  if ((status_socket = fcntl(status_socket, F_DUPFD_CLOEXEC, 16)) < 0) die(job, BL_STEP_STDIO, "dup");
  for (int i = 0; i < 6; i++) {
    if (wanted[i] >= 0 ? dup2(wanted[i], i) < 0 : close(i) < 0 && errno != EBADF) die(job, BL_STEP_STDIO, "dup2");
  }
  if (syscall(SYS_close_range, 6u, ~0u, CLOSE_RANGE_CLOEXEC) < 0) die(job, BL_STEP_CLOSE, "close_range");
}

static _Noreturn void become_worker(struct job *job, int program, int devices) {
  char uids[32], *arguments[3 + 16] = {"berth-broker", uids};
  char *environment[] = {"PATH=/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL=C", NULL};
  format(uids, sizeof uids, "%u-%u", server.first_uid, server.last_uid);
  for (int i = 0; i < server.writable_count; i++) arguments[2 + i] = (char *)server.writable[i];
  cgroup_join(job);
  if (server.host_mounts >= 0 && setns(server.host_mounts, CLONE_NEWNS) < 0) die(job, BL_STEP_SOURCE, "host mounts");
  sigset_t none;
  sigemptyset(&none);
  if (sigprocmask(SIG_SETMASK, &none, NULL) < 0) die(job, BL_STEP_SESSION, "signal mask");
  signal(SIGPIPE, SIG_DFL);
  enter_session(job);
  if (chdir("/") < 0) die(job, BL_STEP_SESSION, "/");
  int copy = fcntl(program, F_DUPFD_CLOEXEC, 32);
  if (copy < 0) die(job, BL_STEP_STDIO, "dup");
  place_descriptors(job, devices);
  limit_resources(job);
  keep_capabilities(job, bb_capabilities(job->request.flags));
  report_layers(job, -1);
  syscall(SYS_execveat, copy, "", arguments, environment, AT_EMPTY_PATH);
  die(job, BL_STEP_EXEC, server.broker);
}

void broker(struct job *job) {
  if (geteuid() != 0) die_with(job, BL_STEP_PRIVILEGE, EPERM, "broker operations need a launcher that runs as root");
  if (server.host_mounts >= 0 && setns(server.host_mounts, CLONE_NEWNS) < 0) die(job, BL_STEP_SOURCE, "host mounts");
  int program = open_program();
  if (program < 0) die(job, BL_STEP_BROKER, server.broker);
  if (server.host_mounts >= 0 && setns(server.own_mounts, CLONE_NEWNS) < 0) die(job, BL_STEP_SOURCE, "own mounts");
  cgroup_create(job);
  cgroup_create_v1(job);
  int devices = -1;
  if (job->request.flags == BB_DEVICE_OPEN) devices = cgroup_open_devices(job, true);
  if (job->request.flags == BB_DEVICE_CLOSE) devices = cgroup_open_devices(job, false);
  int status[2];
  if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, status) < 0) die(job, BL_STEP_CLONE, "status socket");
  struct clone_args arguments = {
      .flags = CLONE_PIDFD | CLONE_PARENT, // the daemon (or the server) is to reap it
      .pidfd = (uint64_t)(uintptr_t)&job->pidfd,
  };
  if (job->cgroup >= 0) {
    arguments.flags |= CLONE_INTO_CGROUP;
    arguments.cgroup = (uint64_t)job->cgroup;
  }
  long pid = syscall(SYS_clone3, &arguments, sizeof arguments);
  if (pid < 0) die(job, BL_STEP_CLONE, "clone3");
  if (pid == 0) {
    status_socket = status[1];
    become_worker(job, program, devices);
  }
  job->pid = (pid_t)pid;
  close(status[1]);
  for (int i = 0; i < BL_REQUEST_FDS; i++) close(job->fds[i]);
  struct bl_reply reply;
  int notify = -1;
  await_status(job, status[0], &reply, &notify);
  answer(job, &reply, -1);
}
