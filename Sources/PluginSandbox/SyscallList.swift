// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0

/// The system calls that the allow-list names, by tier. Everything else is refused.
enum SyscallList {
  /// Files, memory, time, signals and waiting: what any program on standard streams needs.
  static let base: [String] = [
    // Files and directories
    "access", "chdir", "chown", "close", "close_range", "copy_file_range", "dup", "dup2", "dup3",
    "faccessat", "faccessat2", "fadvise64", "fallocate", "fchdir", "fchown", "fchownat",
    "fdatasync", "fgetxattr", "flistxattr", "flock", "fremovexattr", "fsetxattr", "fstat", "fstatfs", "fsync",
    "ftruncate", "getcwd", "getdents", "getdents64", "getxattr", "lchown", "lgetxattr", "link", "linkat", "listxattr",
    "llistxattr", "lremovexattr", "lseek", "lsetxattr", "lstat", "newfstatat", "pread64",
    "preadv", "preadv2", "pwrite64", "pwritev", "pwritev2", "read", "readlink",
    "readlinkat", "readv", "removexattr", "rename", "renameat", "renameat2", "rmdir", "sendfile", "setxattr", "splice",
    "stat", "statfs", "statx", "symlink", "symlinkat", "syncfs", "truncate", "umask",
    "unlink", "unlinkat", "utime", "utimensat", "utimes", "write", "writev",
    // Waiting
    "epoll_create", "epoll_create1", "epoll_ctl", "epoll_pwait", "epoll_wait", "eventfd", "eventfd2",
    "pipe", "pipe2", "poll", "ppoll",
    "pselect6", "select", "signalfd", "signalfd4", "timerfd_create", "timerfd_gettime", "timerfd_settime",
    // Memory
    "brk", "madvise", "membarrier", "memfd_create", "mincore", "mremap", "msync", "munmap",
    // The process itself
    "alarm", "arch_prctl", "capget", "execve", "exit", "exit_group", "futex", "get_robust_list", "getcpu",
    "getegid", "geteuid", "getgid", "getgroups", "getitimer", "getpgid", "getpgrp", "getpid", "getppid", "getpriority",
    "getrandom", "getresgid", "getresuid", "getrlimit", "getrusage", "getsid", "gettid", "getuid", "kill", "pause",
    "restart_syscall", "rseq", "rt_sigaction", "rt_sigpending", "rt_sigprocmask", "rt_sigreturn", "rt_sigsuspend",
    "rt_sigtimedwait", "sched_get_priority_max", "sched_get_priority_min", "sched_getaffinity", "sched_getparam",
    "sched_getscheduler", "sched_yield", "set_robust_list", "set_tid_address", "setitimer", "setpgid", "setsid",
    "sigaltstack", "sysinfo", "tgkill", "tkill", "uname", "wait4", "waitid",
    // Time
    "clock_getres", "clock_gettime", "clock_nanosleep", "gettimeofday", "nanosleep", "time", "times",
    // Sockets that the socket rule lets exist
    "accept", "accept4", "bind", "connect", "getpeername", "getsockname", "getsockopt", "listen", "recvfrom", "recvmsg",
    "sendmsg", "sendto", "setsockopt", "shutdown",
  ]

  /// Calls that give a file its mode, by the position of that argument: allowed without set-id bits only. In a directory of
  /// root's a plugin acts as root, and a set-uid file there would be a way to be root for every local user.
  static let modes: [(name: String, argument: UInt32)] = [
    ("chmod", 1), ("fchmod", 1), ("fchmodat", 2), ("creat", 1), ("mkdir", 1), ("mkdirat", 2), ("open", 2),
    ("openat", 3),
  ]

  /// Those of them that make a file only when their flags say so (else the mode is whatever the register holds), by the
  /// position of the flags.
  static let opens: [(name: String, argument: UInt32)] = [("open", 1), ("openat", 2)]

  /// S_ISUID and S_ISGID.
  static let setIDBits: UInt64 = 0o6000

  /// O_CREAT and the bit of O_TMPFILE that is its own.
  static let creationFlags: UInt64 = 0o20000100

  /// Calls whose arguments lie in memory, which a filter cannot read: programs are told that they do not exist, and use
  /// the older ones. Their numbers are the same on every architecture.
  static let absent: [(name: String, number: Int32)] = [("clone3", 435), ("openat2", 437)]

  /// New processes and threads, without namespaces; `clone` comes with a rule on its flags.
  static let processes: [String] = ["fork", "vfork"]

