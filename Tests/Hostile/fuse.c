// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0

// fuse DIRECTORY UID   mounts a file system there whose root belongs to that user and whose server takes every look at
// a name and never answers: whoever looks is in uninterruptible sleep. Says `ready` when mounted and `asked` when
// somebody looked first; ends, and frees them with an error, when its input ends. The kernel's own protocol, no library.

#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/fuse.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

static int fuse;

static void reply(uint64_t unique, int error, const void *body, size_t size) {
  struct fuse_out_header header = {.len = (uint32_t)(sizeof header + size), .error = error, .unique = unique};
  struct iovec parts[2] = {{&header, sizeof header}, {(void *)body, size}};
  if (writev(fuse, parts, 2) < 0 && errno != ENOENT) exit(4); // ENOENT: the asker has gone
}

static void say(const char *word) {
  puts(word);
  fflush(stdout);
}

int main(int argc, char **argv) {
  static char request[1 << 17];
  if (argc != 3) return 2;
  uint32_t uid = (uint32_t)strtoul(argv[2], NULL, 10);
  fuse = open("/dev/fuse", O_RDWR | O_CLOEXEC);
  char options[128];
  snprintf(options, sizeof options, "fd=%d,rootmode=40000,user_id=0,group_id=0,allow_other", fuse);
  if (fuse < 0 || mount("silent", argv[1], "fuse", MS_NOSUID | MS_NODEV, options) < 0) {
    perror(argv[1]);
    return 3;
  }
  int asked = 0;
  for (;;) {
    struct pollfd fds[] = {{.fd = fuse, .events = POLLIN}, {.fd = 0, .events = POLLIN}};
    if (poll(fds, 2, -1) < 0) break;
    if (fds[1].revents) break;
    if (fds[0].revents & (POLLERR | POLLHUP)) break;
    if (!(fds[0].revents & POLLIN)) continue;
    ssize_t size = read(fuse, request, sizeof request);
    if (size < (ssize_t)sizeof(struct fuse_in_header)) continue;
    const struct fuse_in_header *in = (const void *)request;
    switch (in->opcode) {
      case FUSE_INIT: {
        const struct fuse_init_in *hello = (const void *)(in + 1);
        struct fuse_init_out out = {.major = FUSE_KERNEL_VERSION, .minor = FUSE_KERNEL_MINOR_VERSION, .max_write = 4096};
        if (hello->minor < out.minor) out.minor = hello->minor;
        reply(in->unique, 0, &out, sizeof out);
        say("ready");
        break;
      }
      case FUSE_GETATTR: {
        struct fuse_attr_out out = {.attr_valid = 3600};
        out.attr = (struct fuse_attr){.ino = 1, .mode = S_IFDIR | 0700, .nlink = 2, .uid = uid, .gid = uid, .blksize = 4096};
        reply(in->unique, 0, &out, sizeof out);
        break;
      }
      case FUSE_STATFS: {
        struct fuse_statfs_out out = {.st = {.bsize = 4096, .namelen = 255}};
        reply(in->unique, 0, &out, sizeof out);
        break;
      }
      case FUSE_FORGET: case FUSE_BATCH_FORGET: case FUSE_INTERRUPT: break; // want no answer
      case FUSE_LOOKUP: // the one that waits for ever
        if (!asked++) say("asked");
        break;
      default: reply(in->unique, -ENOSYS, NULL, 0);
    }
  }
  umount2(argv[1], MNT_DETACH);
  return 0; // closing the device ends the connection: everyone waiting gets ENOTCONN
}
