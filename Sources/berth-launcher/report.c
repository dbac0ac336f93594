// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0

#include "launcher.h"

#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "berth_socket.h"

int daemon_socket = -1;
int status_socket = -1;

static void fill(struct bl_reply *reply, enum bl_step step, int error, const char *detail) {
  memset(reply, 0, sizeof *reply);
  reply->magic = BL_MAGIC;
  reply->version = BL_VERSION;
  reply->error = error;
  reply->step = step;
  if (detail) format(reply->detail, sizeof reply->detail, "%s", detail);
}

// Undoes what the worker made: the sandbox's init dies with everything below it, then the empty cgroup goes.
static void undo(struct job *job) {
  if (job->pidfd >= 0) {
    syscall(SYS_pidfd_send_signal, job->pidfd, SIGKILL, NULL, 0);
    struct pollfd gone = {.fd = job->pidfd, .events = POLLIN};
    poll(&gone, 1, 2000);
  }
  if (job->cgroups_made) cgroup_remove(text(job, job->request.scope), text(job, job->request.instance));
}

void die(struct job *job, enum bl_step step, const char *detail) { die_with(job, step, errno, detail); }

void die_with(struct job *job, enum bl_step step, int error, const char *detail) {
  struct bl_reply reply;
  fill(&reply, step, error ? error : EIO, detail);
  reply.layers = job->layers;
  reply.landlock_abi = job->landlock_abi;
  if (status_socket >= 0) {
    // write(2), because this may run under the plugin's filter.
    if (write(status_socket, &reply, sizeof reply) < 0) _exit(BL_EXIT_BASE + step);
    _exit(BL_EXIT_BASE + step);
  }
  undo(job);
  answer(job, &reply, -1);
}

void report_layers(struct job *job, int notify) {
  struct bl_reply reply;
  fill(&reply, BL_STEP_NONE, 0, NULL);
  reply.layers = job->layers;
  reply.landlock_abi = job->landlock_abi;
  reply.listener_count = (uint32_t)job->listener_count;
  reply.seen = job->seen;
  int fds[BL_MAX_ENDPOINTS + 1], count = 0;
  if (notify >= 0) {
    fds[count++] = notify;
    reply.fd_kinds = BL_RFD_NOTIFY;
  }
  for (int i = 0; i < job->listener_count; i++) fds[count++] = job->listeners[i];
  if (berth_send_descriptors(status_socket, &reply, sizeof reply, fds, count) < 0) die(job, BL_STEP_REPLY, "layers");
}

// Reads the child's report and then waits for the end of file that a successful exec brings.
void await_status(struct job *job, int status, struct bl_reply *reply, int *notify) {
  bool reported = false;
  // Sleeps once, until the end: waiting for the report itself would cost a switch between processes more.
  struct pollfd ended = {.fd = status};
  while (poll(&ended, 1, -1) < 0 && errno == EINTR) {}
  for (;;) {
    struct bl_reply part;
    int fds[BL_MAX_ENDPOINTS + 1], count = BL_MAX_ENDPOINTS + 1;
    ssize_t got = berth_receive_descriptors(status, &part, sizeof part, fds, &count);
    if (got == 0) break;
    if (got == -ECONNRESET) continue; // it ended and had not read all that it was sent; what it said comes next
    if (got != (ssize_t)sizeof part || part.magic != BL_MAGIC) die_with(job, BL_STEP_REPLY, EPROTO, "status message");
    job->layers = part.layers;
    job->landlock_abi = part.landlock_abi;
    if (part.error) {
      part.detail[sizeof part.detail - 1] = 0;
      die_with(job, (enum bl_step)part.step, part.error, part.detail);
    }
    int next = 0;
    if (part.fd_kinds & BL_RFD_NOTIFY && next < count) *notify = fds[next++];
    job->listener_count = 0;
    while (next < count) job->listeners[job->listener_count++] = fds[next++];
    *reply = part;
    reported = true;
  }
  if (!reported) die_with(job, BL_STEP_EXEC, ECHILD, "the sandbox's init ended before it reported");
}

void answer(struct job *job, struct bl_reply *reply, int notify) {
  int fds[BERTH_MAX_PASSED], count = 0;
  reply->fd_kinds = 0;
  reply->pid = job->pid;
  if (job->pidfd >= 0) {
    fds[count++] = job->pidfd;
    reply->fd_kinds |= BL_RFD_PIDFD;
  }
  int leaf = reply->error ? -1 : cgroup_leaf(job);
  if (leaf >= 0) {
    fds[count++] = leaf;
    reply->fd_kinds |= BL_RFD_CGROUP;
    int killer = cgroup_kill_descriptor(job);
    if (killer >= 0) {
      fds[count++] = killer;
      reply->fd_kinds |= BL_RFD_KILL;
    }
  }
  int share = leaf < 0 || job->request.op != BL_OP_SPAWN ? -1 : cgroup_cpu_descriptor(job);
  if (share >= 0) {
    fds[count++] = share;
    reply->fd_kinds |= BL_RFD_CPU;
  }
  if (!reply->error && notify >= 0) {
    fds[count++] = notify;
    reply->fd_kinds |= BL_RFD_NOTIFY;
  }
  reply->listener_count = 0;
  for (int i = 0; !reply->error && i < job->listener_count; i++) {
    fds[count++] = job->listeners[i];
    reply->listener_count++;
  }
  ssize_t sent = berth_send_descriptors(daemon_socket, reply, sizeof *reply, fds, count);
  if (reply->error) _exit(BL_EXIT_BASE + (int)reply->step);
  if (sent < 0 && job->pid > 0) { // nobody will look after the plugin: it ends with its control socket, but be sure
    undo(job);
    _exit(BL_EXIT_BASE + BL_STEP_REPLY);
  }
  _exit(0);
}
