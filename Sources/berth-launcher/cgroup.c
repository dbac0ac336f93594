// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0

// One leaf per instance: in the unified hierarchy for identity and kill, and, for a controller that the machine still
// keeps in a version 1 hierarchy, a leaf of the same name there. Where there is no unified hierarchy the leaf with the
// pids (or else the freezer) controller stands for the instance, and is killed frozen, process by process.

#include "launcher.h"

#include <dirent.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "berth_socket.h"

enum { MEMORY, PIDS, CPU, DEVICES, FREEZER };
static const char *const v1_paths[V1_HIERARCHIES][2] = {
    [MEMORY] = {"/sys/fs/cgroup/memory", NULL},
    [PIDS] = {"/sys/fs/cgroup/pids", NULL},
    [CPU] = {"/sys/fs/cgroup/cpu", "/sys/fs/cgroup/cpu,cpuacct"},
    [DEVICES] = {"/sys/fs/cgroup/devices", NULL},
    [FREEZER] = {"/sys/fs/cgroup/freezer", NULL},
};
static const char *const v2_names[] = {[MEMORY] = "memory", [PIDS] = "pids", [CPU] = "cpu"};
static const uint32_t controller_layers[] = {[MEMORY] = BL_L_MEMORY, [PIDS] = BL_L_PIDS, [CPU] = BL_L_CPU};

static int unified = -1;                                  // root of the version 2 hierarchy
static int v1[V1_HIERARCHIES] = {-1, -1, -1, -1, -1};     // roots of version 1 hierarchies in use
static bool in_unified[V1_HIERARCHIES];                   // the controller lives in version 2
static bool io_weighted;                                  // version 2 has the io controller
static int v1_leaf[V1_HIERARCHIES] = {-1, -1, -1, -1, -1};

static int open_hierarchy(const char *path, long magic) {
  int fd = path ? open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC) : -1;
  struct statfs info;
  if (fd >= 0 && (fstatfs(fd, &info) < 0 || (long)info.f_type != magic)) {
    close(fd);
    fd = -1;
  }
  return fd;
}

static bool lists(int directory, const char *file, const char *word) {
  char content[512];
  int fd = openat(directory, file, O_RDONLY | O_CLOEXEC);
  ssize_t size = fd < 0 ? -1 : read(fd, content, sizeof content - 1);
  if (fd >= 0) close(fd);
  if (size <= 0) return false;
  content[size] = 0;
  for (char *rest = NULL, *next = strtok_r(content, " \n", &rest); next; next = strtok_r(NULL, " \n", &rest)) {
    if (strcmp(next, word) == 0) return true;
  }
  return false;
}

void cgroup_open_hierarchies(void) {
  static bool opened;
  if (opened) return;
  opened = true;
  unified = open_hierarchy("/sys/fs/cgroup", CGROUP2_SUPER_MAGIC);
  if (unified < 0) unified = open_hierarchy("/sys/fs/cgroup/unified", CGROUP2_SUPER_MAGIC);
  io_weighted = unified >= 0 && lists(unified, "cgroup.controllers", "io");
  for (int i = 0; i < V1_HIERARCHIES; i++) {
    in_unified[i] = i <= CPU && unified >= 0 && lists(unified, "cgroup.controllers", v2_names[i]);
    // The unified hierarchy freezes and kills by itself.
    if (in_unified[i] || (i == FREEZER && unified >= 0)) continue;
    for (int j = 0; j < 2 && v1[i] < 0; j++) v1[i] = open_hierarchy(v1_paths[i][j], CGROUP_SUPER_MAGIC);
  }
}

uint32_t cgroup_layers(void) {
  uint32_t layers = unified >= 0 || v1[PIDS] >= 0 || v1[FREEZER] >= 0 ? BL_L_CGROUP : 0;
  for (int i = MEMORY; i <= CPU; i++) {
    if (in_unified[i] || v1[i] >= 0) layers |= controller_layers[i];
  }
  return layers;
}

