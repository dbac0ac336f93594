// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0

// The long-lived form: a worker process accepts a connection, checks who asks and serves that one request. A request that
// crashes or hangs (a dead network mount) costs a worker, never the server. One worker waits ahead; while none does, the
// server accepts and forks.

#include "serve.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "berth_socket.h"
#include "launcher.h"

enum { WORKERS = 64, WORKER_SECONDS = 120, RESTOCK_MS = 1, PATIENCE_MS = 20 };
static pid_t workers[WORKERS];
static pid_t spare;       // the worker that waits for a connection, 0 when none does; it is among the workers
static int taken[2];      // a pipe: a spare that has met its connection says its pid
static pid_t stocker;     // makes a kit
static bool stock_fails; // the last one could not: not tried again before the next request

static _Noreturn void give_up(const char *what) {
  dprintf(2, "berth-launcher: %s: %s\n", what, strerror(errno));
  _exit(1);
}

// The name appears once the socket answers, so that nobody meets a name without a server.
static int listen_at(const char *path) {
  struct sockaddr_un address = {.sun_family = AF_UNIX};
  if (strlen(path) + 5 > sizeof address.sun_path) {
    errno = ENAMETOOLONG;
    give_up(path);
  }
  format(address.sun_path, sizeof address.sun_path, "%s.new", path);
  unlink(address.sun_path);
  int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
  umask(0117);
  if (fd < 0 || bind(fd, (struct sockaddr *)&address, sizeof address) < 0 || listen(fd, 64) < 0) give_up(path);
  // Without CAP_CHOWN (as a unit) the socket's group lets the client in; who asks is looked at for each request anyway.
  if (server.client && chown(address.sun_path, server.client, (gid_t)-1) < 0 && errno != EPERM) give_up(path);
  if (rename(address.sun_path, path) < 0) give_up(path);
  umask(077);
  return fd;
}

// Collects workers and ended sandboxes (which are our children as well, see CLONE_PARENT).
static void collect(void) {
  int status;
  for (pid_t pid; (pid = waitpid(-1, &status, WNOHANG)) > 0;) {
    for (int i = 0; i < WORKERS; i++) {
      if (workers[i] == pid) workers[i] = 0;
    }
    if (spare == pid) spare = 0;
    if (stocker != pid) continue;
    stocker = 0;
    stock_fails = status != 0;
  }
}

static void refuse(int connection, int error, const char *why) {
  struct bl_reply refusal = {.magic = BL_MAGIC, .version = BL_VERSION, .step = BL_STEP_PRIVILEGE, .error = error};
  format(refusal.detail, sizeof refusal.detail, "%s", why);
  berth_send_descriptors(connection, &refusal, sizeof refusal, NULL, 0);
}

static bool may_ask(int connection) {
  struct berth_credentials peer;
  bool known = berth_peer_credentials(connection, &peer) == 0 && (peer.uid == 0 || peer.uid == server.client);
  if (!known) refuse(connection, EPERM, "this user may not ask");
  return known;
}

static int free_slot(void) {
  int slot = 0;
  while (slot < WORKERS && workers[slot]) slot++;
  return slot;
}

static void become_worker(int signals) {
  sigset_t none;
  sigemptyset(&none);
  sigprocmask(SIG_SETMASK, &none, NULL);
  close(signals);
}

static _Noreturn void work(int connection, int listener) {
  close(listener);
  close(taken[0]);
  close(taken[1]);
  alarm(WORKER_SECONDS);
  serve_one(connection);
}

static void start_worker(int connection, int listener, int signals) {
  if (!may_ask(connection)) return;
  int slot = free_slot();
  if (slot == WORKERS) return refuse(connection, EAGAIN, "all workers are busy");
  pid_t pid = fork();
  if (pid == 0) {
    become_worker(signals);
    work(connection, listener);
  }
  if (pid > 0) workers[slot] = pid;
}

