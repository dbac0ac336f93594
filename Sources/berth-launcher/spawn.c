// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0

// The order of everything. The worker prepares what needs its privileges and clones into the new namespaces; the clone
// (pid 1) builds the plugin's world, beside it the worker makes what that waits for at its end, and then waits itself; pid
// 1 becomes the reaper; its child (pid 2) takes the last steps and executes.

#include "launcher.h"

#include <fcntl.h>
#include <linux/sched.h>
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#ifndef CLONE_INTO_CGROUP
#define CLONE_INTO_CGROUP 0x200000000ull
#endif
#ifndef PR_SET_MDWE
#define PR_SET_MDWE 65
#define PR_GET_MDWE 66
#endif

// Whoever only passes something on is to run when it wakes, not when the plugin that runs there has had its turn: a short
// slice goes before a long one (Linux 6.12; others ignore it).
static void hurry(void) {
  struct { // sched_attr; its header clashes with musl's
    uint32_t size, policy;
    uint64_t flags;
    int32_t nice;
    uint32_t priority;
    uint64_t runtime, deadline, period; // ns
  } attributes = {.size = sizeof attributes, .runtime = 100000};
  syscall(SYS_sched_setattr, 0, &attributes, 0u);
}

static void restrict_memory(struct job *job) {
  if (job->request.flags & BL_F_JIT) return;
  if (prctl(PR_SET_MDWE, 1ul, 0ul, 0ul, 0ul) == 0) {
    job->layers |= BL_L_MDWE;
  } else if (errno != EINVAL) { // EINVAL: a kernel before 6.3
    die(job, BL_STEP_MDWE, "prctl");
  }
}

static void check_layers(struct job *job) {
  uint32_t present = job->layers | BL_L_SECCOMP;
  uint32_t waived = 0;
  if (job->request.flags & BL_F_JIT) waived |= BL_L_MDWE;
  if (job->request.flags & BL_F_NET_HOST) waived |= BL_L_NET;
  if (job->request.required & ~present & ~waived) die_with(job, BL_STEP_LAYERS, ENOTSUP, "a required layer is missing");
}

// Pid 2, from its birth to the plugin's first instruction.
static _Noreturn void become_plugin(struct job *job, int gate) {
  const struct bl_request *r = &job->request;
  char *arguments[BL_MAX_ARGS + 1], *environment[BL_MAX_ENV + 1];
  for (unsigned i = 0; i < r->arg_count; i++) arguments[i] = (char *)text(job, r->args[i]);
  arguments[r->arg_count] = NULL;
  for (unsigned i = 0; i < r->env_count; i++) environment[i] = (char *)text(job, r->env[i]);
  environment[r->env_count] = NULL;
  sigset_t none;
  sigemptyset(&none);
  if (sigprocmask(SIG_SETMASK, &none, NULL) < 0) die(job, BL_STEP_SESSION, "signal mask");
  if (setsid() < 0) die(job, BL_STEP_SESSION, "setsid");
  for (int i = 0; i < 3; i++) {
    if (dup2(job->fds[i], i) < 0) die(job, BL_STEP_STDIO, "dup2");
  }
  open_own_descriptors(job);
  restrict_with_landlock(job);
  restrict_memory(job);
  if (syscall(SYS_close_range, 3u, ~0u, CLOSE_RANGE_CLOEXEC) < 0) die(job, BL_STEP_CLOSE, "close_range");
  read_own_state(job);
  check_layers(job);
  job->layers |= BL_L_SECCOMP;
  bool learn = r->flags & BL_F_LEARN;
  char byte;
  // The reaper failed; the report that is missing then says so, hence it comes after.
  if (read(gate, &byte, 1) != 1) _exit(BL_EXIT_BASE + BL_STEP_FORK);
  if (!learn) report_layers(job, -1);
  int notify = load_filter(job);
  if (learn) report_layers(job, notify);
  execve(text(job, r->executable), arguments, environment);
  die(job, BL_STEP_EXEC, text(job, r->executable));
}

// What only the set-up needed goes before the plugin's process is made, which then has less to copy and to look through.
static void close_tools(struct job *job) {
  int kept[7 + BL_MAX_ENDPOINTS] = {server.proc, status_socket, job->ruleset, job->fds[BL_FD_CONTROL]}, count = 4;
  for (int i = 0; i < 3; i++) kept[count++] = job->fds[i];
  for (int i = 0; i < job->listener_count; i++) kept[count++] = job->listeners[i];
  if (close_all_but(kept, count) < 0) die(job, BL_STEP_CLOSE, "tools");
}

// Of a server's children each has a session of its own. In exec mode the launcher has one, and they stay in its process
// group: by that the daemon, whose children they are, finds them when the launcher dies before it has told of them.
void enter_session(struct job *job) {
  if (server.socket_path && setsid() < 0) die(job, BL_STEP_SESSION, "setsid");
}