// Opens base/scope[/leaf] below a hierarchy's root, making what is missing. The leaf must be new.
static int descend(int root, const char *scope, const char *leaf, bool make, bool enable) {
  char path[512];
  format(path, sizeof path, "%s/%s%s%s", server.cgroup_base, scope, leaf ? "/" : "", leaf ? leaf : "");
  int flags = O_RDONLY | O_DIRECTORY | O_CLOEXEC;
  if (!make) return openat(root, path, flags);
  // Mostly all but the leaf is there, and has its controllers.
  mode_t mask = umask(022); // a daemon without privileges reads limits and counters in it
  if (leaf && !enable) {
    int made = mkdirat(root, path, 0755), error = errno;
    if (made == 0 || error != ENOENT) {
      umask(mask);
      errno = error;
      return made < 0 ? -1 : openat(root, path, flags);
    }
  }
  int fd = dup(root);
  for (char *rest = NULL, *part = strtok_r(path, "/", &rest); part && fd >= 0; part = strtok_r(NULL, "/", &rest)) {
    if (enable) {
      // A controller that cannot be enabled here shows when its limit is written.
      for (int i = MEMORY; i <= CPU; i++) {
        char line[16];
        if (in_unified[i]) write_at(fd, "cgroup.subtree_control", format(line, sizeof line, "+%s", v2_names[i]));
      }
      if (io_weighted) write_at(fd, "cgroup.subtree_control", "+io");
    }
    bool last = leaf && (!rest || !*rest);
    int made = mkdirat(fd, part, 0755);
    int next = made < 0 && (errno != EEXIST || last) ? -1 : openat(fd, part, flags);
    int error = errno;
    close(fd);
    errno = error;
    fd = next;
  }
  umask(mask);
  return fd;
}

// A server that systemd gave a subtree of its own moves aside, so that the subtree may have controllers.
void cgroup_adopt_self(void) {
  if (unified < 0) return;
  int fd = descend(unified, "launcher", NULL, true, false);
  if (fd < 0) return;
  write_at(fd, "cgroup.procs", "0");
  close(fd);
}

// A group that has used up its share stands still until its period ends, its dying processes and the reaper that sees
// the daemon go included: short periods keep teardown (and answers) short. The kernel's smallest share is 1 ms.
static unsigned period_us(unsigned percent) { return percent >= 5 ? 20000 : 100000; }

static const char *cpu_file(void) { return in_unified[CPU] ? "cpu.max" : "cpu.cfs_quota_us"; }

// Whoever is to die needs time for it.
static void lift_cpu_limit(const char *scope, const char *instance) {
  int root = in_unified[CPU] ? unified : v1[CPU];
  int leaf = root < 0 ? -1 : descend(root, scope, instance, false, false);
  if (leaf < 0) return;
  write_at(leaf, cpu_file(), in_unified[CPU] ? "max" : "-1");
  close(leaf);
}

// The plugin's own and the reaper.
static const char *processes(char *out, size_t size, const struct bl_limits *limits) {
  return format(out, size, "%llu", (unsigned long long)limits->processes + 1);
}

static void set_limit(struct job *job, int leaf, const char *file, const char *value) {
  if (write_at(leaf, file, value) < 0) die(job, BL_STEP_LIMITS, file);
}

// A limit that not every kernel has: only its absence is no failure.
static void set_limit_if_there(struct job *job, int leaf, const char *file, const char *value) {
  if (write_at(leaf, file, value) < 0 && errno != ENOENT) die(job, BL_STEP_LIMITS, file);
}

static unsigned long long quota_us(const struct bl_limits *limits) {
  return (unsigned long long)limits->cpu_percent * period_us(limits->cpu_percent) / 100;
}