// While it waits it ends with the server, whose socket it would keep alive; with a request it goes on, like any worker.
static _Noreturn void wait_for_work(pid_t parent, int listener, int signals) {
  become_worker(signals);
  if (prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0) < 0 || getppid() != parent) _exit(1);
  worker_warm_up();
  for (;;) {
    int connection = berth_accept(listener);
    if (connection < 0) _exit(1);
    pid_t own = getpid();
    if (may_ask(connection)) {
      if (prctl(PR_SET_PDEATHSIG, 0, 0, 0, 0) < 0 || write(taken[1], &own, sizeof own) != sizeof own) _exit(1);
      work(connection, listener);
    }
    close(connection);
  }
}

static void start_spare(int listener, int signals) {
  int slot = free_slot();
  if (spare || slot == WORKERS) return;
  pid_t parent = getpid(), pid = fork();
  if (pid == 0) wait_for_work(parent, listener, signals);
  if (pid > 0) spare = workers[slot] = pid;
}

// Makes the next kit in a process of its own; not at a low priority, for it holds the kernel's network lock for a while.
static void restock(void) {
  if (stocker || stock_fails || kit_count() >= KITS) return;
  pid_t pid = fork();
  if (pid == 0) {
    alarm(WORKER_SECONDS);
    kit_make();
  }
  stocker = pid > 0 ? pid : 0;
}

static bool is_serving(void) {
  for (int i = 0; i < WORKERS; i++) {
    if (workers[i] && workers[i] != spare) return true;
  }
  return false;
}

static int64_t now_ms(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return now.tv_sec * 1000ll + now.tv_nsec / 1000000;
}

void serve(void) {
  if (geteuid() != 0) {
    errno = EPERM;
    give_up("the server needs root");
  }
  sigset_t watched;
  sigemptyset(&watched);
  sigaddset(&watched, SIGCHLD);
  sigaddset(&watched, SIGTERM);
  sigaddset(&watched, SIGINT);
  sigprocmask(SIG_BLOCK, &watched, NULL);
  int signals = signalfd(-1, &watched, SFD_CLOEXEC | SFD_NONBLOCK);
  if (signals < 0) give_up("signalfd");
  int listener = listen_at(server.socket_path);
  cgroup_open_hierarchies();
  cgroup_adopt_self();
  daemon_socket = 2; // a failure while entering the namespace shows as the exit status
  enter_small_namespace();
  kit_open_shelf();
  if (pipe2(taken, O_CLOEXEC | O_NONBLOCK) < 0) give_up("pipe");
  // When to look at the stock: a start comes first, so a moment after the last worker has ended, or in the end all the same.
  for (int64_t due = 0, latest = 0;;) {
    struct pollfd fds[] = {{.fd = spare ? -1 : listener, .events = POLLIN},
                           {.fd = signals, .events = POLLIN},
                           {.fd = taken[0], .events = POLLIN}};
    int64_t left = due < 0 ? -1 : due - now_ms();
    int ready = poll(fds, 3, due < 0 ? -1 : left > 0 ? (int)left : 0);
    if (ready < 0 && errno != EINTR) give_up("poll");
    if (ready == 0) {
      start_spare(listener, signals);
      restock();
      due = -1;
      continue;
    }
    if (due < 0) due = latest = now_ms() + PATIENCE_MS;
    struct signalfd_siginfo information;
    while (read(signals, &information, sizeof information) == (ssize_t)sizeof information) {
      if (information.ssi_signo != SIGCHLD) _exit(0); // plugins go on: they belong to the daemon
    }
    for (pid_t pid; read(taken[0], &pid, sizeof pid) == sizeof pid;) {
      if (pid == spare) spare = 0;
      stock_fails = false;
    }
    collect();
    int connection = fds[0].revents & POLLIN ? berth_accept(listener) : -1;
    if (connection >= 0) {
      start_worker(connection, listener, signals);
      stock_fails = false;
      close(connection);
    }
    int64_t soon = now_ms() + RESTOCK_MS;
    due = is_serving() ? latest : soon < due ? soon : due;
  }
}
