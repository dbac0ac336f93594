// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0

// The plugin's file system: a fresh tmpfs with nothing in it but clones of the mounts that were asked for. Every source
// is opened once without following a link, cloned, restricted while it is still detached, and put in place by
// descriptor: no path is walked twice.

#include "launcher.h"

#include <fcntl.h>
#include <linux/mount.h>
#include <linux/openat2.h>
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <sys/wait.h>
#include <unistd.h>

#include "berth_socket.h"

#ifndef MOUNT_ATTR_IDMAP
#define MOUNT_ATTR_IDMAP 0x00100000
#endif
#define PROPAGATE_PRIVATE (1u << 18) // MS_PRIVATE
#define PROPAGATE_SLAVE (1u << 19)   // MS_SLAVE
#define RECURSIVE 0x8000             // AT_RECURSIVE
#define ROOT_SIZE "1m"                // of the plugin's root: directories, links and small files
#define DETACH 2                     // MNT_DETACH

// A descriptor for a user namespace that maps `owner` to the plugin's ids. The kernel has no way to make one without a
// process; that process hands over its own namespace, for looking into another's would take CAP_SYS_PTRACE here.
static int mapping(struct job *job, uid_t owner, gid_t group) {
  int pair[2], result = -1, count = 1;
  if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) < 0) return -1;
  int pid = (int)syscall(SYS_clone, CLONE_NEWUSER | SIGCHLD, NULL, NULL, NULL, 0);
  if (pid < 0) return -1;
  char byte = 0;
  if (pid == 0) {
    if (close(pair[0]) < 0) _exit(1); // or its own copy would keep it waiting for ever
    int own = openat(server.proc, "self/ns/user", O_RDONLY | O_CLOEXEC);
    if (own < 0 || berth_send_descriptors(pair[1], &byte, 1, &own, 1) != 1) _exit(1);
    _exit(read(pair[1], &byte, 1) != 0); // the other end is closed: the maps are written
  }
  close(pair[1]);
  ssize_t got = berth_receive_descriptors(pair[0], &byte, 1, &result, &count);
  if (got != 1 || count != 1) result = -1;
  errno = got < 0 ? (int)-got : EACCES;
  char name[64], line[64];
  format(line, sizeof line, "%u %u 1\n", owner, job->request.uid);
  if (result >= 0 && write_at(server.proc, format(name, sizeof name, "%d/uid_map", pid), line) < 0) result = -1;
  format(line, sizeof line, "%u %u 1\n", group, job->request.gid);
  if (result >= 0 && write_at(server.proc, format(name, sizeof name, "%d/gid_map", pid), line) < 0) result = -1;
  int error = errno;
  close(pair[0]);
  while (waitpid(pid, NULL, 0) < 0 && errno == EINTR) {}
  errno = error;
  return result;
}

static int set_attributes(int mount, uint64_t attributes, uint64_t propagation, int user_namespace) {
  struct mount_attr attr = {.attr_set = attributes, .propagation = propagation};
  if (user_namespace >= 0) {
    attr.attr_set |= MOUNT_ATTR_IDMAP;
    attr.userns_fd = (uint64_t)user_namespace;
  }
  return (int)syscall(SYS_mount_setattr, mount, "", AT_EMPTY_PATH | RECURSIVE, &attr, sizeof attr);
}

// The owner of the source is to appear as the plugin, on the disk everything stays the owner's.
static void map_owner(struct job *job, int mount, const struct stat *status, const char *path) {
  if (status->st_uid == job->request.uid || (job->request.flags & BL_F_USERNS)) return;
  int namespace = mapping(job, status->st_uid, status->st_gid);
  if (namespace < 0) die(job, BL_STEP_IDMAP, path);
  int result = set_attributes(mount, 0, 0, namespace);
  if (result < 0) die(job, BL_STEP_IDMAP, path);
  close(namespace);
}

// Whose programs may run: root's, our own, and those of whoever asks, who may have any of his started anyway (as a unit:
// berthd's copies of bundles). In a user namespace root's files show no owner at all.
static bool is_trusted(const struct job *job, uid_t owner) {
  struct berth_credentials peer;
  if (owner == 0 || owner == geteuid() || (job->request.flags & BL_F_USERNS)) return true;
  return server.socket_path && berth_peer_credentials(daemon_socket, &peer) == 0 && owner == peer.uid;
}