// The leaf that the sandbox is made in, and its limits.
void cgroup_create(struct job *job) {
  const struct bl_limits *l = &job->request.limits;
  char value[64];
  cgroup_open_hierarchies();
  job->layers |= cgroup_layers();
  if (unified < 0) return;
  bool enable = io_weighted || in_unified[MEMORY] || in_unified[PIDS] || in_unified[CPU];
  job->cgroup = descend(unified, text(job, job->request.scope), text(job, job->request.instance), true, enable);
  if (job->cgroup < 0) die(job, BL_STEP_CGROUP, "unified"); // somebody else's, perhaps: not ours to undo
  job->cgroups_made = true;
  if (in_unified[MEMORY]) {
    set_limit(job, job->cgroup, "memory.max", format(value, sizeof value, "%llu", (unsigned long long)l->memory));
    set_limit_if_there(job, job->cgroup, "memory.swap.max", "0");
  }
  if (in_unified[PIDS]) set_limit(job, job->cgroup, "pids.max", processes(value, sizeof value, l));
  if (in_unified[CPU]) {
    format(value, sizeof value, "%llu %u", quota_us(l), period_us(l->cpu_percent));
    set_limit(job, job->cgroup, "cpu.max", value);
  }
  // A share of busy disks, where the kernel can give shares: by cost, or by its BFQ scheduler, whose numbers end at 1000
  // (100 is the middle of both). Not in version 1, whose own scheduler is gone (Linux 5.0).
  if (io_weighted) {
    unsigned weight = l->io_weight, bfq = weight <= 100 ? weight : 100 + (weight - 100) / 11;
    set_limit_if_there(job, job->cgroup, "io.weight", format(value, sizeof value, "default %u", weight));
    set_limit_if_there(job, job->cgroup, "io.bfq.weight", format(value, sizeof value, "default %u", bfq));
  }
}

// Nothing but the granted devices.
static void limit_devices(struct job *job) {
  set_limit(job, v1_leaf[DEVICES], "devices.deny", "a");
  for (unsigned i = 0; i < job->request.mount_count; i++) {
    const struct device *d = &job->devices[i];
    char line[64];
    if (!d->type) continue;
    const char *use = job->request.mounts[i].flags & BL_MF_WRITE ? "rw" : "r";
    format(line, sizeof line, "%c %u:%u %s", d->type, d->major, d->minor, use);
    set_limit(job, v1_leaf[DEVICES], "devices.allow", line);
  }
}

// The leaves of version 1 hierarchies, and their limits. They take as long as a good part of a sandbox and nobody needs
// them before the plugin's process is made: a worker makes them beside its child.
void cgroup_create_v1(struct job *job) {
  const struct bl_limits *l = &job->request.limits;
  const char *scope = text(job, job->request.scope), *instance = text(job, job->request.instance);
  char value[64];
  for (int i = 0; i < V1_HIERARCHIES; i++) {
    if (v1[i] < 0) continue;
    if (i == DEVICES && job->request.op == BL_OP_BROKER) continue; // it works on devices
    v1_leaf[i] = descend(v1[i], scope, instance, true, false);
    if (v1_leaf[i] < 0) die(job, BL_STEP_CGROUP, v1_paths[i][0]);
    job->cgroups_made = true;
    job->v1_tasks[i] = openat(v1_leaf[i], "tasks", O_WRONLY | O_CLOEXEC);
    if (job->v1_tasks[i] < 0) die(job, BL_STEP_CGROUP, v1_paths[i][0]);
  }
  if (v1[MEMORY] >= 0) {
    format(value, sizeof value, "%llu", (unsigned long long)l->memory);
    set_limit(job, v1_leaf[MEMORY], "memory.limit_in_bytes", value);
    // Memory and swap together; never less than memory alone, hence after it.
    set_limit_if_there(job, v1_leaf[MEMORY], "memory.memsw.limit_in_bytes", value);
  }
  if (v1[PIDS] >= 0) set_limit(job, v1_leaf[PIDS], "pids.max", processes(value, sizeof value, l));
  if (v1[CPU] >= 0) {
    set_limit(job, v1_leaf[CPU], "cpu.cfs_period_us", format(value, sizeof value, "%u", period_us(l->cpu_percent)));
    set_limit(job, v1_leaf[CPU], "cpu.cfs_quota_us", format(value, sizeof value, "%llu", quota_us(l)));
  }
  if (v1_leaf[DEVICES] >= 0) limit_devices(job);
}

