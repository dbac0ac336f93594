// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0

// Programs: the storage tools of this worker's own operations, and the administrator's argument templates.

#include "broker.h"

#include <fcntl.h>
#include <linux/capability.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

static const char *const environment[] = {"PATH=/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL=C", "HOME=/",
                                          "LVM_SUPPRESS_FD_WARNINGS=1", NULL};

// Root's own program, which nobody else can replace.
static int open_program(const char *path) {
  int fd = open(path, O_RDONLY | O_CLOEXEC);
  struct stat status;
  if (fd < 0) return -1;
  if (fstat(fd, &status) < 0) fail("%s", path);
  if (!S_ISREG(status.st_mode) || status.st_uid != 0 || (status.st_mode & 022)) {
    fail_with(EPERM, "%s could be replaced by others than root", path);
  }
  close(fd);
  return 0;
}

void wait_for(pid_t pid) {
  int status;
  while (waitpid(pid, &status, 0) < 0) {
    if (errno != EINTR) fail("waiting for the program");
  }
  reply.status = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

const char *find_program(const char *const *candidates) {
  for (int i = 0; candidates[i]; i++) {
    if (open_program(candidates[i]) == 0) return candidates[i];
  }
  return NULL;
}

void run(const char *const *candidates, const char *const argv[]) {
  const char *path = find_program(candidates);
  if (!path) fail_with(ENOPKG, "%s is not installed", candidates[0]);
  pid_t pid = fork();
  if (pid < 0) fail("fork");
  if (pid == 0) {
    execve(path, (char *const *)argv, (char *const *)environment);
    _exit(127);
  }
  wait_for(pid);
}

// The plugin's own user, nothing of root: what it lends is the host's view, not its power.
static void become_plugin(void) {
  if (setresgid(request.gid, request.gid, request.gid) < 0) _exit(126);
  for (int capability = 0; capability < 64; capability++) {
    if (prctl(PR_CAPBSET_DROP, capability, 0, 0, 0) < 0) break;
  }
  if (setresuid(request.uid, request.uid, request.uid) < 0) _exit(126);
  struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
  struct __user_cap_data_struct none[2] = {{0}};
  if (syscall(SYS_capset, &header, none) < 0) _exit(126);
}

void op_exec(void) {
  check_plugin();
  if (request.arg_count < 1) fail_with(EINVAL, "arguments");
  const char *argv[BB_MAX_ARGS + 1] = {NULL};
  for (unsigned i = 0; i < request.arg_count; i++) argv[i] = text(request.args[i]);
  if (argv[0][0] != '/' || strstr(argv[0], "..")) fail_with(EINVAL, "program");
  if (open_program(argv[0]) < 0) fail("%s", argv[0]);
  pid_t pid = fork();
  if (pid < 0) fail("fork");
  if (pid == 0) {
    become_plugin();
    execve(argv[0], (char *const *)argv, (char *const *)environment);
    _exit(127);
  }
  wait_for(pid);
}
