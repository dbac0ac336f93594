// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0

#include "launcher.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "berth_socket.h"
#include "serve.h"

struct server server = {
    .cgroup_base = "berth",
    .first_uid = 1000,
    .last_uid = UINT32_MAX - 1,
    .host_mounts = -1,
    .own_mounts = -1,
    .proc = -1,
    .memfd_sysctl = -1,
};

static struct job job; // static: a worker serves exactly one

const char *text(const struct job *job, uint32_t offset) {
  return offset < job->request.pool_size ? job->request.pool + offset : "";
}

static void prepare(void) {
  for (size_t i = 0; i < BL_REQUEST_FDS; i++) job.fds[i] = -1;
  for (size_t i = 0; i < BL_MAX_MOUNTS; i++) job.sources[i] = -1;
  for (size_t i = 0; i < V1_HIERARCHIES; i++) job.v1_tasks[i] = -1;
  job.cgroup = job.pidfd = job.network = job.ruleset = -1;
}

void worker_warm_up(void) { memset(&job, 0, sizeof job); }

static _Noreturn void done(enum bl_step step, int result, const char *detail) {
  if (result < 0) die(&job, step, detail);
  struct bl_reply reply = {.magic = BL_MAGIC, .version = BL_VERSION};
  answer(&job, &reply, -1);
}

void serve_one(int socket) {
  prepare();
  daemon_socket = socket;
  int count = BL_REQUEST_FDS;
  ssize_t size = berth_receive_descriptors(socket, &job.request, sizeof job.request, job.fds, &count);
  if (size == 0) _exit(0); // the daemon changed its mind
  if (size < 0) die_with(&job, BL_STEP_REQUEST, (int)-size, "receive");
  const char *wrong = validate(&job, size, count);
  if (wrong) {
    job.request.pool_size = 0;
    die_with(&job, BL_STEP_REQUEST, EINVAL, wrong);
  }
  const char *scope = text(&job, job.request.scope), *instance = text(&job, job.request.instance);
  switch ((enum bl_op)job.request.op) {
    case BL_OP_SPAWN: spawn(&job);
    case BL_OP_KILL: done(BL_STEP_KILL, cgroup_remove(scope, instance), instance);
    case BL_OP_SWEEP: done(BL_STEP_KILL, cgroup_sweep(scope), scope);
    case BL_OP_BROKER: broker(&job);
    case BL_OP_PROBE: break;
  }
  struct bl_reply reply = {.magic = BL_MAGIC, .version = BL_VERSION};
  reply.layers = machine_layers(geteuid() != 0);
  reply.landlock_abi = landlock_probe();
  reply.broker_kinds = broker_kinds();
  answer(&job, &reply, -1);
}

static _Noreturn void usage(const char *problem) {
  dprintf(2,
          "berth-launcher: %s\n"
          "usage: berth-launcher                       one request on descriptor 0 (started by berthd)\n"
          "       berth-launcher --server SOCKET [--client-uid UID | --client-owner DIRECTORY] [--cgroup PATH]\n"
          "                      [--uids FIRST-LAST] [--writable DIRECTORY]...\n",
          problem);
  _exit(64);
}

static void parse(int argc, char **argv) {
  for (int i = 1; i < argc; i += 2) {
    const char *option = argv[i], *value = argv[i + 1];
    if (!value) usage("an option lacks its value");
    if (strcmp(option, "--server") == 0) {
      server.socket_path = value;
    } else if (strcmp(option, "--client-uid") == 0) {
      server.client = (uid_t)strtoul(value, NULL, 10);
    } else if (strcmp(option, "--client-owner") == 0) {
      struct stat owner;
      if (stat(value, &owner) < 0) usage("--client-owner wants a directory that exists");
      server.client = owner.st_uid;
    } else if (strcmp(option, "--cgroup") == 0) {
      server.cgroup_base = value;
    } else if (strcmp(option, "--uids") == 0) {
      if (sscanf(value, "%u-%u", &server.first_uid, &server.last_uid) != 2 || server.first_uid < 1000 ||
          server.last_uid < server.first_uid) {
        usage("--uids wants FIRST-LAST, 1000 or above");
      }
    } else if (strcmp(option, "--writable") == 0) {
      if (server.writable_count == 16 || value[0] != '/') usage("at most 16 --writable, absolute");
      server.writable[server.writable_count++] = value;
    } else {
      usage("unknown option");
    }
  }
}

int main(int argc, char **argv) {
  signal(SIGPIPE, SIG_IGN);
  parse(argc, argv);
  prepare();
  if (syscall(SYS_close_range, 3u, ~0u, 0u) < 0) _exit(BL_EXIT_BASE + BL_STEP_CLOSE); // whatever the caller leaked
  daemon_socket = 0;
  if (!server.socket_path) {
    // The standard numbers must stay taken, or a later descriptor would land on them and be overwritten.
    daemon_socket = fcntl(0, F_DUPFD_CLOEXEC, 3);
    if (daemon_socket < 0 || dup2(1, 0) < 0) _exit(BL_EXIT_BASE + BL_STEP_REQUEST);
  }
  if (prctl(PR_SET_DUMPABLE, geteuid() == 0 ? 0 : 1, 0, 0, 0) < 0) die(&job, BL_STEP_PRIVILEGE, "dumpable");
  server.proc = open("/proc", O_PATH | O_DIRECTORY | O_CLOEXEC);
  if (server.proc < 0) die(&job, BL_STEP_PRIVILEGE, "/proc");
  if (server.socket_path) find_own_namespaces(&job);
  broker_find();
  server.memfd_sysctl = open("/proc/sys/vm/memfd_noexec", O_WRONLY | O_CLOEXEC);
  if (server.memfd_sysctl < 0 && errno != ENOENT && errno != EACCES) die(&job, BL_STEP_MEMFD, "vm.memfd_noexec");
  if (server.socket_path) serve();
  serve_one(daemon_socket);
}
