// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0

#pragma once

#include <stddef.h>
#include <sys/types.h>

/// Who is at the other end of a Unix socket, as of its connect.
struct berth_credentials {
  pid_t pid;
  uid_t uid;
  gid_t gid;
};

/// Two connected Unix sockets; `seqpacket` keeps message boundaries, else a stream.
int berth_socketpair(int ends[2], int seqpacket);

/// Accepts a connection.
int berth_accept(int listener);

/// The peer's credentials. Meaningless on anything but a Unix socket: check the listener first.
int berth_peer_credentials(int socket, struct berth_credentials *credentials);

/// The peer's supplementary groups as of its connect; `*count` goes in as the room in `groups` (-ERANGE when there are
/// more) and comes out as how many there are.
int berth_peer_groups(int socket, gid_t *groups, int *count);

/// A Unix socket that listens at `path` (non-blocking, mode as the umask says), or -errno.
int berth_listen(const char *path, int backlog);

/// A connection to the Unix socket at `path`, or -errno.
int berth_connect(const char *path);

enum { BERTH_MAX_PASSED = 16 };

/// Sends bytes (at least one) with descriptors; returns the bytes sent.
ssize_t berth_send_descriptors(int socket, const void *bytes, size_t count, const int *fds, int fd_count);

/// Receives bytes with at most BERTH_MAX_PASSED descriptors, close-on-exec; `*fd_count` goes in as the room in `fds` and
/// comes out as how many arrived. More than there is room for are closed and the call fails with -EMSGSIZE, as it does
/// when a message was longer than the buffer. Returns the bytes received, 0 at the end.
ssize_t berth_receive_descriptors(int socket, void *bytes, size_t count, int *fds, int *fd_count);
