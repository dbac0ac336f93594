// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0

// Subvolumes as streams. Sending is one request of the file system's. Receiving is left to the tool that belongs to
// it, which reads what strangers wrote: it runs in a root of its own (see room.c), in a directory that nobody else
// enters, and what it made is taken over under the host's name only when the stream was whole.

#include "broker.h"

#include <dirent.h>
#include <fcntl.h>
#include <linux/btrfs.h>
#include <linux/btrfs_tree.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/wait.h>
#include <unistd.h>

static struct btrfs_ioctl_get_subvol_info_args information(int fd, const char *name) {
  struct btrfs_ioctl_get_subvol_info_args info = {0};
  if (ioctl(fd, BTRFS_IOC_GET_SUBVOL_INFO, &info) < 0) fail("%s", name);
  return info;
}

static uint64_t check_read_only(int fd, const char *name) {
  struct btrfs_ioctl_get_subvol_info_args info = information(fd, name);
  if (!(info.flags & BTRFS_ROOT_SUBVOL_RDONLY)) {
    fail_with(EPERM, "%s can be written: only snapshots are streamed", name);
  }
  return info.treeid;
}

void op_btrfs_send(void) {
  if (request.arg_count < 1) fail_with(EINVAL, "subvolumes");
  // A reader that went away is an error to report, not the worker's end.
  signal(SIGPIPE, SIG_IGN);
  __u64 base = 0;
  if (*text(request.path2)) base = check_read_only(open_subvolume(request.root2, request.path2), text(request.path2));
  int fds[BB_MAX_ARGS];
  __u64 ids[BB_MAX_ARGS];
  for (unsigned i = 0; i < request.arg_count; i++) {
    fds[i] = open_subvolume(request.root, request.args[i]);
    ids[i] = check_read_only(fds[i], text(request.args[i]));
  }
  for (unsigned i = 0; i < request.arg_count; i++) {
    __u64 before = i == 0 ? base : ids[i - 1];
    struct btrfs_ioctl_send_args args = {
        .send_fd = 1, .parent_root = before, .clone_sources = &before, .clone_sources_count = before ? 1 : 0};
    if (i > 0) args.flags |= BTRFS_SEND_FLAG_OMIT_STREAM_HEADER;
    if (i + 1 < request.arg_count) args.flags |= BTRFS_SEND_FLAG_OMIT_END_CMD;
    if (ioctl(fds[i], BTRFS_IOC_SEND, &args) < 0) fail("sending %s", text(request.args[i]));
  }
}

// MARK: Receiving

static int parent_of_target;
static char target_name[256], stage_name[160];

// Ends the worker with nothing left behind.
__attribute__((format(printf, 2, 3))) static _Noreturn void undo(int error, const char *pattern, ...) {
  char what[BB_DETAIL];
  va_list arguments;
  va_start(arguments, pattern);
  vsnprintf(what, sizeof what, pattern, arguments);
  va_end(arguments);
  if (unstage(parent_of_target, stage_name) < 0) fail("%s cannot be removed", stage_name);
  fail_with(error, "%s", what);
}

static uint64_t tree_of(int directory, char path[BTRFS_INO_LOOKUP_PATH_MAX]) {
  struct stat status;
  if (fstat(directory, &status) < 0) fail("directory");
  struct btrfs_ioctl_ino_lookup_args lookup = {.objectid = status.st_ino};
  if (ioctl(directory, BTRFS_IOC_INO_LOOKUP, &lookup) < 0) fail("directory");
  if (path) memcpy(path, lookup.name, BTRFS_INO_LOOKUP_PATH_MAX);
  return lookup.treeid;
}

// The base, and where the tool will look for it: its own path in the subvolume that its directory belongs to, and that
// of another that has the same sender's id.
static int open_base(char paths[3][4352]) {
  if (!*text(request.path2)) return -1;
  char name[256], folder[BTRFS_INO_LOOKUP_PATH_MAX];
  int directory = open_parent(request.root2, request.path2, name);
  int base = open_subvolume(request.root2, request.path2);
  check_read_only(base, text(request.path2));
  uint64_t root = tree_of(directory, folder);
  if (root != tree_of(parent_of_target, NULL)) {
    fail_with(ENOTSUP, "%s and its base lie in different subvolumes", target_name);
  }
  snprintf(paths[0], sizeof paths[0], "%s%s", folder, name);
  struct btrfs_ioctl_get_subvol_info_args info = information(base, name);
  const uint8_t *const ids[] = {info.received_uuid, info.uuid};
  for (int i = 0, count = 1; i < 2; i++) {
    char *other = paths[count];
    if (!other_place(base, ids[i], root, other, sizeof paths[0])) *other = 0;
    bool known = false;
    for (int k = 0; k < count; k++) known |= strcmp(paths[k], other) == 0;
    if (known) *other = 0;
    count += *other != 0;
  }
  return base;
}

static int snapshot_of(int source, const char *name) {
  struct btrfs_ioctl_vol_args_v2 args = {.fd = source, .flags = BTRFS_SUBVOL_RDONLY};
  if (snprintf(args.name, sizeof args.name, "%s", name) > 255) return errno = ENAMETOOLONG, -1;
  return ioctl(parent_of_target, BTRFS_IOC_SNAP_CREATE_V2, &args);
}

// What the sender calls a snapshot: the text behind the last '@' of the subvolume's name.
static const char *label_of(const char *name) {
  const char *at = strrchr(name, '@');
  if (!at || !at[1] || strlen(at + 1) > 128) return NULL;
  for (const char *c = at + 1; *c; c++) {
    bool plain = (*c >= 'a' && *c <= 'z') || (*c >= 'A' && *c <= 'Z') || (*c >= '0' && *c <= '9') || strchr("._+-", *c);
    if (!plain) return NULL;
  }
  return at + 1;
}

