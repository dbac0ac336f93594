// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0

// What a process does to itself: limits, identity, capabilities, Landlock, seccomp.

#include "launcher.h"

#include <fcntl.h>
#include <grp.h>
#include <linux/capability.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <linux/securebits.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

static void limit(struct job *job, int which, uint64_t value, const char *name) {
  struct rlimit now;
  if (getrlimit(which, &now) < 0) die(job, BL_STEP_RLIMIT, name);
  rlim_t wanted = value == UINT64_MAX ? RLIM_INFINITY : (rlim_t)value;
  if (now.rlim_max != RLIM_INFINITY && (wanted == RLIM_INFINITY || wanted > now.rlim_max)) wanted = now.rlim_max;
  struct rlimit next = {wanted, wanted};
  if (setrlimit(which, &next) < 0) die(job, BL_STEP_RLIMIT, name);
}

void limit_resources(struct job *job) {
  const struct bl_limits *l = &job->request.limits;
  limit(job, RLIMIT_CORE, 0, "core");
  limit(job, RLIMIT_NOFILE, l->descriptors, "nofile");
  limit(job, RLIMIT_FSIZE, l->file_size, "fsize");
  limit(job, RLIMIT_AS, l->address_space, "as");
  limit(job, RLIMIT_MEMLOCK, 0, "memlock");
  limit(job, RLIMIT_MSGQUEUE, 0, "msgqueue");
  limit(job, RLIMIT_RTPRIO, 0, "rtprio");
  limit(job, RLIMIT_NICE, 0, "nice");
  limit(job, RLIMIT_SIGPENDING, 256, "sigpending");
  // Per user: in unprivileged mode the user's other processes count as well, so only the uid of its own gets a limit.
  if (!(job->request.flags & BL_F_USERNS)) limit(job, RLIMIT_NPROC, l->processes + 2, "nproc");
  job->layers |= BL_L_RLIMITS;
}

void drop_privileges(struct job *job) {
  const struct bl_request *r = &job->request;
  bool own_user = !(r->flags & BL_F_USERNS);
  if (own_user && setgroups(0, NULL) < 0) die(job, BL_STEP_IDS, "setgroups");
  if (setresgid(r->gid, r->gid, r->gid) < 0) die(job, BL_STEP_IDS, "setresgid");
  for (int capability = 0; capability < 64; capability++) {
    if (prctl(PR_CAPBSET_DROP, capability, 0, 0, 0) < 0) {
      if (errno == EINVAL && capability > CAP_BLOCK_SUSPEND) break;
      die(job, BL_STEP_CAPS, "bounding set");
    }
  }
  unsigned long bits = SECBIT_NOROOT | SECBIT_NOROOT_LOCKED | SECBIT_KEEP_CAPS_LOCKED | SECBIT_NO_CAP_AMBIENT_RAISE |
                       SECBIT_NO_CAP_AMBIENT_RAISE_LOCKED;
  if (prctl(PR_SET_SECUREBITS, bits, 0, 0, 0) < 0) die(job, BL_STEP_CAPS, "secure bits");
  if (prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0) < 0) die(job, BL_STEP_CAPS, "ambient set");
  if (setresuid(r->uid, r->uid, r->uid) < 0) die(job, BL_STEP_IDS, "setresuid");
  struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
  struct __user_cap_data_struct none[2] = {{0}};
  if (syscall(SYS_capset, &header, none) < 0) die(job, BL_STEP_CAPS, "capset");
  if (prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) < 0) die(job, BL_STEP_CAPS, "dumpable");
  job->layers |= BL_L_CAPS | (own_user ? BL_L_UID : 0);
  if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0) die(job, BL_STEP_NNP, "prctl");
  job->layers |= BL_L_NNP;
}

// Landlock, in numbers of our own: the system's header may be older than the running kernel.
enum {
  LL_EXECUTE = 1 << 0, LL_WRITE_FILE = 1 << 1, LL_READ_FILE = 1 << 2, LL_READ_DIR = 1 << 3, LL_REMOVE_DIR = 1 << 4,
  LL_REMOVE_FILE = 1 << 5, LL_MAKE_CHAR = 1 << 6, LL_MAKE_DIR = 1 << 7, LL_MAKE_REG = 1 << 8, LL_MAKE_SOCK = 1 << 9,
  LL_MAKE_FIFO = 1 << 10, LL_MAKE_BLOCK = 1 << 11, LL_MAKE_SYM = 1 << 12, LL_REFER = 1 << 13, LL_TRUNCATE = 1 << 14,
  LL_IOCTL_DEV = 1 << 15,
  LL_RULE_PATH = 1, LL_RULE_NET = 2, LL_CONNECT_TCP = 1 << 1, LL_LOG_NEW_EXEC = 1 << 1, LL_VERSION = 1,
};
struct ll_ruleset { uint64_t fs, net, scoped; };
struct ll_path { uint64_t allowed; int32_t parent; } __attribute__((packed));
struct ll_port { uint64_t allowed, port; };

#ifndef SYS_landlock_create_ruleset
#define SYS_landlock_create_ruleset 444
#define SYS_landlock_add_rule 445
#define SYS_landlock_restrict_self 446
#endif

// The ABI, 0 when the kernel has none; -1 when the question itself failed, which must not pass for "none".
int landlock_probe(void) {
  long abi = syscall(SYS_landlock_create_ruleset, NULL, 0, LL_VERSION);
  if (abi >= 0) return (int)abi;
  return errno == ENOSYS || errno == EOPNOTSUPP ? 0 : -1;
}