static void open_source(struct job *job, unsigned index) {
  const struct bl_mount *m = &job->request.mounts[index];
  const char *path = text(job, m->source);
  struct open_how how = {.flags = O_PATH | O_CLOEXEC, .resolve = RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS};
  int fd = (int)syscall(SYS_openat2, AT_FDCWD, path, &how, sizeof how);
  if (fd < 0 && errno == ENOENT && (m->flags & BL_MF_OPTIONAL)) return;
  struct stat status;
  if (fd < 0 || fstat(fd, &status) < 0) die(job, BL_STEP_SOURCE, path);
  bool directory = S_ISDIR(status.st_mode), device = S_ISCHR(status.st_mode) || S_ISBLK(status.st_mode);
  if (device != !!(m->flags & BL_MF_DEVICE) || (!directory && !device && !S_ISREG(status.st_mode))) {
    die_with(job, BL_STEP_SOURCE, EINVAL, path);
  }
  if ((m->flags & BL_MF_EXEC) && (!is_trusted(job, status.st_uid) || (status.st_mode & 022))) {
    die_with(job, BL_STEP_SOURCE, EACCES, path); // programs that somebody else could replace
  }
  if (device) {
    char type = S_ISBLK(status.st_mode) ? 'b' : 'c';
    job->devices[index] = (struct device){type, major(status.st_rdev), minor(status.st_rdev)};
  }
  unsigned flags = OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | AT_EMPTY_PATH | RECURSIVE;
  int mount = (int)syscall(SYS_open_tree, fd, "", flags);
  if (mount < 0) die(job, BL_STEP_SOURCE, path);
  close(fd);
  if (m->flags & BL_MF_IDMAP) map_owner(job, mount, &status, path);
  uint64_t attributes = MOUNT_ATTR_NOSUID;
  if (!device && !(m->flags & BL_MF_NODES)) attributes |= MOUNT_ATTR_NODEV;
  if (!(m->flags & BL_MF_EXEC)) attributes |= MOUNT_ATTR_NOEXEC;
  // What may be done to a device does not depend on it; the node itself is nobody's to change.
  if (device || !(m->flags & BL_MF_WRITE)) attributes |= MOUNT_ATTR_RDONLY;
  uint64_t propagation = m->flags & BL_MF_SLAVE ? PROPAGATE_SLAVE : PROPAGATE_PRIVATE;
  if (set_attributes(mount, attributes, propagation, -1) < 0) die(job, BL_STEP_SOURCE, path);
  job->sources[index] = mount;
  job->source_is_file[index] = !directory;
}

void open_sources(struct job *job) {
  if (server.host_mounts >= 0 && setns(server.host_mounts, CLONE_NEWNS) < 0) die(job, BL_STEP_SOURCE, "host mounts");
  for (unsigned i = 0; i < job->request.mount_count; i++) {
    if (job->request.mounts[i].kind == BL_M_BIND) open_source(job, i);
    if (job->request.mounts[i].kind == BL_M_IMAGE) job->sources[i] = open_image(job);
  }
  int own = job->has_kit ? job->kit[KIT_MOUNTS] : server.own_mounts;
  if (server.host_mounts >= 0 && setns(own, CLONE_NEWNS) < 0) die(job, BL_STEP_SOURCE, "own mounts");
}

// A detached instance of a file system; -1 with errno on failure.
int make_mount(const char *type, const struct option *options, size_t count, unsigned attributes) {
  int fs = (int)syscall(SYS_fsopen, type, FSOPEN_CLOEXEC);
  if (fs < 0) return -1;
  for (size_t i = 0; i < count; i++) {
    if (syscall(SYS_fsconfig, fs, FSCONFIG_SET_STRING, options[i].name, options[i].value, 0) < 0) return -1;
  }
  if (syscall(SYS_fsconfig, fs, FSCONFIG_CMD_CREATE, NULL, NULL, 0) < 0) return -1;
  int mount = (int)syscall(SYS_fsmount, fs, FSMOUNT_CLOEXEC, attributes);
  int error = errno;
  close(fs);
  errno = error;
  return mount;
}

static int make_tmpfs(struct job *job, const struct bl_mount *m) {
  char size[32], inodes[32], uid[32], gid[32];
  struct option options[] = {
      {"size", format(size, sizeof size, "%llu", (unsigned long long)m->size)},
      {"nr_inodes", format(inodes, sizeof inodes, "%u", m->inodes)},
      {"uid", format(uid, sizeof uid, "%u", job->request.uid)},
      {"gid", format(gid, sizeof gid, "%u", job->request.gid)},
      {"mode", "0700"},
  };
  return make_mount("tmpfs", options, 5, MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOEXEC);
}

