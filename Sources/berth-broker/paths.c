// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0

// Walking to files and devices by descriptor.

#include "broker.h"

#include <fcntl.h>
#include <linux/openat2.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <unistd.h>

static int open_how(int directory, const char *path, uint64_t flags, uint64_t resolve) {
  struct open_how how = {.flags = flags | O_CLOEXEC, .resolve = resolve | RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS};
  return (int)syscall(SYS_openat2, directory, path, &how, sizeof how);
}

int open_directory(const char *path) {
  int fd = open_how(AT_FDCWD, path, O_RDONLY | O_DIRECTORY, 0);
  if (fd < 0) fail("%s", path);
  return fd;
}

// The host-chosen directory: nobody but root and the daemon may write it.
int open_place(void) {
  check_directory(text(request.place), "place");
  int fd = open_directory(text(request.place));
  struct stat status;
  if (fstat(fd, &status) < 0) fail("%s", text(request.place));
  if (status.st_mode & 022) fail_with(EPERM, "%s can be written by others", text(request.place));
  return fd;
}

int open_beneath(uint32_t root, uint32_t path, uint64_t flags) {
  check_directory(text(root), "granted directory");
  int directory = open_directory(text(root));
  const char *relative = text(path);
  if (!*relative) return directory;
  int fd = open_how(directory, relative, flags, RESOLVE_BENEATH);
  if (fd < 0) fail("%s/%s", text(root), relative);
  close(directory);
  return fd;
}

int open_parent(uint32_t root, uint32_t path, char name[256]) {
  check_directory(text(root), "granted directory");
  char copy[1024];
  if (strlen(text(path)) >= sizeof copy) fail_with(ENAMETOOLONG, "path");
  strcpy(copy, text(path));
  char *slash = strrchr(copy, '/');
  const char *last = slash ? slash + 1 : copy;
  if (!*last || strlen(last) > 255 || strcmp(last, ".") == 0 || strcmp(last, "..") == 0) fail_with(EINVAL, "path");
  strcpy(name, last);
  int directory = open_directory(text(root));
  if (!slash) return directory;
  *slash = 0;
  int fd = open_how(directory, copy, O_RDONLY | O_DIRECTORY, RESOLVE_BENEATH);
  if (fd < 0) fail("%s/%s", text(root), copy);
  close(directory);
  return fd;
}

// A regular file with one name: a second name might be a file outside the granted directory.
int open_image(uint32_t root, uint32_t path, bool writes) {
  if (!*text(path)) fail_with(EINVAL, "path");
  int fd = open_beneath(root, path, (writes ? O_RDWR : O_RDONLY) | O_NONBLOCK);
  struct stat status;
  if (fstat(fd, &status) < 0) fail("%s", text(path));
  if (!S_ISREG(status.st_mode)) fail_with(EPERM, "%s is no regular file", text(path));
  if (status.st_nlink != 1) fail_with(EMLINK, "%s has more than one name", text(path));
  return fd;
}

// A block device by its real path, when it is the one that the host looked up.
int open_block(const char *node, unsigned major_number, unsigned minor_number, bool writes) {
  if (strncmp(node, "/dev/", 5) != 0) fail_with(EINVAL, "device node");
  int fd = open_how(AT_FDCWD, node, (writes ? O_RDWR : O_RDONLY) | O_NONBLOCK, 0);
  struct stat status;
  if (fd < 0 || fstat(fd, &status) < 0) fail("%s", node);
  if (!S_ISBLK(status.st_mode)) fail_with(ENOTBLK, "%s", node);
  if (major(status.st_rdev) != major_number || minor(status.st_rdev) != minor_number) {
    fail_with(ESTALE, "%s has become another device", node);
  }
  return fd;
}

bool is_mount_point(int directory) {
  struct statx status;
  if (statx(directory, "", AT_EMPTY_PATH, STATX_TYPE, &status) < 0) fail("mount point");
  return status.stx_attributes & STATX_ATTR_MOUNT_ROOT;
}

// Reads a file of the kernel's; returns the length without trailing white space, or -1.
int read_small(const char *path, char *out, size_t size) {
  int fd = open(path, O_RDONLY | O_CLOEXEC);
  if (fd < 0) return -1;
  ssize_t got = read(fd, out, size - 1);
  close(fd);
  if (got < 0) return -1;
  while (got > 0 && (out[got - 1] == '\n' || out[got - 1] == ' ')) got--;
  out[got] = 0;
  return (int)got;
}
