// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0

// The table: a name, the threat it belongs to (SECURITY.md), how it may be refused, and what is done.

#include "hostile.h"

#include <fcntl.h>
#include <grp.h>
#include <linux/capability.h>
#include <linux/keyctl.h>
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/timex.h>
#include <time.h>
#include <unistd.h>

#define CALL(...) syscall(__VA_ARGS__)

static long set_capabilities(void) {
  struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
  struct __user_cap_data_struct all[2] = {{1u << CAP_SYS_ADMIN, 1u << CAP_SYS_ADMIN, 0}, {0, 0, 0}};
  return CALL(SYS_capset, &header, all);
}
static long raise_ambient(void) {
  struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
  struct __user_cap_data_struct all[2];
  if (CALL(SYS_capget, &header, all) < 0) return -1;
  all[0].inheritable |= 1u << CAP_SYS_ADMIN;
  if (CALL(SYS_capset, &header, all) < 0) return -1;
  return prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, CAP_SYS_ADMIN, 0, 0);
}
static long send_to_pidfd(void) {
  long fd = CALL(SYS_pidfd_open, target_number("victim"), 0);
  return fd < 0 ? -1 : CALL(SYS_pidfd_send_signal, fd, 0, NULL, 0);
}
static long take_descriptor(void) {
  long fd = CALL(SYS_pidfd_open, target_number("victim"), 0);
  return fd < 0 ? -1 : CALL(SYS_pidfd_getfd, fd, 0, 0);
}
static long enter_namespace(void) {
  long fd = CALL(SYS_pidfd_open, target_number("victim"), 0);
  return fd < 0 ? -1 : setns((int)fd, CLONE_NEWUTS);
}
static long path_of_victim(const char *tail) {
  static char path[128];
  strcpy(path, "/proc/");
  strcat(path, target("victim"));
  strcat(path, tail);
  return read_file(path, NULL);
}
static long stream_of_victim(const char *number, int flags) {
  static char path[128];
  strcpy(path, "/proc/");
  strcat(path, target("victim"));
  strcat(path, "/fd/");
  strcat(path, number);
  return open(path, flags | O_NONBLOCK | O_CLOEXEC);
}
static long stop_and_go(long pid) {
  if (kill((pid_t)pid, SIGSTOP) < 0) return -1;
  return kill((pid_t)pid, SIGCONT);
}
static long raise_limit(void) {
  struct rlimit more = {4096, 4096};
  return setrlimit(RLIMIT_NOFILE, &more) < 0 ? -1 : 0;
}
static long limit_of_victim(void) {
  struct rlimit now;
  return CALL(SYS_prlimit64, target_number("victim"), RLIMIT_NOFILE, NULL, &now);
}
static long real_time(void) {
  struct sched_param parameter = {.sched_priority = 1};
  return CALL(SYS_sched_setscheduler, 0, SCHED_RR, &parameter);
}
static long mount_new(void) { return mount("none", "/tmp", "tmpfs", 0, NULL) < 0 ? -1 : umount("/tmp"); }
static long set_clock(void) {
  struct timex nothing = {.modes = ADJ_SETOFFSET | 0x8000};
  return CALL(SYS_adjtimex, &nothing);
}
static long queue_signal(void) {
  siginfo_t information;
  memset(&information, 0, sizeof information);
  information.si_code = SI_QUEUE;
  return CALL(SYS_rt_sigqueueinfo, target_number("victim"), 0, &information);
}
static long escape_root(void) { return chroot("/tmp") < 0 ? -1 : 0; }
static long hostname_of_host(void) {
  char name[256];
  if (gethostname(name, sizeof name) < 0) return -1;
  return strcmp(name, target("host_name")) == 0 ? 0 : refused(ENOENT);
}
static long working_directory(void) {
  char path[4096];
  return CALL(SYS_getcwd, path, sizeof path) > 0 && strcmp(path, "/") != 0 ? 0 : refused(ENOENT);
}
// Version 2 has no agent; there its root decides which controllers hold.
static long write_release_agent(void) {
  long result = open_for_writing("/sys/fs/cgroup/memory/release_agent");
  return result < 0 && errno == ENOENT ? open_for_writing("/sys/fs/cgroup/cgroup.subtree_control") : result;
}

