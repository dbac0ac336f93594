// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0

#define _GNU_SOURCE
#include "berth_relay.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

int berth_relay_pending(int pipe) {
  int waiting = 0;
  return ioctl(pipe, FIONREAD, &waiting) < 0 ? -errno : waiting;
}

ssize_t berth_relay_send(int socket, const void *bytes, size_t length) {
  ssize_t sent = send(socket, bytes, length, MSG_DONTWAIT | MSG_NOSIGNAL);
  return sent < 0 ? -errno : sent;
}

int berth_relay_open_path(const char *path) {
  int fd = open(path, O_PATH | O_NOFOLLOW | O_CLOEXEC);
  return fd < 0 ? -errno : fd;
}

int berth_relay_give(int handle, uint32_t owner) {
  return fchownat(handle, "", owner, owner, AT_EMPTY_PATH) < 0 ? -errno : 0;
}
