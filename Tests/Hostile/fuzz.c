// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0

// fuzz SECONDS SEED CORPUS   feeds the launcher's request decoder sound requests with a few bytes changed, under the
// sanitizers. A request that is accepted must keep every promise that the rest of the launcher relies on.
//
// The corpus keeps one request for every verdict that was ever reached, as changes of the sound one:
//   SIZE DESCRIPTORS OFFSET=BYTE…  # VERDICT
// They are tried first, and must be judged as it says there; then they are changed further. A verdict that the corpus
// lacks is printed as a line to add, and is a failure like one that changed: the exit status is 1. With `-` for CORPUS
// there is none, and a whole new one is printed (the offsets mean something else once struct bl_request has changed).

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
  bl_request_mount(r, (struct bl_mount){BL_M_IMAGE, BL_MF_WRITE, 0, 0, add(r, "/state"), 0, 0});
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

enum { KEPT = 256, CHANGES = 24 };
struct input {
  long size;
  int fds, count;
  struct { uint32_t offset; unsigned char byte; } changes[CHANGES];
  char verdict[80];
};
static struct input kept[KEPT];
static int kept_count;

static void give_up(const char *path, const char *what) {
  fprintf(stderr, "%s: %s\n", path, what);
  exit(1);
}

static void load(const char *path) {
  char line[1024];
  if (strcmp(path, "-") == 0) return;
  FILE *file = fopen(path, "re");
  if (!file) give_up(path, "cannot be read");
  while (fgets(line, sizeof line, file)) {
    if (line[0] == '#') continue;
    if (kept_count == KEPT) give_up(path, "holds more requests than there is room for (KEPT)");
    struct input *in = &kept[kept_count];
    char *comment = strchr(line, '#');
    int used = 0;
    if (comment) *comment = 0;
    if (!comment || sscanf(comment + 1, " %79[^\n]", in->verdict) != 1 ||
        sscanf(line, "%ld %d%n", &in->size, &in->fds, &used) != 2) {
      give_up(line, "is no request with its verdict");
    }
    unsigned offset, byte;
    for (char *at = line + used; in->count < CHANGES && sscanf(at, " %u=%u%n", &offset, &byte, &used) == 2; at += used) {
      in->changes[in->count].offset = offset;
      in->changes[in->count++].byte = (unsigned char)byte;
    }
    kept_count++;
  }
  fclose(file);
  if (kept_count == 0) give_up(path, "holds no request");
}

static bool is_verdict(const struct input *in, const char *verdict) {
  return strncmp(in->verdict, verdict, sizeof in->verdict - 1) == 0;
}

static void keep(const struct input *in, const char *verdict) {
  for (int i = 0; i < kept_count; i++) {
    if (is_verdict(&kept[i], verdict)) return;
  }
  if (kept_count == KEPT) return;
  kept[kept_count] = *in;
  snprintf(kept[kept_count++].verdict, sizeof in->verdict, "%s", verdict);
  printf("new: %ld %d", in->size, in->fds);
  for (int i = 0; i < in->count; i++) printf(" %u=%u", in->changes[i].offset, in->changes[i].byte);
  printf("  # %s\n", verdict);
}

// The verdict on the sound request with these changes.
static const char *judge(struct job *job, const struct bl_request *base, const struct input *in) {
  job->request = *base;
  for (int i = 0; i < in->count; i++) {
    if (in->changes[i].offset < sizeof *base) ((unsigned char *)&job->request)[in->changes[i].offset] = in->changes[i].byte;
  }
  const char *wrong = validate(job, in->size, in->fds);
  if (!wrong) check_accepted(job);
  return wrong ? wrong : "accepted";
}

int main(int argc, char **argv) {
  if (argc != 4) return 2;
  load(argv[3]);
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
  int known = kept_count, changed = 0;
  for (int i = 0; i < known; i++) {
    const char *now = judge(&job, base, &kept[i]);
    if (is_verdict(&kept[i], now)) continue;
    changed++;
    printf("changed: request %d was \"%s\", now: %s\n", i + 1, kept[i].verdict, now);
  }
  while (time(NULL) < end) {
    for (int i = 0; i < 2000; i++, runs++) {
      struct input in = {.size = (long)sizeof job.request, .fds = BL_REQUEST_FDS};
      if (kept_count && next() % 2) in = kept[next() % (unsigned)kept_count];
      const unsigned char *bytes = (const unsigned char *)base;
      for (uint64_t changes = 1 + next() % 6; changes && in.count < CHANGES; changes--, in.count++) {
        size_t place = next() % 3 ? next() % head : head + next() % (pool + 8);
        unsigned char byte = bytes[place];
        switch (next() % 4) {
          case 0: byte = (unsigned char)next(); break;
          case 1: byte ^= (unsigned char)(1u << next() % 8); break;
          case 2: byte = (unsigned char)"/.\0\xff"[next() % 4]; break;
          default: byte = bytes[next() % (head + pool)];
        }
        in.changes[in.count].offset = (uint32_t)place;
        in.changes[in.count].byte = byte;
      }
      if (next() % 64 == 0) in.size = (long)(next() % (sizeof job.request + 9));
      if (next() % 16 == 0) in.fds = (int)(next() % 8);
      const char *verdict = judge(&job, base, &in);
      accepted += strcmp(verdict, "accepted") == 0;
      keep(&in, verdict);
    }
  }
  bl_request_free(base);
  printf("%lu requests, %lu accepted, %d verdicts known, %d new, %d changed\n", runs, accepted, known, kept_count - known, changed);
  return kept_count > known || changed > 0;
}
