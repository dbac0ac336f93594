// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0

// A FUSE server that stops answering: serves a directory with the empty directory `images` in it until SIGUSR1, after
// which it takes requests and answers none. Whoever waits for one is then beyond any signal (state D). SIGTERM ends it.

#define _GNU_SOURCE
#include "peer.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/fuse.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

enum { IMAGES = 2 };
// The high half of FUSE_ALLOW_IDMAP (Linux 6.12), newer than the headers of Debian 12: a sandbox shows it by another owner.
enum { ALLOW_IDMAP = 1 << 8 };

static volatile sig_atomic_t hangs, ends;

static void on_hang(int signal) {
  (void)signal;
  hangs = 1;
}

static void on_end(int signal) {
  (void)signal;
  ends = 1;
}

static void answer(int fuse, const struct fuse_in_header *request, int error, const void *data, size_t size) {
  struct fuse_out_header header = {
      .len = (uint32_t)(sizeof header + size), .error = -error, .unique = request->unique};
  struct iovec parts[] = {{&header, sizeof header}, {(void *)data, size}};
  // A request whose caller has gone is no longer there to be answered (ENOENT).
  (void)!writev(fuse, parts, size > 0 ? 2 : 1);
}

static struct fuse_attr attributes(uint64_t node) {
  return (struct fuse_attr){.ino = node, .mode = S_IFDIR | 0777, .nlink = 2, .blksize = 4096};
}

static void serve(int fuse, const struct fuse_in_header *request, const char *payload) {
  switch (request->opcode) {
    case FUSE_INIT: {
      const struct fuse_init_in *in = (const void *)payload;
      struct fuse_init_out out = {
          .major = FUSE_KERNEL_VERSION, .minor = FUSE_KERNEL_MINOR_VERSION, .max_readahead = in->max_readahead,
          .max_write = 4096, .max_background = 16, .time_gran = 1};
      out.flags = FUSE_INIT_EXT;
      out.flags2 = ALLOW_IDMAP;
      answer(fuse, request, 0, &out, sizeof out);
      return;
    }
    case FUSE_GETATTR: {
      struct fuse_attr_out out = {.attr = attributes(request->nodeid)};
      answer(fuse, request, 0, &out, sizeof out);
      return;
    }
    case FUSE_LOOKUP: {
      struct fuse_entry_out out = {.nodeid = IMAGES, .attr = attributes(IMAGES)};
      if (request->nodeid != FUSE_ROOT_ID || strcmp(payload, "images") != 0)
        answer(fuse, request, ENOENT, NULL, 0);
      else
        answer(fuse, request, 0, &out, sizeof out);
      return;
    }
    case FUSE_OPENDIR: {
      struct fuse_open_out out = {.fh = request->nodeid};
      answer(fuse, request, 0, &out, sizeof out);
      return;
    }
    case FUSE_STATFS: {
      struct fuse_statfs_out out = {.st = {.blocks = 1 << 20, .bfree = 1 << 19, .bavail = 1 << 19, .bsize = 4096,
                                           .frsize = 4096, .namelen = 255}};
      answer(fuse, request, 0, &out, sizeof out);
      return;
    }
    case FUSE_READDIR:
    case FUSE_READDIRPLUS:
    case FUSE_RELEASEDIR:
    case FUSE_ACCESS:
    case FUSE_FLUSH: answer(fuse, request, 0, NULL, 0); return;
    case FUSE_FORGET:
    case FUSE_BATCH_FORGET:
    case FUSE_INTERRUPT: return;
    default: answer(fuse, request, ENOSYS, NULL, 0);
  }
}

int peer_fuse(const char *directory) {
  int fuse = open("/dev/fuse", O_RDWR | O_CLOEXEC);
  if (fuse < 0) {
    perror("bench-peer: /dev/fuse");
    return 1;
  }
  char options[128];
  snprintf(
      options, sizeof options, "fd=%d,rootmode=40000,user_id=0,group_id=0,allow_other,default_permissions", fuse);
  if (mount("bench-peer", directory, "fuse.bench-peer", MS_NOSUID | MS_NODEV, options) != 0) {
    perror("bench-peer: mount");
    return 1;
  }
  sigaction(SIGUSR1, &(struct sigaction){.sa_handler = on_hang}, NULL);
  sigaction(SIGTERM, &(struct sigaction){.sa_handler = on_end}, NULL);
  puts("mounted");
  fflush(stdout);
  _Alignas(8) static char buffer[65536 + 4096];
  while (!ends) {
    ssize_t size = read(fuse, buffer, sizeof buffer);
    if (size < 0 && (errno == EINTR || errno == EAGAIN || errno == ENOENT)) continue;
    if (size < (ssize_t)sizeof(struct fuse_in_header)) break;
    const struct fuse_in_header *request = (const void *)buffer;
    if (!hangs) serve(fuse, request, buffer + sizeof *request);
  }
  // Closing the device aborts the connection: whoever still waits gets ECONNABORTED and can die.
  close(fuse);
  umount2(directory, MNT_DETACH);
  return 0;
}
