// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0

// One privileged storage operation: what the daemon asks of a berth-broker worker and what that answers. The request
// travels as a sealed anonymous file (it may hold a password), the answer as one message on a socket; what a program
// prints goes through pipes. berth-launcher starts the worker with the capabilities of the operation's kind and no more.

#pragma once

#include <stdint.h>

#define BB_MAGIC 0x4b524242u // "BBRK"
#define BB_VERSION 1u

enum { BB_POOL = 32768, BB_MAX_OPTIONS = 24, BB_MAX_ARGS = 64, BB_DETAIL = 400, BB_NODE = 256 };
// Seconds: moving a large volume may take a day, as the call that it serves.
enum { BB_LONGEST = 86400 };

// What a worker does. The capabilities of each kind are in bb_capabilities.
enum bb_kind {
  BB_PREPARE = 1,     // `place`/mounts and `place`/dev become mounts whose later mounts reach running plugins
  BB_DISMISS = 2,     // undoes BB_PREPARE and everything below it
  BB_LOOP_ATTACH = 3, // `root`/`path` becomes a loop device labelled `label`
  BB_LOOP_DETACH = 4, // loop device `number`, when it is labelled `label`
  BB_MOUNT_LOCAL = 5, // file system `type` on `node` (device major:minor, unused) or on `root`/`path`, at `place`/`name`
  BB_MOUNT_REMOTE = 6, // file system `type` from `source` with options, at `place`/`name`
  BB_UNMOUNT = 7,     // `place`/`name`
  BB_DEVICE_OPEN = 8, // block device `node` (major:minor, unused) appears as `place`/`name` for group `gid`
  BB_DEVICE_CLOSE = 9, // `place`/`name`; the control group's leave for major:minor ends
  BB_LVM = 10,        // `verb` of enum bb_lvm
  BB_BTRFS = 11,      // `verb` of enum bb_btrfs
  BB_EXEC = 12,       // the program args[0] as user `uid`, without a capability
  // Remote disks: `source` address, `number` port, `target` NQN or IQN, `label` the disk's identity, `offset` its LUN or
  // namespace + 1 (0: any). The reply's id is 1 when the connection was there before, its number says which it is.
  BB_NVME_ATTACH = 13, // NVMe over TCP
  BB_NVME_DETACH = 14, // ends the connection, number `size` - 1 when `size` is not 0; none is success
  BB_ISCSI = 15,      // `verb` of enum bb_iscsi; one option: CHAP name and secret
  BB_DEVICE_FIND = 16, // the block device behind the path `source` below /dev: its node and number
  BB_BTRFS_SEND = 17, // subvolumes args below `root`, oldest first, as changes since `root2`/`path2`: to standard output
  BB_BTRFS_RECEIVE = 18, // standard input as subvolume `root`/`path`, by way of a place beside it called after `name`
  BB_KIND_COUNT
};

enum bb_lvm {
  BB_LVM_GROUP = 1,  // JSON report of volume group `vg`
  BB_LVM_VOLUMES,    // JSON report of its logical volumes
  BB_LVM_CREATE,     // `lv` of `size` bytes, from thin pool `pool` when there is one, with tags in args
  BB_LVM_REMOVE,     // `lv`
  BB_LVM_RENAME,     // `lv` to `other`
  BB_LVM_EXTEND,     // `lv` to `size` bytes
  BB_LVM_SNAPSHOT,   // `other` of thin volume `lv`
  BB_LVM_MERGE,      // snapshot `other` back into its origin
  BB_LVM_ACTIVATE,   // `lv`
  BB_LVM_DEACTIVATE, // `lv`
  BB_LVM_TAG,        // args: "+tag" or "-tag"
  BB_LVM_COUNT
};

