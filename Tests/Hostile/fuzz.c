// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0

// fuzz SECONDS SEED   feeds the launcher's request decoder sound requests with a few bytes changed, under the sanitizers.
// A request that is accepted must keep every promise that the rest of the launcher relies on.

#include "launcher.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

struct server server = {.cgroup_base = "berth", .first_uid = 600000, .last_uid = 665535};
int daemon_socket = -1, status_socket = -1;
const char *text(const struct job *job, uint32_t offset) {
  return offset < job->request.pool_size ? job->request.pool + offset : "";
}
void die(struct job *job, enum bl_step step, const char *detail) { (void)job, (void)step, (void)detail; abort(); }
void die_with(struct job *job, enum bl_step step, int error, const char *detail) { (void)error; die(job, step, detail); }

static uint64_t state;
static uint64_t next(void) {
  uint64_t z = (state += 0x9E3779B97F4A7C15u);
  z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9u;
  z = (z ^ (z >> 27)) * 0x94D049BB133111EBu;
  return z ^ (z >> 31);
}

static uint32_t add(struct bl_request *request, const char *string) {
  return (uint32_t)bl_request_text(request, string, (uint32_t)strlen(string));
}

static struct bl_request *sound(void) {
  struct bl_request *r = bl_request_make(BL_OP_SPAWN, 0, 600001, 600001, 0);
  bl_request_names(r, add(r, "scope"), add(r, "storage.1"), add(r, "/plugin/run"));
  bl_request_limits(r, (struct bl_limits){256 << 20, 64, UINT64_MAX, UINT64_MAX, 100, 256});
  bl_request_argument(r, add(r, "run"));
  bl_request_environment(r, add(r, "PATH=/usr/bin"));
  bl_request_mount(r, (struct bl_mount){BL_M_BIND, BL_MF_EXEC, 0, add(r, "/srv/bundle"), add(r, "/plugin"), 0, 0});
  bl_request_mount(r, (struct bl_mount){BL_M_BIND, BL_MF_WRITE | BL_MF_IDMAP, 0, add(r, "/srv/vz"), add(r, "/srv/vz"), 0, 0});
  bl_request_mount(r, (struct bl_mount){BL_M_TMPFS, BL_MF_WRITE, 0, 0, add(r, "/tmp"), 1024, 1 << 20});
  bl_request_mount(r, (struct bl_mount){BL_M_SYMLINK, 0, 0, add(r, "usr/bin"), add(r, "/bin"), 0, 0});
  const uint8_t address[16] = {127, 66, 0, 1};
  bl_request_endpoint(r, 4, address, 443);
  return r;
}

static void must(int good, const char *what) {
  if (good) return;
  fprintf(stderr, "an accepted request breaks a promise: %s\n", what);
  abort();
}

static void check_accepted(const struct job *job) {
  const struct bl_request *r = &job->request;
  if (r->op != BL_OP_SPAWN) return;
  must(r->uid >= server.first_uid && r->uid <= server.last_uid && r->gid == r->uid, "user id");
  for (unsigned i = 0; i < r->mount_count; i++) {
    const struct bl_mount *m = &r->mounts[i];
    const char *source = text(job, m->source), *target = text(job, m->target);
    must(target[0] == '/' && !strstr(target, "/../") && !strstr(target, "//"), "target");
    must(!(m->flags & BL_MF_WRITE) || !(m->flags & BL_MF_EXEC), "write and execute");
    if (m->kind == BL_M_BIND && (m->flags & BL_MF_WRITE) && !(m->flags & BL_MF_DEVICE)) {
      must(strncmp(source, "/etc", 4) != 0 || (source[4] != '/' && source[4] != 0), "system path");
      must(strcmp(source, "/") != 0, "root");
    }
  }
}

int main(int argc, char **argv) {
  if (argc != 3) return 2;
  state = strtoull(argv[2], NULL, 10);
  time_t end = time(NULL) + atoi(argv[1]);
  struct bl_request *base = sound();
  static struct job job;
  job.request = *base;
  const char *wrong = validate(&job, sizeof *base, BL_REQUEST_FDS);
  if (wrong) {
    fprintf(stderr, "the sound request is refused: %s\n", wrong);
    return 1;
  }
  // Most of the struct is zero: changes go where the meaning is, mostly.
  const size_t head = offsetof(struct bl_request, pool), pool = base->pool_size;
  unsigned long runs = 0, accepted = 0;
  while (time(NULL) < end) {
    for (int i = 0; i < 2000; i++, runs++) {
      job.request = *base;
      unsigned char *bytes = (unsigned char *)&job.request;
      for (uint64_t changes = 1 + next() % 6; changes; changes--) {
        size_t place = next() % 3 ? next() % head : head + next() % (pool + 8);
        switch (next() % 4) {
          case 0: bytes[place] = (unsigned char)next(); break;
          case 1: bytes[place] ^= (unsigned char)(1u << next() % 8); break;
          case 2: bytes[place] = (unsigned char)"/.\0\xff"[next() % 4]; break;
          default: bytes[place] = bytes[next() % (head + pool)];
        }
      }
      ssize_t size = next() % 64 ? (ssize_t)sizeof job.request : (ssize_t)(next() % (sizeof job.request + 9));
      if (!validate(&job, size, next() % 16 ? BL_REQUEST_FDS : (int)(next() % 8))) {
        accepted++;
        check_accepted(&job);
      }
    }
  }
  bl_request_free(base);
  printf("%lu requests, %lu accepted\n", runs, accepted);
  return 0;
}