static void allow(struct job *job, int ruleset, int place, bool file, uint64_t allowed, const char *path) {
  if (file) allowed &= LL_EXECUTE | LL_WRITE_FILE | LL_READ_FILE | LL_TRUNCATE | LL_IOCTL_DEV;
  struct ll_path rule = {.parent = place, .allowed = allowed};
  if (syscall(SYS_landlock_add_rule, ruleset, LL_RULE_PATH, &rule, 0) < 0) die(job, BL_STEP_LANDLOCK, path);
}

static void allow_path(struct job *job, int ruleset, const char *path, uint64_t allowed) {
  int place = open(path, O_PATH | O_CLOEXEC);
  struct stat status;
  if (place < 0 || fstat(place, &status) < 0) die(job, BL_STEP_LANDLOCK, path);
  allow(job, ruleset, place, !S_ISDIR(status.st_mode), allowed, path);
  close(place);
}

static uint64_t rights_of(const struct bl_mount *m) {
  uint64_t rights = LL_READ_FILE | LL_READ_DIR;
  if (m->flags & BL_MF_EXEC) rights |= LL_EXECUTE;
  if (m->flags & BL_MF_FIFO || ((m->flags & BL_MF_DEVICE) && (m->flags & BL_MF_WRITE))) rights |= LL_WRITE_FILE;
  if (m->flags & BL_MF_NODES) rights |= LL_WRITE_FILE | LL_IOCTL_DEV;
  if (m->kind == BL_M_TMPFS || m->kind == BL_M_IMAGE || ((m->flags & BL_MF_WRITE) && !(m->flags & BL_MF_DEVICE))) {
    rights |= LL_WRITE_FILE | LL_REMOVE_DIR | LL_REMOVE_FILE | LL_MAKE_DIR | LL_MAKE_REG | LL_MAKE_SOCK | LL_MAKE_FIFO |
              LL_MAKE_SYM | LL_REFER | LL_TRUNCATE;
  }
  return rights;
}

// In the sandbox's init, while the mounts are still open by descriptor and before few descriptors are allowed.
void prepare_landlock(struct job *job) {
  int abi = landlock_probe();
  job->landlock_abi = abi;
  if (abi < 0) die(job, BL_STEP_LANDLOCK, "abi");
  if (abi == 0) { // the required layers decide whether that is good enough
    for (unsigned i = 0; i < BL_MAX_MOUNTS; i++) close(job->sources[i]);
    return;
  }
  struct ll_ruleset set = {.fs = (1u << 13) - 1};
  if (abi >= 2) set.fs |= LL_REFER;
  if (abi >= 3) set.fs |= LL_TRUNCATE;
  if (abi >= 5) set.fs |= LL_IOCTL_DEV;
  bool host_network = job->request.flags & BL_F_NET_HOST;
  if (abi >= 4 && !host_network) set.net = 3;
  if (abi >= 6) set.scoped = 3;
  size_t size = abi >= 6 ? 24 : abi >= 4 ? 16 : 8;
  int ruleset = (int)syscall(SYS_landlock_create_ruleset, &set, size, 0);
  if (ruleset < 0) die(job, BL_STEP_LANDLOCK, "ruleset");
  allow_path(job, ruleset, "/", LL_READ_DIR & set.fs);
  for (unsigned i = 0; i < job->request.mount_count; i++) {
    const struct bl_mount *m = &job->request.mounts[i];
    const char *target = text(job, m->target);
    uint64_t rights = rights_of(m) & set.fs;
    if (job->sources[i] >= 0) {
      allow(job, ruleset, job->sources[i], job->source_is_file[i], rights, target);
    } else if (m->kind == BL_M_FILE) {
      allow_path(job, ruleset, target, rights);
    } // else a link, or optional and absent
    if (job->sources[i] >= 0) close(job->sources[i]);
    job->sources[i] = -1;
  }
  if (job->request.flags & BL_F_PROC) allow_path(job, ruleset, "/proc", (LL_READ_FILE | LL_READ_DIR) & set.fs);
  for (unsigned i = 0; set.net && i < job->request.endpoint_count; i++) {
    struct ll_port rule = {.allowed = LL_CONNECT_TCP, .port = job->request.endpoints[i].port};
    if (syscall(SYS_landlock_add_rule, ruleset, LL_RULE_NET, &rule, 0) < 0) die(job, BL_STEP_LANDLOCK, "port");
  }
  job->ruleset = ruleset;
}

void restrict_with_landlock(struct job *job) {
  if (job->landlock_abi == 0) return;
  unsigned flags = job->landlock_abi >= 7 && (job->request.flags & BL_F_AUDIT) ? LL_LOG_NEW_EXEC : 0;
  if (syscall(SYS_landlock_restrict_self, job->ruleset, flags) < 0) die(job, BL_STEP_LANDLOCK, "restrict");
  close(job->ruleset);
  job->layers |= BL_L_LANDLOCK;
}

// Loads the plugin's filter; in learning mode returns the descriptor that is told of refused calls, else -1.
int load_filter(struct job *job) {
  struct sock_fprog program = {.len = job->filter_count, .filter = (struct sock_filter *)(void *)job->filter};
  bool learn = job->request.flags & BL_F_LEARN;
  unsigned flags = learn ? SECCOMP_FILTER_FLAG_NEW_LISTENER : 0;
  long result = syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, flags, &program);
  if (result < 0) die(job, BL_STEP_SECCOMP, "load");
  return learn ? (int)result : -1;
}
