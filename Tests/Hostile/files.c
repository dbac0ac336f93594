// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0

#include "hostile.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <sys/wait.h>
#include <sys/xattr.h>
#include <unistd.h>

// Reads a file; an escape only when it holds the forbidden text (NULL: when it can be read at all).
long read_file(const char *path, const char *forbidden) {
  static char content[65536];
  int fd = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
  if (fd < 0) return -1;
  ssize_t size = read(fd, content, sizeof content - 1);
  if (size < 0) return -1;
  content[size] = 0;
  if (!forbidden) return 0;
  return memmem(content, (size_t)size, forbidden, strlen(forbidden)) ? 0 : refused(ENOENT);
}

long open_for_writing(const char *path) { return open(path, O_WRONLY | O_NONBLOCK | O_CLOEXEC); }

long create_in(const char *directory) {
  char path[512];
  snprintf(path, sizeof path, "%s/berth-hostile-%d", directory, getpid());
  int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
  if (fd < 0) return -1;
  unlink(path);
  return 0;
}

long replace_in_bundle(const char *name) {
  char path[512], copy[512];
  snprintf(path, sizeof path, "%s/%s", target("plugin"), name);
  snprintf(copy, sizeof copy, "%s/%s.new", target("plugin"), name);
  int fd = open(copy, O_WRONLY | O_CREAT | O_CLOEXEC, 0700);
  if (fd < 0) return -1;
  return rename(copy, path);
}

// Runs a program and returns 0 when it exits with 0.
static long run(const char *path, int fd, const char *argument) {
  pid_t pid = fork();
  if (pid < 0) return -1;
  if (pid == 0) {
    char *const arguments[] = {(char *)"hostile", (char *)argument, NULL}, *const environment[] = {NULL};
    if (fd >= 0) syscall(SYS_execveat, fd, "", arguments, environment, AT_EMPTY_PATH);
    else execve(path, arguments, environment);
    _exit(errno);
  }
  int status;
  if (waitpid(pid, &status, 0) < 0) return -1;
  if (!WIFEXITED(status)) return refused(EPERM);
  return WEXITSTATUS(status) == 0 ? 0 : refused(WEXITSTATUS(status));
}

static long copy_self(int to) {
  char self[512];
  snprintf(self, sizeof self, "%s/hostile", target("plugin"));
  int from = open(self, O_RDONLY | O_CLOEXEC);
  if (from < 0 || to < 0) return -1;
  char buffer[65536];
  for (ssize_t size; (size = read(from, buffer, sizeof buffer)) > 0;) {
    if (write(to, buffer, (size_t)size) != size) return -1;
  }
  close(from);
  return 0;
}

long run_copy_from(const char *directory) {
  char path[512];
  snprintf(path, sizeof path, "%s/copy-%d", directory, getpid());
  int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0700);
  if (fd < 0 || copy_self(fd) < 0) return -1;
  close(fd);
  long result = run(path, -1, "--ran");
  int error = errno;
  unlink(path);
  return result == 0 ? 0 : refused(error);
}

long run_from_memory(void) {
  int fd = (int)syscall(SYS_memfd_create, "x", 0x10u | 1u); // MFD_EXEC
  if (fd < 0 && errno == EINVAL) fd = memfd_create("x", MFD_CLOEXEC);
  if (fd < 0 || copy_self(fd) < 0) return -1;
  return run(NULL, fd, "--ran");
}

long map_writable_executable(void) {
  void *page = mmap(NULL, 4096, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  return page == MAP_FAILED ? -1 : 0;
}

long make_page_executable(void) {
  void *page = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (page == MAP_FAILED) return refused(EINVAL);
  return mprotect(page, 4096, PROT_READ | PROT_EXEC);
}

long map_file_executable(const char *directory) {
  char path[512];
  snprintf(path, sizeof path, "%s/map-%d", directory, getpid());
  int fd = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0700);
  if (fd < 0 || ftruncate(fd, 4096) < 0) return refused(EINVAL);
  void *page = mmap(NULL, 4096, PROT_READ | PROT_EXEC, MAP_SHARED, fd, 0);
  int error = errno;
  unlink(path);
  return page == MAP_FAILED ? refused(error) : 0;
}

// Executes a planted copy of this program that would give root or a capability.
long gain_by(const char *helper) {
  char path[512];
  snprintf(path, sizeof path, "%s/%s", target("plugin"), helper);
  return run(path, -1, strcmp(helper, "setuid") == 0 ? "--euid" : "--cap");
}

long list_directory(const char *path, const char *forbidden) {
  DIR *directory = opendir(path);
  if (!directory) return -1;
  long found = refused(ENOENT);
  for (struct dirent *entry; (entry = readdir(directory));) {
    if (!forbidden ? entry->d_name[0] != '.' : strcmp(entry->d_name, forbidden) == 0) found = 0;
  }
  return found == 0 ? 0 : refused(ENOENT);
}

