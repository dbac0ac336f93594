// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0

#define _GNU_SOURCE
#include "berth_socket.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

int berth_socketpair(int ends[2], int seqpacket) {
  int type = (seqpacket ? SOCK_SEQPACKET : SOCK_STREAM) | SOCK_CLOEXEC;
  return socketpair(AF_UNIX, type, 0, ends) < 0 ? -errno : 0;
}

int berth_accept(int listener) {
  int fd;
  do {
    fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
  } while (fd < 0 && errno == EINTR);
  return fd < 0 ? -errno : fd;
}

int berth_peer_credentials(int socket, struct berth_credentials *credentials) {
  struct ucred peer;
  socklen_t length = sizeof peer;
  if (getsockopt(socket, SOL_SOCKET, SO_PEERCRED, &peer, &length) < 0) return -errno;
  credentials->pid = peer.pid;
  credentials->uid = peer.uid;
  credentials->gid = peer.gid;
  return 0;
}

int berth_peer_groups(int socket, gid_t *groups, int *count) {
  socklen_t length = sizeof *groups * (size_t)*count;
  if (getsockopt(socket, SOL_SOCKET, SO_PEERGROUPS, groups, &length) < 0) return -errno;
  *count = (int)(length / sizeof *groups);
  return 0;
}

static int address_of(const char *path, struct sockaddr_un *address) {
  size_t length = strlen(path);
  *address = (struct sockaddr_un){.sun_family = AF_UNIX};
  if (length >= sizeof address->sun_path) return -ENAMETOOLONG;
  memcpy(address->sun_path, path, length);
  return 0;
}

/// Closes the socket of a call that failed; returns its -errno.
static int failed(int fd) {
  int number = errno;
  close(fd);
  return -number;
}

int berth_listen(const char *path, int backlog) {
  struct sockaddr_un address;
  int result = address_of(path, &address);
  if (result < 0) return result;
  int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  if (fd < 0) return -errno;
  if (bind(fd, (struct sockaddr *)&address, sizeof address) < 0 || listen(fd, backlog) < 0) return failed(fd);
  return fd;
}

int berth_connect(const char *path) {
  struct sockaddr_un address;
  int result = address_of(path, &address);
  if (result < 0) return result;
  int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (fd < 0) return -errno;
  do {
    result = connect(fd, (struct sockaddr *)&address, sizeof address);
  } while (result < 0 && errno == EINTR);
  return result < 0 ? failed(fd) : fd;
}

union control {
  struct cmsghdr header; // for its alignment
  char space[CMSG_SPACE(sizeof(int) * BERTH_MAX_PASSED)];
};

ssize_t berth_send_descriptors(int socket, const void *bytes, size_t count, const int *fds, int fd_count) {
  if (fd_count < 0 || fd_count > BERTH_MAX_PASSED) return -EINVAL;
  struct iovec part = {.iov_base = (void *)bytes, .iov_len = count};
  union control control;
  struct msghdr message = {.msg_iov = &part, .msg_iovlen = 1};
  if (fd_count > 0) {
    size_t size = sizeof(int) * (size_t)fd_count;
    memset(&control, 0, sizeof control);
    message.msg_control = control.space;
    message.msg_controllen = CMSG_SPACE(size);
    struct cmsghdr *header = CMSG_FIRSTHDR(&message);
    header->cmsg_level = SOL_SOCKET;
    header->cmsg_type = SCM_RIGHTS;
    header->cmsg_len = CMSG_LEN(size);
    memcpy(CMSG_DATA(header), fds, size);
  }
  ssize_t sent;
  do {
    sent = sendmsg(socket, &message, MSG_NOSIGNAL);
  } while (sent < 0 && errno == EINTR);
  return sent < 0 ? -errno : sent;
}

ssize_t berth_receive_descriptors(int socket, void *bytes, size_t count, int *fds, int *fd_count) {
  int room = *fd_count;
  *fd_count = 0;
  struct iovec part = {.iov_base = bytes, .iov_len = count};
  union control control;
  struct msghdr message = {
      .msg_iov = &part, .msg_iovlen = 1, .msg_control = control.space, .msg_controllen = sizeof control.space};
  ssize_t got;
  do {
    got = recvmsg(socket, &message, MSG_CMSG_CLOEXEC);
  } while (got < 0 && errno == EINTR);
  if (got < 0) return -errno;
  int refused = (message.msg_flags & (MSG_CTRUNC | MSG_TRUNC)) != 0;
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wsign-compare" // musl's CMSG_NXTHDR
  for (struct cmsghdr *header = CMSG_FIRSTHDR(&message); header; header = CMSG_NXTHDR(&message, header)) {
#pragma GCC diagnostic pop
    if (header->cmsg_level != SOL_SOCKET || header->cmsg_type != SCM_RIGHTS) continue;
    size_t passed = (header->cmsg_len - CMSG_LEN(0)) / sizeof(int);
    for (size_t i = 0; i < passed; i++) {
      int fd;
      memcpy(&fd, CMSG_DATA(header) + i * sizeof(int), sizeof fd);
      if (*fd_count < room) {
        fds[(*fd_count)++] = fd;
      } else {
        close(fd);
        refused = 1;
      }
    }
  }
  if (!refused) return got;
  while (*fd_count > 0) close(fds[--*fd_count]);
  return -EMSGSIZE;
}