enum bb_btrfs {
  BB_BTRFS_CREATE = 1, // subvolume `root`/`path`
  BB_BTRFS_SNAPSHOT,   // of `root`/`path` at `root2`/`path2`
  BB_BTRFS_DELETE,     // `root`/`path`; missing is success
  BB_BTRFS_LIST,       // below `root`/`path`: struct bb_subvolume records on standard output
  BB_BTRFS_SET,        // read-only or not
  BB_BTRFS_UNSTAGE,    // what a receive into `root`/`path` called `name` left; missing is success
  BB_BTRFS_COUNT
};

enum bb_iscsi {
  BB_ISCSI_LOGIN = 1, // as BB_NVME_ATTACH
  BB_ISCSI_LOGOUT,    // as BB_NVME_DETACH
  BB_ISCSI_COUNT
};

enum bb_flag {
  BB_F_READ_ONLY = 1u << 0,
  BB_F_EXEC = 1u << 1,      // programs on the mount may be executed
  BB_F_FORCE = 1u << 2,     // detach even when busy
  BB_F_WIPE = 1u << 3,      // wipe signatures
  BB_F_MAP_OWNER = 1u << 4, // the owner of the file system's root appears as `uid`
  BB_F_SEVERAL = 1u << 5,   // a stream may hold snapshots: each is made at `path`@ITS-NAME
  BB_F_LOOK = 1u << 6,      // attaching: only tell whether the connection, or the disk `node`, is there
  BB_F_ALL = (1u << 7) - 1,
};

struct bb_option {
  uint32_t key, value; // pool offsets
};

struct bb_request {
  uint32_t magic, version, kind, verb, flags;
  uint32_t uid, gid; // the plugin's: one id, in the range that the launcher knows
  uint32_t seconds;  // after which the worker ends itself
  uint64_t size, offset;
  uint32_t major, minor, number;
  // Pool offsets; 0 is "".
  uint32_t root, path, root2, path2; // granted directory and the canonical path below it
  uint32_t place, name;              // host-chosen directory and the name in it
  uint32_t node, source, type, target, label;
  uint32_t vg, lv, other, pool;
  uint32_t option_count, arg_count, pool_size;
  struct bb_option options[BB_MAX_OPTIONS];
  uint32_t args[BB_MAX_ARGS];
  char text[BB_POOL];
};

struct bb_reply {
  uint32_t magic, version;
  int32_t error;   // errno, 0 when it succeeded
  int32_t status;  // of a program that was run: exit code, 128 + signal
  uint32_t major, minor, number;
  uint32_t reserved;
  uint64_t id, generation; // of a btrfs subvolume
  uint8_t uuid[16], parent[16];
  char node[BB_NODE];     // device node
  char detail[BB_DETAIL]; // what failed, for messages; holds no secret
};

struct bb_subvolume {
  uint64_t id, generation;
  uint32_t read_only, path_size; // the path, relative to the directory asked about, follows
  uint8_t uuid[16], parent[16];
};

// Descriptors of a worker besides 0, 1 and 2.
enum { BB_FD_REPLY = 3, BB_FD_REQUEST = 4, BB_FD_DEVICES = 5 };

/// The capabilities of a kind's worker, as a bit mask; both ends compute it.
uint64_t bb_capabilities(uint32_t kind);

/// An empty request; free it with bb_request_free, which clears it first.
struct bb_request *bb_request_make(uint32_t kind, uint32_t verb, uint32_t flags);
void bb_request_free(struct bb_request *request);

/// Adds text to the pool; returns its offset, or a negative errno (-ENOSPC full, -EINVAL contains NUL).
int64_t bb_request_text(struct bb_request *request, const char *bytes, uint32_t count);

/// Each returns 0 or -ENOSPC.
int bb_request_option(struct bb_request *request, uint32_t key, uint32_t value);
int bb_request_argument(struct bb_request *request, uint32_t text);

/// The request as a sealed file, or -errno.
int bb_request_seal(const struct bb_request *request);

/// Texts and identities of a reply, always terminated.
const char *bb_reply_detail(const struct bb_reply *reply);
const char *bb_reply_node(const struct bb_reply *reply);
