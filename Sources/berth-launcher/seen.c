// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0

// What the daemon is told for its attestation, because it may not look itself: read from the kernel at the last moment.

#include "launcher.h"

#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

// The namespaces that this process is in: 0, or -1 with errno. A kind that the kernel does not have has no inode.
static int read_namespaces(uint64_t *inodes) {
#define PATH(name) "self/ns/" #name,
  static const char *const paths[] = {BL_NAMESPACES(PATH)};
#undef PATH
  for (int i = 0; i < BL_NAMESPACE_MAX; i++) {
    struct stat status = {0};
    if (fstatat(server.proc, paths[i], &status, 0) < 0 && errno != ENOENT) return -1;
    inodes[i] = status.st_ino;
  }
  return 0;
}

// A server enters others later; in exec mode they stay what they are.
void find_own_namespaces(struct job *job) {
  if (read_namespaces(server.namespaces) < 0) die(job, BL_STEP_PRIVILEGE, "own namespaces");
}

// While /proc of the host may still be opened; what is in it shows when it is read.
void open_own_descriptors(struct job *job) {
  job->own_descriptors = openat(server.proc, "self/fd", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (job->own_descriptors < 0) die(job, BL_STEP_CLOSE, "own descriptors");
}

void read_own_state(struct job *job) {
  struct bl_seen *seen = &job->seen;
  if (read_namespaces(seen->inside) < 0) die(job, BL_STEP_CLONE, "own namespaces");
  struct listing listing = {.directory = job->own_descriptors};
  struct entry entry;
  int more;
  while ((more = next_entry(&listing, &entry)) > 0) {
    if (entry.name[0] == '.') continue;
    int number = atoi(entry.name), flags = fcntl(number, F_GETFD);
    struct stat status;
    if (flags < 0 || fstat(number, &status) < 0) die(job, BL_STEP_CLOSE, "own descriptors");
    if (flags & FD_CLOEXEC) continue;
    if (seen->kept < BL_KEPT_MAX) {
      seen->descriptors[seen->kept] = (struct bl_descriptor){number, status.st_mode, status.st_ino};
    }
    seen->kept++;
  }
  if (more < 0) die(job, BL_STEP_CLOSE, "own descriptors");
  close(job->own_descriptors);
}