// Makes the directories above a target below the new root and returns the last of them; `*name` is what remains.
static int parent_of(struct job *job, int root, const char *target, char *copy, size_t size, char **name) {
  format(copy, size, "%s", target + 1);
  char *last = strrchr(copy, '/');
  if (last) { // mostly it is there: one call, through no link and not out of the root
    struct open_how how = {.flags = O_PATH | O_DIRECTORY | O_CLOEXEC, .resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS};
    *last = 0;
    int there = (int)syscall(SYS_openat2, root, copy, &how, sizeof how);
    *name = last + 1;
    if (there >= 0) return there;
    *last = '/';
  }
  int fd = dup(root);
  char *part = copy;
  for (char *slash; fd >= 0 && (slash = strchr(part, '/')); part = slash + 1) {
    *slash = 0;
    if (mkdirat(fd, part, 0755) < 0 && errno != EEXIST && errno != EROFS) die(job, BL_STEP_MOUNT, target);
    int next = openat(fd, part, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (next < 0) die(job, BL_STEP_MOUNT, target);
    close(fd);
    fd = next;
  }
  if (fd < 0) die(job, BL_STEP_MOUNT, target);
  *name = part;
  return fd;
}

static void place(struct job *job, int root, unsigned index) {
  const struct bl_mount *m = &job->request.mounts[index];
  const char *target = text(job, m->target), *source = text(job, m->source);
  int mount = m->kind == BL_M_TMPFS ? make_tmpfs(job, m) : job->sources[index];
  if (mount < 0 && m->kind == BL_M_TMPFS) die(job, BL_STEP_MOUNT, target);
  if (mount < 0 && m->kind == BL_M_BIND) return; // optional and absent
  char copy[1024], *name;
  int parent = parent_of(job, root, target, copy, sizeof copy, &name);
  if (m->kind == BL_M_SYMLINK) {
    if (symlinkat(source, parent, name) < 0) die(job, BL_STEP_MOUNT, target);
  } else if (m->kind == BL_M_FILE) {
    int fd = openat(parent, name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0444);
    ssize_t length = (ssize_t)strlen(source);
    if (fd < 0 || write(fd, source, (size_t)length) != length) die(job, BL_STEP_MOUNT, target);
    close(fd);
  } else {
    bool file = m->kind == BL_M_BIND && job->source_is_file[index];
    int made = file ? mknodat(parent, name, S_IFREG | 0444, 0) : mkdirat(parent, name, 0755);
    if (made < 0 && errno != EEXIST && errno != EROFS) die(job, BL_STEP_MOUNT, target);
    // By name: a link there would not be followed, and a directory goes only on a directory.
    if (syscall(SYS_move_mount, mount, "", parent, name, MOVE_MOUNT_F_EMPTY_PATH) < 0) die(job, BL_STEP_MOUNT, target);
    job->sources[index] = mount; // for its Landlock rule
  }
  close(parent);
}

// Takes the caller out of every mount it could see and into `root`.
static int enter(int root) {
  if (fchdir(root) < 0 || syscall(SYS_pivot_root, ".", ".") < 0) return -1;
  if (syscall(SYS_umount2, ".", DETACH) < 0) return -1;
  return chdir("/");
}

static int attach_root(const char *size) {
  struct mount_attr attr = {.propagation = PROPAGATE_PRIVATE};
  if (syscall(SYS_mount_setattr, AT_FDCWD, "/", RECURSIVE, &attr, sizeof attr) < 0) return -1;
  struct option options[] = {{"size", size}, {"nr_inodes", "1024"}, {"mode", "0755"}};
  int root = make_mount("tmpfs", options, 3, MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOEXEC);
  if (root < 0) return -1;
  return syscall(SYS_move_mount, root, "", AT_FDCWD, "/", MOVE_MOUNT_F_EMPTY_PATH) < 0 ? -1 : root;
}

// Takes the caller, alone in its mount namespace, into a root like the one that build_root makes.
int new_root(void) {
  int root = attach_root(ROOT_SIZE);
  if (root < 0 || enter(root) < 0) return -1;
  return close(root);
}

void build_root(struct job *job) {
  umask(0);
  // A kit has its root in place.
  int root = job->has_kit ? open("/", O_PATH | O_DIRECTORY | O_CLOEXEC) : attach_root(ROOT_SIZE);
  if (root < 0) die(job, BL_STEP_ROOT, "tmpfs");
  for (unsigned i = 0; i < job->request.mount_count; i++) place(job, root, i);
  if (job->request.flags & BL_F_PROC) {
    struct option options[] = {{"hidepid", "invisible"}, {"subset", "pid"}};
    int proc = make_mount("proc", options, 2, MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOEXEC);
    if (proc < 0 || mkdirat(root, "proc", 0555) < 0) die(job, BL_STEP_PROC, "/proc");
    if (syscall(SYS_move_mount, proc, "", root, "proc", MOVE_MOUNT_F_EMPTY_PATH) < 0) die(job, BL_STEP_PROC, "/proc");
    close(proc);
  }
  if (!job->has_kit && enter(root) < 0) die(job, BL_STEP_PIVOT, "/");
  struct mount_attr attr = {.attr_set = MOUNT_ATTR_RDONLY};
  if (syscall(SYS_mount_setattr, root, "", AT_EMPTY_PATH, &attr, sizeof attr) < 0) die(job, BL_STEP_PIVOT, "read-only /");
  close(root);
  umask(077);
}

// A server keeps a namespace with one empty mount: a clone then costs the same however many mounts the host has.
void enter_small_namespace(void) {
  static struct job none;
  server.host_mounts = openat(server.proc, "self/ns/mnt", O_RDONLY | O_CLOEXEC);
  if (server.host_mounts < 0 || unshare(CLONE_NEWNS) < 0) die(&none, BL_STEP_ROOT, "server namespace");
  int root = attach_root("64k");
  if (root < 0 || enter(root) < 0) die(&none, BL_STEP_ROOT, "server root");
  close(root);
  server.own_mounts = openat(server.proc, "self/ns/mnt", O_RDONLY | O_CLOEXEC);
  if (server.own_mounts < 0) die(&none, BL_STEP_ROOT, "server namespace");
}
