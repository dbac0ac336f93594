// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0

// What the daemon and berth-launcher say to each other: one fixed struct each way over a SOCK_SEQPACKET socket, with
// descriptors as SCM_RIGHTS. One connection carries one request. All numbers are in the machine's own byte order: both
// ends always run on the same kernel. Strings are offsets into one pool of NUL-terminated text; offset 0 is "".

#pragma once

#include <stdint.h>

#define BL_MAGIC 0x48545242u // "BRTH"
#define BL_VERSION 2u

enum { BL_MAX_MOUNTS = 48, BL_MAX_ARGS = 32, BL_MAX_ENV = 48, BL_MAX_ENDPOINTS = 12, BL_POOL = 24576 };

enum bl_op {
  BL_OP_SPAWN = 1, // start a confined plugin
  BL_OP_KILL = 2,  // kill everything in one instance's cgroup and remove it once empty
  BL_OP_SWEEP = 3, // the same for every instance of a scope: what a crashed daemon left behind
  BL_OP_PROBE = 4, // report what this machine offers
  BL_OP_BROKER = 5, // one typed storage operation as root, see berth_broker.h
};

enum bl_flag {
  BL_F_USERNS = 1u << 0,   // unprivileged mode: everything inside a user namespace of its own
  BL_F_PROC = 1u << 1,     // mount a /proc of the plugin's own processes
  BL_F_JIT = 1u << 2,      // leave writable+executable memory allowed
  BL_F_NET_HOST = 1u << 3, // keep the host's network
  BL_F_AUDIT = 1u << 4,    // let Landlock log denials to the kernel's audit log
  BL_F_LEARN = 1u << 5,    // learning mode: hand back the seccomp notification descriptor
  BL_F_ALL = (1u << 6) - 1,
};

enum bl_mount_kind {
  BL_M_BIND = 1,    // source on the host, by path
  BL_M_TMPFS = 2,   // a fresh tmpfs of `size` bytes
  BL_M_SYMLINK = 3, // `source` is the link's text
  BL_M_FILE = 4,    // `source` is the file's text
  BL_M_IMAGE = 5,   // the ext4 file system in the file that came as BL_FD_IMAGE, on a loop device of its own
};

enum bl_mount_flag {
  BL_MF_WRITE = 1u << 0,    // writable; never together with BL_MF_EXEC
  BL_MF_EXEC = 1u << 1,     // programs in it may be executed
  BL_MF_IDMAP = 1u << 2,    // the owner of the source appears as the plugin's user
  BL_MF_DEVICE = 1u << 3,   // one device node; with BL_MF_WRITE the plugin may write to the device
  BL_MF_OPTIONAL = 1u << 4, // a missing source is skipped
  BL_MF_FIFO = 1u << 5,     // read-only directory whose FIFOs may be written
  BL_MF_SLAVE = 1u << 6,    // later mounts of the host below the source appear inside
  BL_MF_NODES = 1u << 7,    // directory of block devices that the host makes for the plugin
  BL_MF_ALL = (1u << 8) - 1,
};

struct bl_mount {
  uint8_t kind;
  uint8_t flags;
  uint16_t reserved;
  uint32_t source; // pool offset
  uint32_t target; // pool offset: absolute, no "..", no "//"
  uint32_t inodes; // tmpfs only
  uint64_t size;   // tmpfs only, bytes
};

struct bl_endpoint {
  uint8_t family; // 4 or 6
  uint8_t reserved;
  uint16_t port;       // in host order
  uint8_t address[16]; // the address that the plugin connects to, first 4 bytes for IPv4
};

struct bl_limits {
  uint64_t memory; // bytes
  uint64_t processes;
  uint64_t file_size;     // bytes, UINT64_MAX = unlimited
  uint64_t address_space; // bytes, UINT64_MAX = unlimited
  uint32_t cpu_percent;
  uint32_t descriptors;
  uint32_t io_weight; // 1 to 10000; 100 is what everything else has
  uint32_t reserved;
};

struct bl_request {
  uint32_t magic;
  uint32_t version;
  uint32_t op;
  uint32_t flags;
  uint32_t uid;
  uint32_t gid;
  uint32_t required; // layers (enum bl_layer) without which the plugin must not start
  uint32_t scope;    // pool offset: the daemon's own part of the cgroup tree
  uint32_t instance; // pool offset: the leaf's name
  uint32_t executable; // pool offset: path inside
  uint16_t mount_count;
  uint16_t arg_count;
  uint16_t env_count;
  uint16_t endpoint_count;
  uint32_t pool_size;
  struct bl_limits limits;
  uint32_t args[BL_MAX_ARGS];
  uint32_t env[BL_MAX_ENV];
  struct bl_endpoint endpoints[BL_MAX_ENDPOINTS];
  struct bl_mount mounts[BL_MAX_MOUNTS];
  char pool[BL_POOL];
};