struct arrival {
  char from[256], to[256];
  uint64_t made; // order of their arrival: subvolume ids grow
};

static int list_arrivals(int inside, struct arrival *arrivals, int most) {
  DIR *directory = fdopendir(openat(inside, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!directory) undo(errno, "what was received");
  int count = 0;
  for (struct dirent *entry; (entry = readdir(directory));) {
    if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0) continue;
    if (count == most) undo(EBADMSG, "the stream has more than %d subvolume%s", most, most == 1 ? "" : "s");
    struct arrival *arrival = &arrivals[count++];
    int fd = openat(inside, entry->d_name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    struct btrfs_ioctl_get_subvol_info_args info = {0};
    struct stat status;
    bool whole = fd >= 0 && fstat(fd, &status) == 0 && status.st_ino == BTRFS_FIRST_FREE_OBJECTID &&
                 ioctl(fd, BTRFS_IOC_GET_SUBVOL_INFO, &info) >= 0 && (info.flags & BTRFS_ROOT_SUBVOL_RDONLY);
    static const uint8_t none[BTRFS_UUID_SIZE];
    if (!whole || memcmp(info.received_uuid, none, sizeof none) == 0) {
      undo(EBADMSG, "the stream leaves a subvolume unfinished");
    }
    close(fd);
    arrival->made = info.treeid;
    snprintf(arrival->from, sizeof arrival->from, "%s", entry->d_name);
    const char *label = most == 1 ? "" : label_of(entry->d_name);
    if (!label) undo(EBADMSG, "a subvolume of the stream has no snapshot's name");
    int size = snprintf(arrival->to, sizeof arrival->to, "%s%s%s", target_name, *label ? "@" : "", label);
    if (size >= (int)sizeof arrival->to) undo(ENAMETOOLONG, "%s", target_name);
  }
  closedir(directory);
  if (count == 0) undo(EBADMSG, "the stream has no subvolume");
  for (int i = 1; i < count; i++) {
    for (int k = i; k > 0 && arrivals[k - 1].made > arrivals[k].made; k--) {
      struct arrival other = arrivals[k];
      arrivals[k] = arrivals[k - 1];
      arrivals[k - 1] = other;
    }
  }
  return count;
}

// All of them get their names or none.
static void take_over(int inside) {
  static struct arrival arrivals[256];
  int count = list_arrivals(inside, arrivals, request.flags & BB_F_SEVERAL ? 256 : 1);
  for (int i = 0; i < count; i++) {
    int source = openat(inside, arrivals[i].from, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (source >= 0 && snapshot_of(source, arrivals[i].to) == 0) {
      close(source);
      continue;
    }
    int error = errno;
    while (i-- > 0) destroy_subvolume(parent_of_target, arrivals[i].to);
    undo(error, "%s", target_name);
  }
  // Durable before it is acknowledged.
  if (ioctl(parent_of_target, BTRFS_IOC_SYNC, NULL) < 0) fail("%s: sync", target_name);
  for (int i = 0; i < count; i++) {
    int made = open_folder(parent_of_target, arrivals[i].to);
    if (made < 0) fail("%s", arrivals[i].to);
    print_subvolume(made, arrivals[i].to);
    close(made);
  }
}

void op_btrfs_receive(void) {
  static const char *const candidates[] = {"/usr/bin/btrfs", "/usr/sbin/btrfs", NULL};
  const char *program = find_program(candidates);
  if (!program) fail_with(ENOPKG, "btrfs-progs is not installed");
  check_name(text(request.name), "name");
  snprintf(stage_name, sizeof stage_name, ".berth-%s", text(request.name));
  parent_of_target = open_parent(request.root, request.path, target_name);
  check_btrfs(parent_of_target);
  struct stat owner, taken;
  if (fstat(parent_of_target, &owner) < 0) fail("%s", target_name);
  bool several = request.flags & BB_F_SEVERAL; // their names are not known yet
  if (!several && fstatat(parent_of_target, target_name, &taken, AT_SYMLINK_NOFOLLOW) == 0) {
    fail_with(EEXIST, "%s", target_name);
  }
  static struct room room;
  room.base = open_base(room.paths);
  if (several) {
    // Each but the first is a change of the one before it.
    char folder[BTRFS_INO_LOOKUP_PATH_MAX];
    tree_of(parent_of_target, folder);
    snprintf(room.own, sizeof room.own, "%s%s/t", folder, stage_name);
  }
  if (mkdirat(parent_of_target, stage_name, 0700) < 0) fail("%s", stage_name);
  int stage = openat(parent_of_target, stage_name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
  int inside = stage < 0 ? -1 : make_subvolume(stage, "t");
  bool made = inside >= 0 && fchown(inside, owner.st_uid, owner.st_gid) == 0 && fchmod(inside, 0700) == 0;
  for (int i = 0; made && i < 3; i++) made = make_folders(stage, room.paths[i]) == 0;
  if (!made || make_folders(stage, room.own) < 0) undo(errno, "the place to receive in");
  room.inside = inside;
  room.stage = stage;
  room.uid = owner.st_uid;
  room.gid = owner.st_gid;
  room.program = program;
  pid_t pid = fork();
  if (pid < 0) undo(errno, "fork");
  if (pid == 0) receive_in(&room);
  wait_for(pid);
  if (reply.status == ROOM_FAILED) undo(EIO, "the room to receive in");
  if (reply.status != 0) undo(EBADMSG, "the stream was refused");
  take_over(inside);
  if (unstage(parent_of_target, stage_name) < 0) fail("%s cannot be removed", stage_name);
}
