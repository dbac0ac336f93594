// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0

// Pid 1 of the sandbox. It reaps, passes signals from the daemon to the plugin, tells how the plugin ended, and ends the
// sandbox (the kernel kills what is left in its pid namespace) when the plugin ends or the daemon is gone.

#include "launcher.h"

#include <fcntl.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <poll.h>
#include <signal.h>
#include <stddef.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/statfs.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#if defined(__x86_64__)
#define NATIVE_ARCH AUDIT_ARCH_X86_64
#elif defined(__aarch64__)
#define NATIVE_ARCH AUDIT_ARCH_AARCH64
#else
#error "this architecture is not supported"
#endif

#define ALLOW(nr) BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (nr), 0, 1), BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW)

// What the loop below needs and nothing else; anything more is the sign of a taken-over reaper.
static int confine_reaper(void) {
  struct sock_filter code[] = {
      BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, arch)),
      BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, NATIVE_ARCH, 1, 0),
      BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_KILL_PROCESS),
      BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
      ALLOW(SYS_read), ALLOW(SYS_write), ALLOW(SYS_ppoll), ALLOW(SYS_wait4), ALLOW(SYS_kill), ALLOW(SYS_exit_group),
      ALLOW(SYS_rt_sigreturn), ALLOW(SYS_restart_syscall), ALLOW(SYS_fstatfs),
#ifdef SYS_poll
      ALLOW(SYS_poll),
#endif
      BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_KILL_PROCESS),
  };
  struct sock_fprog program = {.len = sizeof code / sizeof *code, .filter = code};
  return (int)syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &program);
}

// Whether a file system has no room to speak of: less than one part in 16 (a small ext4 refuses bytes while it still
// counts a twentieth as free), or no file more.
static bool is_full(int place) {
  struct statfs info;
  return fstatfs(place, &info) == 0 && (info.f_bavail < (info.f_blocks + 15) / 16 || (info.f_files && !info.f_ffree));
}

void reap(struct job *job, pid_t plugin, int gate) {
  sigset_t child;
  sigemptyset(&child);
  sigaddset(&child, SIGCHLD);
  int children = signalfd(-1, &child, SFD_CLOEXEC);
  int control = job->fds[BL_FD_CONTROL];
  prctl(PR_SET_NAME, "berth-init", 0, 0, 0);
  if (children < 0) die(job, BL_STEP_FORK, "reaper signals");
  // Few descriptors stay: the plugin's pipes and the status socket must reach their end when the plugin ends.
  if (dup2(control, 0) < 0 || dup2(children, 1) < 0 || dup2(gate, 2) < 0) die(job, BL_STEP_FORK, "reaper descriptors");
  if (syscall(SYS_close_range, 3u, ~0u, 0u) < 0) die(job, BL_STEP_CLOSE, "reaper descriptors");
  // Not every plugin has them; what is not there is not full.
  int state = open("/state", O_PATH | O_DIRECTORY | O_CLOEXEC), temporary = open("/tmp", O_PATH | O_DIRECTORY | O_CLOEXEC);
  if (confine_reaper() < 0 || write(2, "", 1) != 1) _exit(BL_EXIT_BASE + BL_STEP_SECCOMP);
  for (;;) {
    struct pollfd fds[] = {{.fd = 0, .events = POLLIN}, {.fd = 1, .events = POLLIN}};
    if (poll(fds, 2, -1) < 0 && errno != EINTR) _exit(BL_EXIT_BASE + BL_STEP_NONE);
    if (fds[0].revents) {
      unsigned char signal;
      ssize_t got = read(0, &signal, 1);
      if (got == 0 || (got < 0 && errno != EINTR)) _exit(BL_EXIT_BASE + BL_STEP_KILL);
      if (got == 1 && signal > 0 && signal < 64) kill(plugin, signal);
    }
    struct signalfd_siginfo information;
    if (fds[1].revents && read(1, &information, sizeof information) < 0) continue;
    int status;
    for (pid_t pid; (pid = wait4(-1, &status, WNOHANG, NULL)) > 0;) {
      if (pid != plugin) continue;
      struct bl_exit end = {.magic = BL_MAGIC, .status = status};
      end.full = (is_full(state) ? BL_FULL_STATE : 0) | (is_full(temporary) ? BL_FULL_TMP : 0);
      _exit(write(0, &end, sizeof end) == (ssize_t)sizeof end ? 0 : BL_EXIT_BASE + BL_STEP_REPLY);
    }
  }
}
