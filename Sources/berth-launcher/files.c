// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0

#include "launcher.h"

#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

// Writes a control file in one write; returns 0 or -1 with errno.
int write_at(int directory, const char *name, const char *value) {
  int fd = openat(directory, name, O_WRONLY | O_CLOEXEC | O_NOFOLLOW);
  if (fd < 0) return -1;
  ssize_t size = (ssize_t)strlen(value);
  ssize_t written = write(fd, value, (size_t)size);
  int error = errno;
  close(fd);
  if (written == size) return 0;
  errno = written < 0 ? error : EIO;
  return -1;
}

const char *format(char *out, size_t size, const char *pattern, ...) {
  va_list arguments;
  va_start(arguments, pattern);
  vsnprintf(out, size, pattern, arguments);
  va_end(arguments);
  return out;
}
