// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0

#include "berth_eventfd.h"

#include <errno.h>
#include <sys/eventfd.h>

int berth_eventfd_create(void) {
  int fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
  return fd < 0 ? -errno : fd;
}

int berth_eventfd_signal(int fd) { return eventfd_write(fd, 1) < 0 ? -errno : 0; }

int berth_eventfd_drain(int fd) {
  eventfd_t count;
  return eventfd_read(fd, &count) < 0 && errno != EAGAIN ? -errno : 0;
}
