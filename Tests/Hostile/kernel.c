// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0

#include "hostile.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <linux/sched.h>
#include <linux/seccomp.h>
#include <mqueue.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/ipc.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/msg.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/sem.h>
#include <sys/shm.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

extern char **environ;

static long settle(long pid) {
  if (pid == 0) _exit(0);
  if (pid < 0) return -1;
  waitpid((pid_t)pid, NULL, __WALL);
  return 0;
}

long clone_with(unsigned long flags) { return settle(syscall(SYS_clone, flags | SIGCHLD, NULL, NULL, NULL, 0)); }

long clone3_with(unsigned long flags) {
  struct clone_args arguments = {.flags = flags, .exit_signal = SIGCHLD};
  return settle(syscall(SYS_clone3, &arguments, sizeof arguments));
}

// A call through the 32-bit table, where numbers and checks differ.
long old_call(long number, long argument) {
#if defined(__x86_64__)
  long result;
  __asm__ volatile("int $0x80" : "=a"(result) : "a"(number), "b"(argument), "c"(0l), "d"(0l) : "memory", "r8", "r9", "r10", "r11");
  int code = (int)result;
  return code < 0 ? refused(-code) : 0;
#else
  (void)number, (void)argument;
  return refused(ENOSYS);
#endif
}

long x32_call(void) { return syscall(SYS_getpid | 0x40000000); }

long connect_tcp(const char *address, int port) {
  struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
  inet_pton(AF_INET, address, &to.sin_addr);
  int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  return fd < 0 ? -1 : connect(fd, (struct sockaddr *)&to, sizeof to);
}

long send_udp(void) {
  struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons((uint16_t)target_number("udp_port"))};
  to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  return fd < 0 ? -1 : sendto(fd, "secret", 6, 0, (struct sockaddr *)&to, sizeof to);
}

long connect_unix(const char *path, int abstract) {
  struct sockaddr_un to = {.sun_family = AF_UNIX};
  size_t length = strlen(path);
  memcpy(to.sun_path + abstract, path, length);
  int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  socklen_t size = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + length + 1);
  return fd < 0 ? -1 : connect(fd, (struct sockaddr *)&to, size);
}

long socket_of(int family, int type, int protocol) { return socket(family, type | SOCK_CLOEXEC, protocol); }

long attach_to(long pid, int how) {
  long result = ptrace((enum __ptrace_request)how, (pid_t)pid, NULL, NULL);
  if (result < 0) return -1;
  int status;
  if (how == PTRACE_SEIZE) ptrace(PTRACE_INTERRUPT, (pid_t)pid, NULL, NULL);
  waitpid((pid_t)pid, &status, __WALL);
  return ptrace(PTRACE_DETACH, (pid_t)pid, NULL, NULL);
}

long read_memory_of(long pid, int write) {
  // The stack of the victim's first page above its start; any readable address does, ours has the same layout without
  // address randomisation, and EFAULT still proves that access was granted.
  char byte = 0;
  struct iovec here = {&byte, 1}, there = {&byte, 1};
  long result = syscall(write ? SYS_process_vm_writev : SYS_process_vm_readv, pid, &here, 1, &there, 1, 0);
  return result < 0 && errno == EFAULT ? 0 : result;
}

long listener_filter(void) {
  struct sock_filter allow = BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW);
  struct sock_fprog program = {.len = 1, .filter = &allow};
  prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
  return syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, SECCOMP_FILTER_FLAG_NEW_LISTENER, &program);
}

// The host leaks descriptors into this program on purpose (a directory of the host, and ones not marked close-on-exec).
long find_descriptors(void) {
  for (int fd = 3; fd < 1024; fd++) {
    struct stat status;
    // The report pipe of this test program is a pipe; anything else was leaked.
    if (fstat(fd, &status) == 0 && !S_ISFIFO(status.st_mode)) return 0;
  }
  return refused(ENOENT);
}

long find_environment(void) {
  for (char **entry = environ; *entry; entry++) {
    if (strstr(*entry, "CANARY")) return 0;
  }
  return refused(ENOENT);
}

long many_processes(void) {
  int made = 0, error = 0;
  pid_t children[400];
  for (; made < 400; made++) {
    pid_t pid = fork();
    if (pid == 0) {
      pause();
      _exit(0);
    }
    if (pid < 0) {
      error = errno;
      break;
    }
    children[made] = pid;
  }
  for (int i = 0; i < made; i++) kill(children[i], SIGKILL);
  for (int i = 0; i < made; i++) waitpid(children[i], NULL, 0);
  return error ? refused(error) : 0;
}

long many_descriptors(void) {
  for (int i = 0; i < 900; i++) {
    if (dup(1) < 0) return -1;
  }
  return 0;
}

long much_memory(void) {
  for (int i = 0; i < 40; i++) {
    char *part = mmap(NULL, 16 << 20, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (part == MAP_FAILED) return -1;
    for (size_t j = 0; j < 16 << 20; j += 4096) part[j] = 1;
  }
  return 0;
}

long shared_object(const char *kind) {
  key_t key = (key_t)target_number("ipc_key");
  if (strcmp(kind, "shm") == 0) return shmget(key, 0, 0);
  if (strcmp(kind, "msg") == 0) return msgget(key, 0);
  if (strcmp(kind, "sem") == 0) return semget(key, 0, 0);
  if (strcmp(kind, "mq") == 0) return mq_open(target("mq_name"), O_RDONLY);
  return shm_open(target("shm_name"), O_RDONLY, 0);
}

// On a pipe the kernel answers ENOTTY, when it gets to answer.
long terminal_request(unsigned long request) {
  char byte = 'x';
  return syscall(SYS_ioctl, 0, request, &byte);
}

long load_device_node(void) {
  char path[64];
  snprintf(path, sizeof path, "/tmp/node-%d", getpid());
  if (mknod(path, S_IFCHR | 0600, makedev(1, 1)) < 0) return -1;
  return unlink(path);
}

// A pipe's file system cannot be frozen, which the kernel says only to those who might: EOPNOTSUPP outside.
long freeze_pipes(void) {
  int ends[2];
  if (pipe(ends) < 0) return refused(EINVAL);
  return ioctl(ends[0], 0xC0045877, 0); // FIFREEZE
}

// A file system whose server never answers puts whoever looks at it to sleep.
long mount_fuse(void) {
  char options[96];
  int fd = open("/dev/fuse", O_RDWR | O_CLOEXEC);
  if (fd < 0) return -1;
  snprintf(options, sizeof options, "fd=%d,rootmode=40000,user_id=%d,group_id=%d", fd, getuid(), getgid());
  if (mount("hostile", "/tmp", "fuse", 0, options) < 0) return -1;
  close(fd); // ends the connection, so that nobody waits
  return umount2("/tmp", MNT_DETACH);
}

long connect_packets(const char *path) {
  struct sockaddr_un to = {.sun_family = AF_UNIX};
  strncpy(to.sun_path, path, sizeof to.sun_path - 1);
  int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
  return fd < 0 ? -1 : connect(fd, (struct sockaddr *)&to, sizeof to);
}

long send_datagram(const char *path) {
  struct sockaddr_un to = {.sun_family = AF_UNIX};
  strncpy(to.sun_path, path, sizeof to.sun_path - 1);
  int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  const char record[] = "<2>berthd: all is well\n\x1b[2J";
  return fd < 0 ? -1 : sendto(fd, record, sizeof record, MSG_DONTWAIT, (struct sockaddr *)&to, sizeof to);
}