// Changes to a file of the host's that succeed for its owner and leave it as it was.
long change_with(const char *what) {
  const char *path = target("system_file");
  struct stat status;
  if (stat(path, &status) < 0) return -1;
  if (strcmp(what, "chmod") == 0) return chmod(path, status.st_mode & 07777);
  if (strcmp(what, "chown") == 0) return chown(path, status.st_uid, status.st_gid);
  if (strcmp(what, "truncate") == 0) return truncate(path, status.st_size);
  if (strcmp(what, "utimes") == 0) return utimensat(AT_FDCWD, path, NULL, 0);
  if (strcmp(what, "xattr") == 0) {
    if (setxattr(path, "trusted.berth", "x", 1, 0) < 0) return -1;
    return removexattr(path, "trusted.berth");
  }
  char other[512];
  snprintf(other, sizeof other, "%s.hostile", path);
  if (strcmp(what, "link") == 0 && link(path, other) < 0) return -1;
  if (strcmp(what, "symlink") == 0 && symlink(path, other) < 0) return -1;
  if (strcmp(what, "mkdir") == 0) return mkdir(other, 0700) < 0 ? -1 : rmdir(other);
  if (strcmp(what, "rename") == 0) return rename(path, other) < 0 ? -1 : rename(other, path);
  return unlink(other);
}

// Writes until something says stop; an escape when a gigabyte fits.
long fill_directory(const char *directory) {
  static char block[1 << 20];
  char path[512];
  snprintf(path, sizeof path, "%s/fill-%d", directory, getpid());
  int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
  if (fd < 0) return refused(EINVAL);
  long result = 0;
  int error = 0;
  for (int i = 0; i < 256 && result >= 0; i++) {
    result = write(fd, block, sizeof block) == (ssize_t)sizeof block ? 0 : -1;
    error = errno ? errno : ENOSPC;
  }
  unlink(path);
  return result < 0 ? refused(error) : 0;
}

// Empty files until something says stop; an escape when twenty thousand fit.
long many_files(const char *directory) {
  char path[512];
  snprintf(path, sizeof path, "%s/many-%d", directory, getpid());
  if (mkdir(path, 0700) < 0) return refused(EINVAL);
  int folder = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC), made = 0, error = 0;
  char name[32];
  for (; made < 20000 && !error; made++) {
    snprintf(name, sizeof name, "%d", made);
    int fd = openat(folder, name, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
    if (fd < 0) error = errno;
    else close(fd);
  }
  while (made-- > 0) {
    snprintf(name, sizeof name, "%d", made);
    unlinkat(folder, name, 0);
  }
  rmdir(path);
  return error ? refused(error) : 0;
}

// Whoever opens a leased file waits until the holder lets go, 45 seconds by default.
long take_lease(const char *directory) {
  char path[512];
  snprintf(path, sizeof path, "%s/lease-%d", directory, getpid());
  int fd = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
  if (fd < 0) return refused(EINVAL);
  long result = fcntl(fd, F_SETLEASE, F_WRLCK);
  int error = errno;
  unlink(path);
  return result < 0 ? refused(error) : 0;
}

// What the host would stumble over in a directory that it shares with a plugin.
long plant(const char *directory, const char *what) {
  char path[512];
  snprintf(path, sizeof path, "%s/plant-%d", directory, getpid());
  long result = -1;
  if (strcmp(what, "device") == 0) {
    result = mknod(path, S_IFBLK | 0600, makedev(7, 0));
  } else {
    int fd = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (fd < 0) return refused(EINVAL);
    static const uint32_t capability[5] = {0x02000001, 1 << 21, 0, 0, 0};
    int flags = 0x10; // FS_IMMUTABLE_FL
    if (strcmp(what, "owner") == 0) result = fchown(fd, 0, geteuid() == 0 ? 1 : 0);
    if (strcmp(what, "capability") == 0) result = fsetxattr(fd, "security.capability", capability, sizeof capability, 0);
    if (strcmp(what, "trusted") == 0) result = fsetxattr(fd, "trusted.overlay.opaque", "y", 1, 0);
    if (strcmp(what, "immutable") == 0) {
      result = ioctl(fd, 0x40086602, &flags); // FS_IOC_SETFLAGS
      int error = errno;
      flags = 0;
      ioctl(fd, 0x40086602, &flags);
      errno = error;
    }
  }
  int error = errno;
  unlink(path);
  return result < 0 ? refused(error) : 0;
}

// A file (or directory) whose set-id bit gives its owner's power to whoever runs it on the host.
long make_set_id(const char *directory, const char *how) {
  char path[512];
  snprintf(path, sizeof path, "%s/set-id-%s-%d", directory, how, getpid());
  umask(0);
  int is_directory = strcmp(how, "directory") == 0, fd = -1;
  long result = -1;
  if (is_directory) {
    result = mkdir(path, 0755) < 0 ? -1 : chmod(path, 02755);
  } else if (strcmp(how, "open") == 0) {
    result = fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 04755);
  } else if (strcmp(how, "openat2") == 0) {
    uint64_t arguments[3] = {O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 04755, 0};
    result = fd = (int)syscall(437, AT_FDCWD, path, arguments, sizeof arguments);
  } else if (strcmp(how, "nameless") == 0) {
    result = fd = open(directory, O_WRONLY | O_TMPFILE | O_CLOEXEC, 04755);
  } else {
    fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0755);
    if (fd >= 0) result = strcmp(how, "chmod") == 0 ? chmod(path, 04755) : fchmod(fd, 06755);
  }
  int error = errno;
  struct stat status;
  if (result >= 0 && (fd >= 0 ? fstat(fd, &status) : stat(path, &status)) == 0 && !(status.st_mode & 06000)) {
    result = -1;
    error = EINVAL;
  }
  if (fd >= 0) close(fd);
  if (is_directory) {
    rmdir(path);
  } else {
    unlink(path);
  }
  return result < 0 ? refused(error) : 0;
}