static int count_v1(void) {
  int count = 0;
  for (int i = 0; i < V1_HIERARCHIES; i++) count += v1[i] >= 0;
  return count;
}

// Gives them to the child, which enters by itself. A child that has ended meanwhile has said why.
void cgroup_send_v1(struct job *job, int status) {
  if (count_v1() == 0) return;
  int fds[V1_HIERARCHIES], count = 0;
  for (int i = 0; i < V1_HIERARCHIES; i++) {
    if (job->v1_tasks[i] >= 0) fds[count++] = job->v1_tasks[i];
  }
  ssize_t sent = berth_send_descriptors(status, "", 1, fds, count);
  if (sent < 0 && sent != -EPIPE) die_with(job, BL_STEP_JOIN, (int)-sent, "version 1");
}

void cgroup_receive_v1(struct job *job) {
  if (count_v1() == 0) return;
  char byte;
  int fds[V1_HIERARCHIES], count = V1_HIERARCHIES, next = 0;
  ssize_t got = berth_receive_descriptors(status_socket, &byte, 1, fds, &count);
  if (got != 1 || count != count_v1()) die_with(job, BL_STEP_JOIN, got < 0 ? (int)-got : ECHILD, "version 1");
  for (int i = 0; i < V1_HIERARCHIES; i++) {
    if (v1[i] >= 0) job->v1_tasks[i] = fds[next++];
  }
}

// By `tasks`, not `cgroup.procs`: a thread that moves only itself needs no lock on all processes of the machine, whose
// taking waits for a grace period of RCU (Linux 5.5, cgroup_procs_write_start), 5 to 15 ms.
void cgroup_join(struct job *job) {
  for (int i = 0; i < V1_HIERARCHIES; i++) {
    if (job->v1_tasks[i] >= 0 && write(job->v1_tasks[i], "0", 1) != 1) die(job, BL_STEP_JOIN, v1_paths[i][0]);
  }
}

// Where a running plugin is let at a device, or no longer: the control file of its leaf, -1 where the kernel has no such
// group. A plugin that has ended needs nothing taken away.
int cgroup_open_devices(struct job *job, bool allows) {
  const char *plugin = text(job, job->request.executable);
  if (v1[DEVICES] < 0 || !plugin[0]) return -1;
  int leaf = descend(v1[DEVICES], text(job, job->request.scope), plugin, false, false);
  if (leaf < 0 && errno == ENOENT && !allows) return -1;
  int fd = leaf < 0 ? -1 : openat(leaf, allows ? "devices.allow" : "devices.deny", O_WRONLY | O_CLOEXEC);
  if (fd < 0) die(job, BL_STEP_CGROUP, plugin);
  close(leaf);
  return fd;
}

// The leaf that stands for the instance, -1 when it has none.
int cgroup_leaf(const struct job *job) {
  if (job->cgroup >= 0) return job->cgroup;
  return v1_leaf[PIDS] >= 0 ? v1_leaf[PIDS] : v1_leaf[FREEZER];
}

int cgroup_kill_descriptor(const struct job *job) {
  return job->cgroup < 0 ? -1 : openat(job->cgroup, "cgroup.kill", O_WRONLY | O_CLOEXEC);
}

// For the daemon, which lifts the limit of what it kills.
int cgroup_cpu_descriptor(const struct job *job) {
  int leaf = in_unified[CPU] ? job->cgroup : v1_leaf[CPU];
  return leaf < 0 ? -1 : openat(leaf, cpu_file(), O_WRONLY | O_CLOEXEC);
}