  /// The terminal and descriptor requests that ioctl is allowed, besides reflinks.
  static let ioctls: [UInt64] = [
    0x5401,  // TCGETS: is it a terminal?
    0x5413,  // TIOCGWINSZ
    0x541B,  // FIONREAD
    0x5421,  // FIONBIO
    0x5450,  // FIONCLEX
    0x5451,  // FIOCLEX
    0x4004_9409,  // FICLONE
    0x4020_940D,  // FICLONERANGE
  ]

  /// The fcntl commands: descriptors, flags, locks, seals. No leases (a leased file makes whoever opens it wait, the host
  /// too), no signals to other processes.
  static let fcntls: [UInt64] = [
    0, 1, 2, 3, 4,  // F_DUPFD, F_GETFD, F_SETFD, F_GETFL, F_SETFL
    5, 6, 7, 36, 37, 38,  // record locks, of the process and of the open file
    9, 11, 16,  // F_GETOWN, F_GETSIG, F_GETOWN_EX
    1025, 1027, 1028,  // F_GETLEASE, F_DUPFD_QUERY, F_CREATED_QUERY
    1030, 1031, 1032, 1033, 1034,  // F_DUPFD_CLOEXEC, F_SETPIPE_SZ, F_GETPIPE_SZ, F_ADD_SEALS, F_GET_SEALS
    1035, 1036, 1037, 1038,  // hints on the life of what is written
  ]

  /// Reading the size and geometry of a granted block device, and discarding on it.
  static let blockDeviceIoctls: [UInt64] = [
    0x1260,  // BLKGETSIZE
    0x1261,  // BLKFLSBUF
    0x1268,  // BLKSSZGET
    0x1277,  // BLKDISCARD
    0x127B,  // BLKPBSZGET
    0x127F,  // BLKZEROOUT
    0x8008_1272,  // BLKGETSIZE64
  ]

  /// What the owner of a directory on btrfs may do with subvolumes (linux/btrfs.h, ioctl_fs(2)).
  static let btrfsIoctls: [UInt64] = [
    0x5000_940F,  // BTRFS_IOC_SNAP_DESTROY
    0x5000_9417,  // BTRFS_IOC_SNAP_CREATE_V2
    0x5000_9418,  // BTRFS_IOC_SUBVOL_CREATE_V2
    0x8008_9419,  // BTRFS_IOC_SUBVOL_GETFLAGS
    0x4008_941A,  // BTRFS_IOC_SUBVOL_SETFLAGS
    0x81F8_943C,  // BTRFS_IOC_GET_SUBVOL_INFO
    0x9408,  // BTRFS_IOC_SYNC
    0x8008_6601,  // FS_IOC_GETFLAGS
    0x4008_6602,  // FS_IOC_SETFLAGS, for no copy-on-write
  ]

  /// The prctl options that change nothing but the caller's own comfort.
  static let prctls: [UInt64] = [
    1, 2,  // PR_SET_PDEATHSIG, PR_GET_PDEATHSIG
    3,  // PR_GET_DUMPABLE
    15, 16,  // PR_SET_NAME, PR_GET_NAME
    21,  // PR_GET_SECCOMP
    23,  // PR_CAPBSET_READ
    29, 30,  // PR_SET_TIMERSLACK, PR_GET_TIMERSLACK
    38, 39,  // PR_SET_NO_NEW_PRIVS, PR_GET_NO_NEW_PRIVS
    41, 42,  // PR_SET_THP_DISABLE, PR_GET_THP_DISABLE
    66,  // PR_GET_MDWE
    0x5356_4D41,  // PR_SET_VMA
  ]

  /// Calls that learning mode is told of although they are allowed: their arguments name what a permission is about.
  static let observed: Set<String> = [
    "access", "chdir", "chmod", "chown", "clone", "connect", "creat", "faccessat", "faccessat2", "fchmodat", "fchownat",
    "fork", "lchown", "link", "linkat", "lstat", "mkdir", "mkdirat", "mknod", "mknodat", "newfstatat", "open", "openat",
    "readlink", "readlinkat", "rename", "renameat", "renameat2", "rmdir", "sendto", "stat", "statfs",
    "statx", "symlink", "symlinkat", "truncate", "unlink", "unlinkat", "utime", "utimensat", "utimes", "vfork",
  ]

  /// CLONE_NEWNS, NEWCGROUP, NEWUTS, NEWIPC, NEWUSER, NEWPID, NEWNET.
  static let namespaceFlags: UInt64 = 0x7E02_0000

  /// The newest number the list was written against (`set_mempolicy_home_node`, Linux 5.17); above it programs are told
  /// that the call does not exist, so that their libraries fall back.
  static let newestKnown: UInt32 = 450
}