// Descriptors that travel with BL_OP_SPAWN, in this order; the image only when a mount asks for it.
enum bl_request_fd {
  BL_FD_STDIN,
  BL_FD_STDOUT,
  BL_FD_STDERR,
  BL_FD_CONTROL,
  BL_FD_FILTER,
  BL_FD_IMAGE,
  BL_REQUEST_FDS
};

enum bl_layer {
  BL_L_UID = 1u << 0,
  BL_L_CAPS = 1u << 1,
  BL_L_NNP = 1u << 2,
  BL_L_MNT = 1u << 3,
  BL_L_PID = 1u << 4,
  BL_L_NET = 1u << 5,
  BL_L_IPC = 1u << 6,
  BL_L_UTS = 1u << 7,
  BL_L_CGROUPNS = 1u << 8,
  BL_L_LANDLOCK = 1u << 9,
  BL_L_SECCOMP = 1u << 10,
  BL_L_RLIMITS = 1u << 11,
  BL_L_CGROUP = 1u << 12,
  BL_L_MEMORY = 1u << 13,
  BL_L_PIDS = 1u << 14,
  BL_L_CPU = 1u << 15,
  BL_L_MEMFD = 1u << 16,
  BL_L_MDWE = 1u << 17,
  BL_L_USERNS = 1u << 18,
};

// The set-up steps in the order in which they happen. A failing launcher exits with 100 + the step's number and says the
// same in its reply.
#define BL_STEPS(X)                                                                                                    \
  X(NONE, "none")                                                                                                      \
  X(REQUEST, "request")                                                                                                \
  X(PRIVILEGE, "privilege")                                                                                            \
  X(FILTER, "seccomp filter")                                                                                          \
  X(CGROUP, "cgroup")                                                                                                  \
  X(LIMITS, "cgroup limits")                                                                                           \
  X(SOURCE, "mount source")                                                                                            \
  X(IDMAP, "idmapped mount")                                                                                           \
  X(CLONE, "namespaces")                                                                                               \
  X(USERMAP, "user namespace map")                                                                                     \
  X(JOIN, "cgroup join")                                                                                               \
  X(CGROUPNS, "cgroup namespace")                                                                                      \
  X(MEMFD, "memfd noexec")                                                                                             \
  X(HOSTNAME, "host name")                                                                                             \
  X(NETWORK, "network")                                                                                                \
  X(PROPAGATION, "mount propagation")                                                                                  \
  X(ROOT, "root file system")                                                                                          \
  X(MOUNT, "mount")                                                                                                    \
  X(PROC, "proc")                                                                                                      \
  X(PIVOT, "pivot root")                                                                                               \
  X(SESSION, "session")                                                                                                \
  X(RLIMIT, "resource limit")                                                                                          \
  X(IDS, "user and group")                                                                                             \
  X(CAPS, "capabilities")                                                                                              \
  X(NNP, "no new privileges")                                                                                          \
  X(FORK, "reaper fork")                                                                                               \
  X(STDIO, "standard streams")                                                                                         \
  X(MDWE, "write xor execute")                                                                                         \
  X(LANDLOCK, "landlock")                                                                                              \
  X(CLOSE, "descriptor closing")                                                                                       \
  X(LAYERS, "required layers")                                                                                         \
  X(SECCOMP, "seccomp")                                                                                                \
  X(EXEC, "exec")                                                                                                      \
  X(REPLY, "reply")                                                                                                    \
  X(KILL, "kill")                                                                                                      \
  X(BROKER, "broker operation")

#define BL_STEP_ENUM(name, text) BL_STEP_##name,
enum bl_step { BL_STEPS(BL_STEP_ENUM) BL_STEP_COUNT };
#undef BL_STEP_ENUM

enum { BL_EXIT_BASE = 100 };

// The namespaces in the order of struct bl_seen, by their names below /proc/PID/ns.
#define BL_NAMESPACES(X) X(mnt) X(pid) X(net) X(ipc) X(uts) X(cgroup) X(user)
#define BL_NAMESPACE_COUNT(name) +1
enum { BL_NAMESPACE_MAX = 0 BL_NAMESPACES(BL_NAMESPACE_COUNT), BL_KEPT_MAX = 8 };