// Signals every process listed in a leaf.
static void kill_listed(int leaf) {
  char content[4096];
  int fd = openat(leaf, "cgroup.procs", O_RDONLY | O_CLOEXEC);
  ssize_t size;
  while (fd >= 0 && (size = read(fd, content, sizeof content - 1)) > 0) {
    content[size] = 0;
    for (char *rest = NULL, *word = strtok_r(content, "\n", &rest); word; word = strtok_r(NULL, "\n", &rest)) {
      int pid = atoi(word);
      if (pid > 1) kill(pid, SIGKILL);
    }
  }
  if (fd >= 0) close(fd);
}

// Kills whatever runs in a leaf. Without cgroup.kill what makes processes faster than they are listed is frozen for the
// while where that is possible; whoever hangs in the kernel keeps its group from freezing, so nobody waits for long.
static void kill_leaf(int leaf) {
  if (write_at(leaf, "cgroup.kill", "1") == 0) return;
  bool freezes = write_at(leaf, "freezer.state", "FROZEN") == 0;
  for (int i = 0; freezes && i < 20 && !lists(leaf, "freezer.state", "FROZEN"); i++) poll(NULL, 0, 1);
  kill_listed(leaf);
  if (freezes) write_at(leaf, "freezer.state", "THAWED"); // who is frozen does not die
}

static int remove_from(int root, const char *scope, const char *instance) {
  int parent = descend(root, scope, NULL, false, false);
  if (parent < 0) return errno == ENOENT ? 0 : -1;
  int result = -1;
  for (int waited = 0, pause = 1; result < 0;) {
    result = unlinkat(parent, instance, AT_REMOVEDIR);
    if (result < 0 && errno == ENOENT) result = 0;
    if (result == 0 || errno != EBUSY || waited > 2000) break;
    if (waited == 0) lift_cpu_limit(scope, instance);
    int leaf = openat(parent, instance, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (leaf >= 0) {
      kill_leaf(leaf);
      close(leaf);
    }
    poll(NULL, 0, pause);
    waited += pause;
    if (pause < 10) pause *= 2;
  }
  int error = errno;
  close(parent);
  errno = error;
  return result;
}

// Kills what an instance still runs and removes its leaves; EBUSY when something survives.
int cgroup_remove(const char *scope, const char *instance) {
  int result = 0;
  cgroup_open_hierarchies();
  if (unified >= 0) result = remove_from(unified, scope, instance);
  for (int i = V1_HIERARCHIES - 1; i >= 0; i--) { // the freezer first
    if (v1[i] >= 0 && remove_from(v1[i], scope, instance) < 0) result = -1;
  }
  return result;
}

static int sweep(int root, const char *scope) {
  int parent = descend(root, scope, NULL, false, false);
  if (parent < 0) return errno == ENOENT ? 0 : -1;
  struct listing listing = {.directory = parent};
  struct entry entry;
  int result = 0, more;
  while ((more = next_entry(&listing, &entry)) > 0) {
    if (entry.type != DT_DIR || entry.name[0] == '.') continue;
    if (remove_from(root, scope, entry.name) < 0) result = -1;
  }
  if (more < 0) result = -1;
  close(parent);
  char path[512];
  unlinkat(root, format(path, sizeof path, "%s/%s", server.cgroup_base, scope), AT_REMOVEDIR);
  return result;
}

int cgroup_sweep(const char *scope) {
  int result = 0;
  cgroup_open_hierarchies();
  if (unified >= 0) result = sweep(unified, scope);
  for (int i = V1_HIERARCHIES - 1; i >= 0; i--) { // the freezer first
    if (v1[i] >= 0 && sweep(v1[i], scope) < 0) result = -1;
  }
  return result;
}