// Pid 1, from the clone to the reaper.
static _Noreturn void become_init(struct job *job) {
  const struct bl_request *r = &job->request;
  char byte;
  if (r->flags & BL_F_USERNS) {
    if (read(status_socket, &byte, 1) != 1) _exit(BL_EXIT_BASE + BL_STEP_USERMAP);
    job->layers |= BL_L_USERNS;
    open_sources(job);
  }
  if (server.memfd_sysctl >= 0 && !(r->flags & BL_F_USERNS)) {
    if (write(server.memfd_sysctl, "2", 1) != 1) die(job, BL_STEP_MEMFD, "vm.memfd_noexec");
    job->layers |= BL_L_MEMFD;
  }
  if (sethostname("plugin", 6) < 0) die(job, BL_STEP_HOSTNAME, "sethostname");
  build_root(job);
  prepare_landlock(job);
  // Last what is made meanwhile.
  kit_enter_network(job);
  network_set_up(job);
  if (!(r->flags & BL_F_USERNS)) cgroup_receive_v1(job);
  cgroup_join(job);
  if (unshare(CLONE_NEWCGROUP) < 0) die(job, BL_STEP_CGROUPNS, "unshare");
  job->layers |= BL_L_CGROUPNS;
  close_tools(job);
  enter_session(job);
  limit_resources(job);
  drop_privileges(job);
  sigset_t child;
  sigemptyset(&child);
  sigaddset(&child, SIGCHLD);
  if (sigprocmask(SIG_BLOCK, &child, NULL) < 0) die(job, BL_STEP_FORK, "signal mask");
  int gate[2];
  if (pipe2(gate, O_CLOEXEC) < 0) die(job, BL_STEP_FORK, "pipe");
  pid_t plugin = (pid_t)syscall(SYS_clone, SIGCHLD, NULL, NULL, NULL, 0);
  if (plugin < 0) die(job, BL_STEP_FORK, "clone");
  if (plugin == 0) become_plugin(job, gate[0]);
  reap(job, plugin, gate[1]);
}

static void map_user(struct job *job, int status) {
  char name[64], line[64];
  int pid = job->pid;
  if (write_at(server.proc, format(name, sizeof name, "%d/setgroups", pid), "deny") < 0) {
    die(job, BL_STEP_USERMAP, "setgroups");
  }
  format(line, sizeof line, "%u %u 1\n", job->request.uid, job->request.uid);
  if (write_at(server.proc, format(name, sizeof name, "%d/uid_map", pid), line) < 0) die(job, BL_STEP_USERMAP, "uid_map");
  format(line, sizeof line, "%u %u 1\n", job->request.gid, job->request.gid);
  if (write_at(server.proc, format(name, sizeof name, "%d/gid_map", pid), line) < 0) die(job, BL_STEP_USERMAP, "gid_map");
  if (write(status, "", 1) != 1) die(job, BL_STEP_USERMAP, "go");
}

void spawn(struct job *job) {
  const struct bl_request *r = &job->request;
  bool user_namespace = r->flags & BL_F_USERNS;
  if (!user_namespace && geteuid() != 0) die_with(job, BL_STEP_PRIVILEGE, EPERM, "the privileged mode needs root");
  network_check(job);
  read_filter(job);
  if (!user_namespace) {
    kit_take(job);
    cgroup_create(job);
    open_sources(job);
  }
  int status[2];
  if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, status) < 0) die(job, BL_STEP_CLONE, "status socket");
  uint64_t namespaces = CLONE_NEWPID | kit_enter(job);
  if (user_namespace) namespaces |= CLONE_NEWUSER;
  struct clone_args arguments = {
      .flags = CLONE_PIDFD | CLONE_PARENT | namespaces, // the daemon (or the server) is to reap it
      .pidfd = (uint64_t)(uintptr_t)&job->pidfd,
  };
  if (job->cgroup >= 0) {
    arguments.flags |= CLONE_INTO_CGROUP;
    arguments.cgroup = (uint64_t)job->cgroup;
  }
  job->layers |= BL_L_MNT | BL_L_PID | BL_L_IPC | BL_L_UTS | (r->flags & BL_F_NET_HOST ? 0 : BL_L_NET);
  long pid = syscall(SYS_clone3, &arguments, sizeof arguments);
  if (pid < 0) die(job, BL_STEP_CLONE, "clone3");
  if (pid == 0) {
    status_socket = status[1];
    close(status[0]);
    close(daemon_socket);
    become_init(job);
  }
  job->pid = (pid_t)pid;
  hurry();
  close(status[1]);
  kit_close(job);
  for (int i = 0; i < BL_FD_FILTER; i++) close(job->fds[i]);
  if (user_namespace) {
    map_user(job, status[0]);
  } else {
    cgroup_create_v1(job);
    cgroup_send_v1(job, status[0]);
  }
  if (!server.socket_path) find_own_namespaces(job);
  struct bl_reply reply;
  int notify = -1;
  await_status(job, status[0], &reply, &notify);
  memcpy(reply.seen.outside, server.namespaces, sizeof reply.seen.outside);
  kit_settle(job);
  answer(job, &reply, notify);
}

// The layers this machine can put in force, as far as that shows without starting anything.
uint32_t machine_layers(bool user_namespace) {
  uint32_t layers = BL_L_CAPS | BL_L_NNP | BL_L_MNT | BL_L_PID | BL_L_NET | BL_L_IPC | BL_L_UTS | BL_L_CGROUPNS |
                    BL_L_SECCOMP | BL_L_RLIMITS;
  if (landlock_probe() > 0) layers |= BL_L_LANDLOCK;
  if (prctl(PR_GET_MDWE, 0ul, 0ul, 0ul, 0ul) >= 0) layers |= BL_L_MDWE;
  if (user_namespace) return layers | BL_L_USERNS;
  cgroup_open_hierarchies();
  return layers | BL_L_UID | cgroup_layers() | (server.memfd_sysctl >= 0 ? BL_L_MEMFD : 0);
}