struct bl_descriptor {
  int32_t number;
  uint32_t mode;  // as from fstat(2)
  uint64_t inode;
};

// What the kernel shows of the plugin's process to that process alone, read right before it becomes the plugin: who has
// no capability may look neither at another user's namespaces and descriptors nor at those of the sandbox's init.
struct bl_seen {
  uint64_t outside[BL_NAMESPACE_MAX]; // inodes of the namespaces the launcher was started in, 0 where there is none
  uint64_t inside[BL_NAMESPACE_MAX];  // the plugin's
  uint32_t kept;                      // descriptors that stay open in the plugin; more than BL_KEPT_MAX are only counted
  uint32_t reserved;
  struct bl_descriptor descriptors[BL_KEPT_MAX];
};

struct bl_reply {
  uint32_t magic;
  uint32_t version;
  int32_t error; // errno of the failed step, 0 when the plugin runs
  uint32_t step;
  int32_t pid; // of the sandbox's init, in the daemon's pid namespace; 0 when none was made
  uint32_t layers;
  int32_t landlock_abi;
  uint32_t listener_count;
  uint32_t fd_kinds; // bit per enum bl_reply_fd that follows, in that order; then the listeners
  uint32_t broker_kinds; // BL_OP_PROBE: bit per enum bb_kind whose workers this launcher can start
  struct bl_seen seen;   // BL_OP_SPAWN
  char detail[240]; // what the step was about (a path, a limit), for messages
};

enum bl_reply_fd {
  BL_RFD_PIDFD = 1u << 0,
  BL_RFD_CGROUP = 1u << 1,
  BL_RFD_KILL = 1u << 2,
  BL_RFD_CPU = 1u << 3, // where the share of processor time is set: "max" (or, version 1, "-1") lifts it
  BL_RFD_NOTIFY = 1u << 4,
};

// What the reaper (pid 1 of the sandbox) says on the control socket, and the bytes it understands: one signal number a
// byte, sent to the plugin's main process. End of file on the socket ends the sandbox.
struct bl_exit {
  uint32_t magic;
  int32_t status; // as from wait(2)
  uint32_t full;  // enum bl_full
};

// Places that had no room left when the plugin ended.
enum bl_full { BL_FULL_STATE = 1u << 0, BL_FULL_TMP = 1u << 1 };

/// The name of a set-up step, "unknown" when out of range.
const char *bl_step_name(uint32_t step);

// For the daemon's side, which builds requests without seeing the struct's arrays.

/// An empty request; free it with bl_request_free.
struct bl_request *bl_request_make(uint32_t op, uint32_t flags, uint32_t uid, uint32_t gid, uint32_t required);
void bl_request_free(struct bl_request *request);

/// Adds text to the pool; returns its offset, or a negative errno (-ENOSPC full, -EINVAL contains NUL).
int64_t bl_request_text(struct bl_request *request, const char *bytes, uint32_t count);
void bl_request_names(struct bl_request *request, uint32_t scope, uint32_t instance, uint32_t executable);
void bl_request_limits(struct bl_request *request, struct bl_limits limits);

/// Each returns 0 or -ENOSPC.
int bl_request_argument(struct bl_request *request, uint32_t text);
int bl_request_environment(struct bl_request *request, uint32_t text);
int bl_request_mount(struct bl_request *request, struct bl_mount mount);
int bl_request_endpoint(struct bl_request *request, uint8_t family, const uint8_t *address, uint16_t port);

/// Sends the request; returns the bytes sent or -errno.
int64_t bl_request_send(int socket, const struct bl_request *request, const int *fds, int count);

/// Connects to a launcher server; a descriptor or -errno.
int bl_connect(const char *path);

/// The text of a reply's detail, always terminated.
const char *bl_reply_detail(const struct bl_reply *reply);

/// An anonymous file with that content which nobody can change any more, or -errno.
int bl_sealed_file(const void *bytes, uint32_t count);

/// The status in a byte-for-byte copy of struct bl_exit: 1 when it is one.
int bl_exit_decode(const struct bl_exit *message, int *code, int *signal);

/// Replaces a small file durably and at once: written beside it (mode 0600), synced, renamed, directory synced.
int bl_replace_file(const char *path, const void *bytes, uint32_t count);
