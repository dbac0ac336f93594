// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0

#include "launcher.h"

#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

// The next of a directory's entries, without the memory that readdir would ask for: 1, 0 at the end, -1 with errno.
int next_entry(struct listing *listing, struct entry *entry) {
  struct record {
    uint64_t inode;
    int64_t offset;
    uint16_t length;
    uint8_t type;
    char name[];
  };
  if (listing->at >= listing->size) {
    listing->at = 0;
    listing->size = syscall(SYS_getdents64, listing->directory, listing->bytes, sizeof listing->bytes);
    if (listing->size <= 0) return (int)listing->size;
  }
  const struct record *record = (const struct record *)(const void *)(listing->bytes + listing->at);
  *entry = (struct entry){.name = record->name, .type = record->type};
  listing->at += record->length;
  return 1;
}

// Closes every descriptor from 3 on but those (-1: none); 0, or -1 with errno.
int close_all_but(const int *kept, int count) {
  for (unsigned from = 3;;) {
    unsigned next = ~0u;
    for (int i = 0; i < count; i++) {
      if (kept[i] >= (int)from && (unsigned)kept[i] < next) next = (unsigned)kept[i];
    }
    if (next > from && syscall(SYS_close_range, from, next == ~0u ? next : next - 1, 0u) < 0) return -1;
    if (next == ~0u) return 0;
    from = next + 1;
  }
}

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