// Its own terminal, which the control lacks as well, or else the machine's.
static long open_terminal(void) {
  long result = open_for_writing("/dev/tty");
  return result < 0 ? open_for_writing("/dev/tty0") : result;
}
static long read_disk(void) {
  static const char *const disks[] = {"/dev/vda", "/dev/sda", "/dev/nvme0n1"};
  long result = -1;
  for (size_t i = 0; i < 3 && result < 0 && (i == 0 || errno == ENOENT); i++) result = read_file(disks[i], NULL);
  return result;
}

// What an allow-list cannot have heard of: cachestat (Linux 6.5), before it set_mempolicy_home_node (5.17).
static long newest_call(void) {
  long result = CALL(451, -1, NULL, NULL, 0);
  return result < 0 && errno == ENOSYS ? CALL(450, NULL, 0, 0, 1) : result;
}

// X: with a reason why it need not succeed outside on every machine.
#define A(name, threat, flags, expression) \
  static long do_##name(void) { return (expression); }
#define X(name, threat, flags, why, expression) A(name, threat, flags, expression)
#define ATTEMPTS(A, X) \
  /* T1, T2: secrets and other storages */ \
  A(secret_root_only, "T1", PATH_ABSENT, read_file(target("secret"), "CANARY")) \
  A(secret_world_readable, "T1", PATH_ABSENT, read_file(target("open_secret"), "CANARY")) \
  A(shadow, "T1", PATH_ABSENT, read_file("/etc/shadow", NULL)) \
  A(host_passwd, "T1", PATH_ABSENT, read_file("/etc/passwd", "root:")) \
  A(host_hostname, "T1", PATH_ABSENT, read_file("/etc/hostname", NULL)) \
  A(machine_id, "T1", PATH_ABSENT, read_file("/etc/debian_version", NULL)) \
  A(list_etc, "T1", PATH_ABSENT, list_directory("/etc", "shadow")) \
  A(list_root_home, "T1", PATH_ABSENT, list_directory("/root", NULL)) \
  A(list_var, "T1", PATH_ABSENT, list_directory("/var", NULL)) \
  A(list_run, "T1", PATH_ABSENT, list_directory("/run", NULL)) \
  A(list_host_tmp, "T1", PATH_ABSENT, list_directory("/tmp", target("tmp_name"))) \
  A(other_storage, "T2", PATH_ABSENT, list_directory(target("other_storage"), NULL)) \
  A(other_storage_write, "T2", PATH_ABSENT, create_in(target("other_storage"))) \
  A(other_state, "T2", PATH_ABSENT, read_file(target("other_state"), "CANARY")) \
  A(other_state_by_proc, "T2", PATH_ABSENT, path_of_victim("/root/etc/hostname")) \
  /* T3: what leaks through the start */ \
  A(leaked_descriptors, "T3", NO_OBJECT, find_descriptors()) \
  A(leaked_environment, "T3", NO_OBJECT, find_environment()) \
  A(leaked_working_directory, "T3", NO_OBJECT, working_directory()) \
  A(victim_environment, "T3", PATH_ABSENT, path_of_victim("/environ")) \
  A(victim_arguments, "T3", PATH_ABSENT, path_of_victim("/cmdline")) \
  X(init_environment, "T3", PATH_ABSENT | STOCK, "where the first process may not be looked into (a restricted /proc)", \
    read_file("/proc/1/environ", NULL)) \
  A(own_mounts, "T3", PATH_ABSENT, read_file("/proc/self/mountinfo", NULL)) \
  A(host_name, "T3", NO_OBJECT, hostname_of_host()) \
  /* T4: writing where it must not */ \
  A(create_in_root, "T4", 0, create_in("/")) \
  A(create_in_usr, "T4", 0, create_in("/usr")) \
  A(create_in_usr_bin, "T4", 0, create_in("/usr/bin")) \
  A(create_in_lib, "T4", 0, create_in("/lib")) \
  A(create_in_etc, "T4", 0, create_in("/etc")) \
  A(create_in_dev, "T4", 0, create_in("/dev")) \
  A(create_in_bundle, "T4", 0, create_in(target("plugin"))) \
  A(replace_own_code, "T4", 0, replace_in_bundle("victim-code")) \
  A(open_program_writable, "T4", 0, open_for_writing(target("system_file"))) \
  A(system_chmod, "T4", 0, change_with("chmod")) \
  A(system_chown, "T4", 0, change_with("chown")) \
  A(system_truncate, "T4", 0, change_with("truncate")) \
  A(system_utimes, "T4", 0, change_with("utimes")) \
  A(system_xattr, "T4", 0, change_with("xattr")) \
  A(system_link, "T4", 0, change_with("link")) \
  A(system_symlink, "T4", 0, change_with("symlink")) \
  A(system_mkdir, "T4", 0, change_with("mkdir")) \
  A(system_rename, "T4", 0, change_with("rename")) \
  A(core_pattern, "T4", PATH_ABSENT, open_for_writing("/proc/sys/kernel/core_pattern")) \
  X(sysrq, "T4", PATH_ABSENT | STOCK, "a kernel without CONFIG_MAGIC_SYSRQ", \
    open_for_writing("/proc/sysrq-trigger")) \
  A(uevent_helper, "T4", PATH_ABSENT, open_for_writing("/sys/kernel/mm/transparent_hugepage/enabled")) \
  /* T5: code of its own making */ \
  A(run_copy_in_state, "T5", 0, run_copy_from(target("state"))) \
  A(run_copy_in_tmp, "T5", 0, run_copy_from("/tmp")) \
  A(run_from_memory, "T5", 0, run_from_memory()) \
  A(map_write_execute, "T5", 0, map_writable_executable()) \
  A(page_to_executable, "T5", 0, make_page_executable()) \
  A(map_state_executable, "T5", 0, map_file_executable(target("state"))) \
  A(map_tmp_executable, "T5", 0, map_file_executable("/tmp")) \
  /* T6: programs that give privilege */ \
  A(set_uid_program, "T6", UNPRIVILEGED, gain_by("setuid")) \
  A(file_capability_program, "T6", UNPRIVILEGED, gain_by("filecap")) \
  A(set_uid_by_chmod, "T6", UNMAPPED, make_set_id(target("state"), "chmod")) \
  A(set_uid_by_fchmod, "T6", UNMAPPED, make_set_id(target("state"), "fchmod")) \
  A(set_uid_by_open, "T6", UNMAPPED, make_set_id(target("state"), "open")) \
  A(set_uid_by_openat2, "T6", UNMAPPED, make_set_id(target("state"), "openat2")) \
  A(set_uid_nameless, "T6", UNMAPPED, make_set_id(target("state"), "nameless")) \
  A(set_gid_directory, "T6", UNMAPPED, make_set_id(target("state"), "directory")) \
  A(become_root, "T6", 0, setuid(0)) \
  A(become_root_all, "T6", 0, setresuid(0, 0, 0)) \
  A(become_root_group, "T6", 0, setresgid(0, 0, 0)) \
  A(join_groups, "T6", 0, setgroups(1, (gid_t[]){0})) \
  A(fsuid, "T6", 0, CALL(SYS_setreuid, 0, 0)) \
  A(raise_capabilities, "T6", 0, set_capabilities()) \
  A(ambient_capability, "T6", 0, raise_ambient()) \
  A(keep_capabilities, "T6", 0, prctl(PR_SET_KEEPCAPS, 1, 0, 0, 0)) \
  A(secure_bits, "T6", 0, prctl(PR_SET_SECUREBITS, 0, 0, 0, 0)) \
  X(memory_map_prctl, "T6", REACH | STOCK, "a kernel without CONFIG_CHECKPOINT_RESTORE", \
    prctl(PR_SET_MM, PR_SET_MM_START_CODE, 0, 0, 0)) \
  /* T7: the mount tree */ \
  A(mount_tmpfs, "T7", 0, mount_new()) \
  A(mount_bind, "T7", 0, mount("/usr", "/tmp", NULL, MS_BIND, NULL) < 0 ? -1 : umount("/tmp")) \
  A(remount_writable, "T7", REACH, mount(NULL, "/usr", NULL, MS_REMOUNT | MS_BIND, NULL)) \
  A(change_propagation, "T7", 0, mount(NULL, "/", NULL, MS_SHARED, NULL)) \
  A(unmount_root, "T7", REACH, umount2("/etc", MNT_DETACH)) \
  A(pivot, "T7", REACH, CALL(SYS_pivot_root, "/tmp", "/tmp")) \
  A(change_root, "T7", 0, escape_root()) \
  A(open_tree, "T7", 0, CALL(SYS_open_tree, AT_FDCWD, "/", 1)) \
  A(new_filesystem, "T7", 0, CALL(SYS_fsopen, "tmpfs", 0)) \
  A(pick_filesystem, "T7", 0, CALL(SYS_fspick, AT_FDCWD, "/", 0)) \
  A(move_mount, "T7", REACH, CALL(SYS_move_mount, -1, "", AT_FDCWD, "/tmp", 4)) \
  A(mount_attributes, "T7", REACH, CALL(SYS_mount_setattr, AT_FDCWD, "/usr", 0, (uint64_t[4]){0}, 32)) \
  A(release_agent, "T7", PATH_ABSENT, write_release_agent()) \
  A(cgroup_listing, "T7", PATH_ABSENT, list_directory("/sys/fs/cgroup", NULL)) \
  /* T8: new namespaces */ \
  A(unshare_user, "T8", 0, unshare(CLONE_NEWUSER)) \
  A(unshare_mount, "T8", 0, unshare(CLONE_NEWNS)) \
  A(unshare_pid, "T8", 0, unshare(CLONE_NEWPID)) \
  A(unshare_net, "T8", 0, unshare(CLONE_NEWNET)) \
  A(unshare_ipc, "T8", 0, unshare(CLONE_NEWIPC)) \
  A(unshare_uts, "T8", 0, unshare(CLONE_NEWUTS)) \
  A(unshare_cgroup, "T8", 0, unshare(CLONE_NEWCGROUP)) \
  A(unshare_time, "T8", 0, unshare(0x80)) \
  A(clone_user, "T8", 0, clone_with(CLONE_NEWUSER)) \
  A(clone_user_high_bits, "T8", 0, clone_with(CLONE_NEWUSER | 0x100000000ul)) \
  A(clone_net, "T8", 0, clone_with(CLONE_NEWNET)) \
  A(clone3_user, "T8", 0, clone3_with(CLONE_NEWUSER)) \
  A(clone3_plain, "T8", 0, clone3_with(0)) \
  A(enter_namespace, "T8", NO_PROCESS, enter_namespace()) \
  /* T9: other call tables */ \
  A(int80_getpid, "T9", 0, old_call(20, 0)) \
  A(int80_unshare, "T9", 0, old_call(310, CLONE_NEWUSER)) \
  A(int80_socketcall, "T9", REACH, old_call(102, 1)) \
  X(x32_getpid, "T9", NOWHERE, "neither kernel has the x32 table: CONFIG_X86_X32_ABI is off", \
    x32_call()) \
  /* T10: looking into other processes */ \
  A(trace_attach, "T10", NO_PROCESS, attach_to(target_number("victim"), PTRACE_ATTACH)) \
  A(trace_seize, "T10", NO_PROCESS, attach_to(target_number("victim"), PTRACE_SEIZE)) \
  A(trace_init, "T10", NO_PROCESS | REACH, CALL(SYS_ptrace, PTRACE_SEIZE, getppid(), 0, 0)) \
  A(trace_me, "T10", 0, CALL(SYS_ptrace, PTRACE_TRACEME, 0, 0, 0)) \
  A(read_memory, "T10", NO_PROCESS, read_memory_of(target_number("victim"), 0)) \
  A(write_memory, "T10", NO_PROCESS, read_memory_of(target_number("victim"), 1)) \
  A(read_own_memory_call, "T10", 0, read_memory_of(getpid(), 0)) \
  A(memory_by_proc, "T10", PATH_ABSENT, open_for_writing(target("victim_mem"))) \
  A(open_pidfd, "T10", NO_PROCESS, CALL(SYS_pidfd_open, target_number("victim"), 0)) \
  A(take_descriptor, "T10", NO_PROCESS, take_descriptor()) \
  A(compare_processes, "T10", NO_PROCESS, CALL(SYS_kcmp, target_number("victim"), getpid(), 0, 0, 0) >= 0 ? 0 : -1) \
  A(process_madvise, "T10", REACH, CALL(SYS_process_madvise, -1, NULL, 0, 0, 0)) \
  /* T11: signals and settings of other processes */ \
  A(signal_victim, "T11", NO_PROCESS, kill((pid_t)target_number("victim"), 0)) \
  A(signal_same_uid, "T11", NO_PROCESS, kill((pid_t)target_number("same_uid_victim"), 0)) \
  A(signal_thread, "T11", NO_PROCESS, CALL(SYS_tkill, target_number("same_uid_victim"), 0)) \
  A(signal_queue, "T11", NO_PROCESS, queue_signal()) \
  A(signal_by_pidfd, "T11", NO_PROCESS, send_to_pidfd()) \
  A(limits_of_victim, "T11", NO_PROCESS, limit_of_victim()) \
  A(priority_of_victim, "T11", NO_PROCESS, setpriority(PRIO_PROCESS, (id_t)target_number("victim"), 1)) \
  A(affinity_of_victim, "T11", NO_PROCESS, CALL(SYS_sched_setaffinity, target_number("victim"), 8, (uint64_t[1]){3})) \
  A(pages_of_victim, "T11", NO_PROCESS | REACH, CALL(SYS_move_pages, target_number("victim"), 0, NULL, NULL, NULL, 0)) \
  /* T12: objects shared by name */ \
  A(sysv_memory, "T12", NO_OBJECT, shared_object("shm")) \
  A(sysv_messages, "T12", NO_OBJECT, shared_object("msg")) \
  A(sysv_semaphores, "T12", NO_OBJECT, shared_object("sem")) \
  A(posix_messages, "T12", NO_OBJECT, shared_object("mq")) \
  A(posix_memory, "T12", NO_OBJECT, shared_object("posix")) \
  A(abstract_socket, "T12", NO_NETWORK, connect_unix(target("abstract_socket"), 1)) \
  A(path_socket, "T12", PATH_ABSENT, connect_unix(target("path_socket"), 0)) \
  /* T13: networks */ \
  A(tcp_loopback, "T13", NO_NETWORK, connect_tcp("127.0.0.1", (int)target_number("tcp_port"))) \
  A(udp_loopback, "T13", NO_NETWORK, send_udp()) \
  A(socket_inet, "T13", 0, socket_of(AF_INET, SOCK_STREAM, 0)) \
  A(socket_inet_high_bits, "T13", 0, CALL(SYS_socket, AF_INET | 0x100000000l, SOCK_STREAM, 0)) \
  A(socket_inet6, "T13", 0, socket_of(AF_INET6, SOCK_STREAM, 0)) \
  A(socket_udp, "T13", 0, socket_of(AF_INET, SOCK_DGRAM, 0)) \
  A(socket_raw, "T13", 0, socket_of(AF_INET, SOCK_RAW, 1)) \
  A(socket_netlink, "T13", 0, socket_of(AF_NETLINK, SOCK_RAW, 0)) \
  A(socket_packet, "T13", 0, socket_of(AF_PACKET, SOCK_RAW, 0)) \
  A(socket_vsock, "T13", 0, socket_of(AF_VSOCK, SOCK_STREAM, 0)) \
  X(socket_alg, "T13", NO_NETWORK | STOCK, "a kernel without AF_ALG", \
    socket_of(AF_ALG, SOCK_SEQPACKET, 0)) \
  X(socket_bluetooth, "T13", NO_NETWORK | NOWHERE, "neither kernel has AF_BLUETOOTH, which is for machines with a radio", \
    socket_of(AF_BLUETOOTH, SOCK_RAW, 0)) \
  X(socket_xdp, "T13", NO_NETWORK | STOCK, "a kernel without AF_XDP", \
    socket_of(44, SOCK_RAW, 0)) \
  X(socket_key, "T13", NO_NETWORK | STOCK, "a kernel without AF_KEY", \
    socket_of(AF_KEY, SOCK_RAW, 2)) \
  A(socketpair_vsock, "T13", REACH, CALL(SYS_socketpair, AF_INET, SOCK_STREAM, 0, (int[2]){0, 0})) \
  /* T14: devices */ \
  A(make_memory_node, "T14", 0, load_device_node()) \
  A(device_kmsg, "T14", PATH_ABSENT, open_for_writing("/dev/kmsg")) \
  X(device_mem, "T14", PATH_ABSENT | STOCK, "a machine without /dev/mem", \
    read_file("/dev/mem", NULL)) \
  A(device_fuse, "T14", PATH_ABSENT, open_for_writing("/dev/fuse")) \
  A(device_loop_control, "T14", PATH_ABSENT, open_for_writing("/dev/loop-control")) \
  X(device_tty, "T14", PATH_ABSENT | NO_OBJECT | STOCK, "a machine without virtual consoles, where the control has no terminal", \
    open_terminal()) \
  A(device_ptmx, "T14", PATH_ABSENT, open_for_writing("/dev/ptmx")) \
  X(device_tun, "T14", PATH_ABSENT | STOCK, "a machine without /dev/net/tun", \
    open_for_writing("/dev/net/tun")) \
  X(device_disk, "T14", PATH_ABSENT | STOCK, "a machine whose disk is elsewhere or closed to containers", \
    read_disk()) \
  X(device_kvm, "T14", PATH_ABSENT | STOCK, "a machine without virtualization", \
    open_for_writing("/dev/kvm")) \
  A(device_listing, "T14", PATH_ABSENT, list_directory("/dev", "kmsg")) \
  /* T15: the kernel's wide doors */ \
  A(io_uring, "T15", REACH, CALL(SYS_io_uring_setup, 1, NULL)) \
  A(native_aio, "T15", REACH, CALL(SYS_io_setup, 1, NULL)) \
  A(bpf, "T15", REACH, CALL(SYS_bpf, 0, NULL, 0)) \
  A(perf_events, "T15", REACH, CALL(SYS_perf_event_open, NULL, 0, -1, -1, 0)) \
  A(userfaultfd, "T15", 0, CALL(SYS_userfaultfd, 1)) \
  A(add_key, "T15", 0, CALL(SYS_add_key, "user", "berth", "x", 1, KEY_SPEC_PROCESS_KEYRING)) \
  A(request_key, "T15", REACH, CALL(SYS_request_key, "user", "none", NULL, 0)) \
  A(key_control, "T15", 0, CALL(SYS_keyctl, KEYCTL_GET_KEYRING_ID, KEY_SPEC_PROCESS_KEYRING, 1)) \
  A(fanotify, "T15", REACH, CALL(SYS_fanotify_init, 0, 0)) \
  X(kexec, "T15", REACH | STOCK, "a kernel without kexec", \
    CALL(SYS_kexec_load, 0, 99, NULL, ~0ul)) \
  X(load_module, "T15", REACH | STOCK, "a kernel without modules", \
    CALL(SYS_init_module, NULL, 0, "")) \
  X(remove_module, "T15", REACH | STOCK, "a kernel without modules", \
    CALL(SYS_delete_module, "none", 0)) \
  A(reboot, "T15", REACH, CALL(SYS_reboot, 0, 0, 0, NULL)) \
  A(swap_on, "T15", REACH, CALL(SYS_swapon, "/nowhere", 0)) \
  X(accounting, "T15", REACH | STOCK, "a kernel without process accounting", \
    CALL(SYS_acct, "/nowhere")) \
  A(quota, "T15", REACH, CALL(SYS_quotactl, 0, NULL, 0, NULL)) \
  A(personality, "T15", 0, CALL(SYS_personality, 0x0040000)) \
  A(kernel_log, "T15", 0, CALL(SYS_syslog, 10, NULL, 0)) \
  A(set_time, "T15", REACH, CALL(SYS_clock_settime, 99, &(struct timespec){0, 0})) \
  A(adjust_time, "T15", REACH, set_clock()) \
  A(set_host_name, "T15", 0, sethostname("hostile", 7)) \
  A(set_domain_name, "T15", 0, setdomainname("hostile", 7)) \
  A(open_by_handle, "T15", REACH, CALL(SYS_open_by_handle_at, AT_FDCWD, NULL, 0)) \
  A(name_to_handle, "T15", REACH, CALL(SYS_name_to_handle_at, AT_FDCWD, "/", NULL, NULL, 0)) \
  A(memory_policy, "T15", REACH, CALL(SYS_set_mempolicy, 0, NULL, 0)) \
  A(migrate_pages, "T15", REACH, CALL(SYS_migrate_pages, 0, 0, NULL, NULL)) \
  X(secret_memory, "T15", REACH | STOCK, "a kernel before 5.14, or booted without secretmem.enable", \
    CALL(SYS_memfd_secret, 0)) \
  A(vmsplice, "T15", REACH, CALL(SYS_vmsplice, -1, NULL, 0, 0)) \
  A(seccomp_listener, "T15", 0, listener_filter()) \
  X(port_access, "T15", REACH | STOCK, "a kernel without CONFIG_X86_IOPL_IOPERM", \
    CALL(SYS_ioperm, 0x80, 1, 1)) \
  A(local_descriptor_table, "T15", REACH, CALL(SYS_modify_ldt, 1, NULL, 0)) \
  A(newest_call, "T15", REACH, newest_call()) \
  /* T16: terminals */ \
  A(terminal_input, "T16", REACH, terminal_request(0x5412)) \
  A(terminal_input_high_bits, "T16", REACH, terminal_request(0x5412 | 0x100000000ul)) \
  A(terminal_linux, "T16", REACH, terminal_request(0x541C)) \
  A(terminal_discipline, "T16", REACH, terminal_request(0x5423)) \
  A(terminal_control, "T16", REACH, terminal_request(0x540E)) \
  /* T17–T21: exhaustion */ \
  A(fork_bomb, "T17", LIMITED, many_processes()) \
  A(memory_hog, "T18", LIMITED, much_memory()) \
  A(raise_priority, "T19", 0, setpriority(PRIO_PROCESS, 0, -5)) \
  A(real_time, "T19", 0, real_time()) \
  A(io_priority, "T19", 0, CALL(SYS_ioprio_set, 1, 0, 1 << 13)) \
  A(fill_tmp, "T20", LIMITED, fill_directory("/tmp")) \
  A(fill_state, "T20", LIMITED, fill_directory(target("state"))) \
  A(many_files_in_state, "T20", LIMITED, many_files(target("state"))) \
  A(many_descriptors, "T21", LIMITED, many_descriptors()) \
  A(raise_descriptor_limit, "T21", 0, raise_limit()) \
  A(lock_memory, "T21", LIMITED, CALL(SYS_mlockall, 1)) \
  /* T22: making the host wait */ \
  A(freeze_filesystem, "T22", REACH, freeze_pipes()) \
  A(mount_fuse, "T22", PATH_ABSENT, mount_fuse()) \
  A(lease_on_file, "T22", 0, take_lease(target("state"))) \
  A(stop_same_uid, "T22", NO_PROCESS, stop_and_go(target_number("same_uid_victim"))) \
  /* T23, T24, T26: the streams of others */ \
  A(take_requests_of_victim, "T23", PATH_ABSENT, stream_of_victim("0", O_RDONLY)) \
  A(write_own_input, "T23", PATH_ABSENT, open_for_writing("/proc/self/fd/0")) \
  X(flood_console, "T24", PATH_ABSENT | STOCK, "a machine without a console", \
    open_for_writing("/dev/console")) \
  A(flood_kernel_log, "T24", PATH_ABSENT, open_for_writing("/dev/kmsg")) \
  A(answer_for_victim, "T26", PATH_ABSENT, stream_of_victim("2", O_WRONLY)) \
  A(answer_by_descriptor, "T26", NO_PROCESS, take_descriptor()) \
  /* T25: frames that never came through its own pipe */ \
  A(speak_to_daemon, "T25", PATH_ABSENT, connect_unix(target("path_socket"), 0)) \
  /* T27: traps in the directory that the host looks into */ \
  A(plant_device, "T27", 0, plant(target("state"), "device")) \
  A(plant_root_owned, "T27", UNMAPPED, plant(target("state"), "owner")) \
  A(plant_capability, "T27", 0, plant(target("state"), "capability")) \
  A(plant_trusted_attribute, "T27", 0, plant(target("state"), "trusted")) \
  A(plant_immutable, "T27", REACH, plant(target("state"), "immutable")) \
  /* T28, T29: outliving the host */ \
  A(leave_cgroup, "T28", PATH_ABSENT, open_for_writing(target("cgroup_procs"))) \
  A(plant_service, "T28", PATH_ABSENT, create_in("/run")) \
  A(plant_job, "T28", PATH_ABSENT, create_in("/var/spool")) \
  A(plant_log_in, "T28", PATH_ABSENT, create_in("/root")) \
  A(adopt_orphans, "T29", 0, prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)) \
  A(clone_beside_init, "T29", 0, clone_with(0x8000 | CLONE_NEWPID)) \
  /* T30: the host's hands */ \
  A(ask_launcher, "T30", PATH_ABSENT, connect_packets(target("packet_socket"))) \
  A(attach_loop, "T30", PATH_ABSENT, open_for_writing("/dev/loop-control")) \
  X(map_devices, "T30", PATH_ABSENT | STOCK, "a kernel without the device mapper", \
    open_for_writing("/dev/mapper/control")) \
  A(mount_image, "T30", REACH, mount(target("state"), "/tmp", "ext4", 0, NULL)) \
  /* T31: growing by an upgrade of its own */ \
  A(replace_manifest, "T31", 0, replace_in_bundle("manifest.json")) \
  A(open_bundle_to_all, "T31", 0, chmod(target("plugin"), 0777) < 0 ? -1 : chmod(target("plugin"), 0755)) \
  /* T32: speaking as somebody else */ \
  A(forge_log_record, "T32", PATH_ABSENT, send_datagram(target("log_socket"))) \
  A(forge_log_file, "T32", PATH_ABSENT, open_for_writing(target("log_file")))

ATTEMPTS(A, X)
#undef A
#undef X
#define A(name, threat, flags, expression) {#name, threat, flags, NULL, do_##name},
#define X(name, threat, flags, why, expression) {#name, threat, flags, why, do_##name},
const struct attempt attempts[] = {ATTEMPTS(A, X)};
const size_t attempt_count = sizeof attempts / sizeof *attempts;
