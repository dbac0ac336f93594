#!/usr/bin/python3
# SPDX-FileCopyrightText: The Berth developers
# SPDX-License-Identifier: Apache-2.0
"""The hostile plugin in Python, with nothing but the standard library: tries to get out by what an interpreter offers.

attempts.py victim DIRECTORY   plays the host: plants what is to be reached, prints where it is, ends with its input
attempts.py outside            runs every attempt unconfined; the victim's line on standard input
attempts.py                    the plugin: runs every attempt in a call whose `scfg.targets` is the victim's line

Each attempt runs in a process of its own. ESCAPED: it did what it wanted. BLOCKED: refused with an error that it
names beforehand, or killed for a forbidden call. INCONCLUSIVE: anything else.
"""

import ctypes
import errno
import fcntl
import json
import mmap
import multiprocessing.shared_memory
import os
import resource
import signal
import socket
import subprocess
import sys
import tempfile
import time

REFUSED = {errno.EPERM, errno.EACCES, errno.EROFS, errno.ENOSYS}
ABSENT = REFUSED | {errno.ENOENT, errno.ENOTDIR}
NOBODY = REFUSED | {errno.ESRCH}
NOWHERE = REFUSED | {errno.ENETUNREACH, errno.ECONNREFUSED, errno.ENOENT, errno.EADDRNOTAVAIL}
LIMITED = REFUSED | {errno.EAGAIN, errno.ENOMEM, errno.ENOSPC, errno.EMFILE, errno.EFBIG}
SECONDS = 10
LIBC = ctypes.CDLL(None, use_errno=True)
ATTEMPTS = []


def attempt(threat, expected):
    def remember(function):
        ATTEMPTS.append((function.__name__, threat, expected, function))
        return function

    return remember


def call(name, *arguments):
    if getattr(LIBC, name)(*arguments) < 0:
        raise OSError(ctypes.get_errno(), name)


def nothing():
    raise OSError(errno.ENOENT, "nothing found")


@attempt("T1", ABSENT)
def read_secret(t):
    open(t["secret"]).read()


@attempt("T1", ABSENT)
def read_open_secret(t):
    open(t["open_secret"]).read()


@attempt("T1", ABSENT)
def read_shadow(t):
    open("/etc/shadow").read()


@attempt("T1", ABSENT)
def search_for_canary(t):
    # Everything below the directories where a host keeps things, not only what has a known name.
    for top in ("/etc", "/root", "/home", "/srv", "/opt", "/run", os.path.dirname(t["secret"]), "/state", "/streams"):
        for folder, _, files in os.walk(top):
            for file in files[:200]:
                path = os.path.join(folder, file)
                try:
                    if os.path.isfile(path) and "CANARY" in open(path, errors="replace").read(4096):
                        return
                except OSError:
                    pass
    nothing()


@attempt("T2", ABSENT)
def list_other_storage(t):
    os.listdir(t["directory"])


@attempt("T2", ABSENT)
def climb_out_of_state(t):
    open(os.path.join(t["state"], "../../../../..", t["secret"].lstrip("/"))).read()


@attempt("T2", ABSENT)
def follow_own_link(t):
    link = os.path.join(t["state"], "link")
    try:
        os.unlink(link)
    except OSError:
        pass
    os.symlink(t["secret"], link)
    open(link).read()


@attempt("T3", ABSENT)
def find_environment(t):
    if not any("CANARY" in value for value in os.environ.values()):
        nothing()


@attempt("T3", ABSENT)
def find_descriptors(t):
    for number in range(3, 1024):
        try:
            if os.path.isdir(f"/proc/self/fd/{number}") or not os.get_inheritable(number):
                continue
            os.fstat(number)
            return
        except OSError:
            pass
    nothing()


@attempt("T3", ABSENT)
def read_environment_of_victim(t):
    open(f"/proc/{t['pid']}/environ").read()


@attempt("T4", REFUSED)
def write_own_code(t):
    with open(os.path.abspath(__file__) + ".new", "w") as file:
        file.write("")
    os.unlink(os.path.abspath(__file__) + ".new")


@attempt("T4", ABSENT)
def write_python_library(t):
    path = os.path.join(os.path.dirname(os.__file__), f"berth_hostile_{os.getpid()}.py")
    open(path, "w").close()
    os.unlink(path)


@attempt("T4", ABSENT)
def write_bytecode_cache(t):
    folder = os.path.join(os.path.dirname(os.path.abspath(__file__)), "__pycache__")
    os.makedirs(folder, exist_ok=True)
    path = os.path.join(folder, f"evil-{os.getpid()}.pyc")
    open(path, "w").close()
    os.unlink(path)


def executable_copy(folder):
    path = tempfile.mktemp(dir=folder)
    with open("/usr/bin/true", "rb") as source, open(path, "wb") as copy:
        copy.write(source.read())
    os.chmod(path, 0o755)
    return path


@attempt("T5", REFUSED)
def run_copy_in_state(t):
    path = executable_copy(t["state"])
    try:
        subprocess.run([path], check=True)
    finally:
        os.unlink(path)


@attempt("T5", REFUSED)
def run_copy_in_tmp(t):
    path = executable_copy("/tmp")
    try:
        subprocess.run([path], check=True)
    finally:
        os.unlink(path)


@attempt("T5", REFUSED)
def run_from_memory(t):
    try:
        fd = os.memfd_create("x", 0x10)  # MFD_EXEC
    except OSError as error:
        if error.errno != errno.EINVAL:
            raise
        fd = os.memfd_create("x", 0)  # before Linux 6.3 all may be executed
    os.write(fd, open("/usr/bin/true", "rb").read())
    libc = ctypes.CDLL(None, use_errno=True)
    arguments, environment = (ctypes.c_char_p * 2)(b"true", None), (ctypes.c_char_p * 1)(None)
    pid = os.fork()
    if pid == 0:
        libc.fexecve(fd, arguments, environment)
        os._exit(ctypes.get_errno())
    status = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
    if status != 0:
        raise OSError(status, "not executed")


@attempt("T5", ABSENT)
def load_library_from_state(t):
    path = os.path.join(t["state"], f"lib-{os.getpid()}.so")
    with open(LIBRARY, "rb") as source, open(path, "wb") as copy:
        copy.write(source.read())
    try:
        ctypes.CDLL(path)
    except OSError as error:
        raise OSError(errno.EPERM if "map segment" in str(error) or "not permitted" in str(error) else 0, str(error))
    finally:
        os.unlink(path)


@attempt("T5", REFUSED)
def write_and_execute_memory(t):
    mmap.mmap(-1, 4096, prot=mmap.PROT_READ | mmap.PROT_WRITE | mmap.PROT_EXEC)


@attempt("T6", REFUSED)
def become_root(t):
    os.setuid(0)


@attempt("T6", REFUSED)
def join_groups(t):
    os.setgroups([0])


@attempt("T6", REFUSED)
def make_set_uid_file(t):
    path = os.path.join(tempfile.gettempdir(), f"set-uid-{os.getpid()}")
    os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o755))
    try:
        os.chmod(path, 0o4755)
    finally:
        os.unlink(path)


@attempt("T7", REFUSED)
def mount_tmpfs(t):
    call("mount", b"x", b"/tmp", b"tmpfs", 0, None)
    call("umount2", b"/tmp", 2)


@attempt("T7", REFUSED)
def change_root(t):
    os.chroot("/tmp")


@attempt("T8", REFUSED)
def new_user_namespace(t):
    call("unshare", 0x10000000)


@attempt("T10", NOBODY)
def trace_victim(t):
    call("ptrace", 0x4206, t["pid"], 0, 0)


@attempt("T10", ABSENT)
def memory_of_victim(t):
    open(f"/proc/{t['pid']}/mem", "rb").close()


@attempt("T11", NOBODY)
def signal_victim(t):
    os.kill(t["pid"], 0)


@attempt("T11", NOBODY)
def limits_of_victim(t):
    resource.prlimit(t["pid"], resource.RLIMIT_NOFILE)


@attempt("T12", ABSENT)
def shared_memory(t):
    multiprocessing.shared_memory.SharedMemory(t["shm"])


@attempt("T12", NOWHERE)
def abstract_socket(t):
    socket.socket(socket.AF_UNIX).connect("\0" + t["abstract"])


@attempt("T12", NOWHERE)
def path_socket(t):
    socket.socket(socket.AF_UNIX).connect(t["socket"])


@attempt("T13", NOWHERE)
def connect_to_host(t):
    socket.create_connection(("127.0.0.1", t["port"]), 5)


@attempt("T13", NOWHERE)
def send_datagram(t):
    socket.socket(socket.AF_INET, socket.SOCK_DGRAM).sendto(b"CANARY", ("127.0.0.1", t["port"]))


@attempt("T13", NOWHERE)
def raw_socket(t):
    socket.socket(socket.AF_PACKET, socket.SOCK_RAW)


@attempt("T13", REFUSED)
def virtual_machine_socket(t):
    socket.socket(40, socket.SOCK_STREAM)


@attempt("T14", ABSENT)
def open_loop_control(t):
    os.open("/dev/loop-control", os.O_RDWR)


@attempt("T14", REFUSED)
def make_node(t):
    path = os.path.join(t["state"], f"node-{os.getpid()}")
    os.mknod(path, 0o60600, os.makedev(7, 0))
    os.unlink(path)


@attempt("T15", REFUSED)
def set_host_name(t):
    socket.sethostname(socket.gethostname())


@attempt("T17", LIMITED)
def fork_bomb(t):
    children = []
    try:
        for _ in range(300):
            pid = os.fork()
            if pid == 0:
                signal.pause()
            children.append(pid)
    finally:
        for pid in children:
            os.kill(pid, signal.SIGKILL)
            os.waitpid(pid, 0)


@attempt("T18", LIMITED)
def memory_hog(t):
    hog = []
    try:
        for _ in range(40):
            hog.append(bytearray(b"x") * (16 << 20))
    except MemoryError:
        raise OSError(errno.ENOMEM, "memory")


@attempt("T19", REFUSED)
def raise_priority(t):
    os.setpriority(os.PRIO_PROCESS, 0, -5)


@attempt("T20", LIMITED)
def fill_tmp(t):
    with tempfile.TemporaryFile(dir="/tmp") as file:
        for _ in range(64):
            os.write(file.fileno(), bytes(1 << 20)) == 1 << 20 or nothing()


@attempt("T21", LIMITED)
def many_descriptors(t):
    for _ in range(900):
        os.dup(0)


@attempt("T21", REFUSED | {0})
def raise_descriptor_limit(t):
    try:
        resource.setrlimit(resource.RLIMIT_NOFILE, (4096, 4096))
    except ValueError:  # how Python says EPERM here
        raise OSError(errno.EPERM, "limit")


@attempt("T22", REFUSED)
def lease_on_file(t):
    with open(os.path.join(t["state"], f"lease-{os.getpid()}"), "w") as file:
        os.unlink(file.name)
        fcntl.fcntl(file.fileno(), 1024, fcntl.F_WRLCK)  # F_SETLEASE


@attempt("T27", REFUSED | {errno.EOVERFLOW, errno.EINVAL})
def give_file_to_root(t):
    path = os.path.join(t["state"], f"gift-{os.getpid()}")
    open(path, "w").close()
    try:
        os.chown(path, 0, 1)
    finally:
        os.unlink(path)


@attempt("T28", ABSENT)
def leave_control_group(t):
    os.close(os.open("/sys/fs/cgroup/cgroup.procs" if os.path.exists("/sys/fs/cgroup/cgroup.procs")
                     else "/sys/fs/cgroup/unified/cgroup.procs", os.O_WRONLY))


@attempt("T28", ABSENT)
def plant_service(t):
    path = f"/run/berth-hostile-{os.getpid()}"
    open(path, "w").close()
    os.unlink(path)


@attempt("T30", NOWHERE)
def ask_launcher(t):
    socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET).connect(t["launcher"])


@attempt("T31", REFUSED)
def rewrite_manifest(t):
    path = os.path.join(os.path.dirname(os.path.abspath(__file__)), "manifest.json.new")
    open(path, "w").close()
    os.unlink(path)


@attempt("T32", NOWHERE)
def forge_log_record(t):
    socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM).sendto(b"<2>berthd: all is well\n\x1b[2J", t["log"])


LIBRARY = next((path for path in ("/lib/x86_64-linux-gnu/libdl.so.2", "/lib/aarch64-linux-gnu/libdl.so.2",
                                  "/lib64/libdl.so.2") if os.path.exists(path)), "/lib/libdl.so.2")


def run_one(name, threat, expected, function, targets):
    """One attempt in a child: its verdict comes back through a pipe, or as the signal that ended it."""
    reading, writing = os.pipe()
    pid = os.fork()
    if pid == 0:
        null = os.open(os.devnull, os.O_RDWR)
        for number in (0, 1, 2):
            os.dup2(null, number)
        os.close(null)
        signal.alarm(SECONDS)
        verdict = "ESCAPED"
        try:
            function(targets)
        except OSError as error:
            number = error.errno or 0
            verdict = f"{'BLOCKED' if number in expected else 'INCONCLUSIVE'} {errno.errorcode.get(number, error)}"
        except BaseException as error:  # noqa: whatever else went wrong says nothing about the sandbox
            verdict = f"INCONCLUSIVE {type(error).__name__}"
        os.write(writing, verdict.encode())
        os._exit(0)
    os.close(writing)
    text = b""
    while piece := os.read(reading, 4096):
        text += piece
    os.close(reading)
    _, status = os.waitpid(pid, 0)
    verdict, _, detail = text.decode().partition(" ")
    if os.WIFSIGNALED(status):
        number = os.WTERMSIG(status)
        limit = number == signal.SIGKILL and errno.ENOMEM in expected
        verdict = "BLOCKED" if number == signal.SIGSYS or limit else "INCONCLUSIVE"
        detail = signal.Signals(number).name
    return {"name": name, "threat": threat, "verdict": verdict or "INCONCLUSIVE", "detail": detail}


def run_all(targets):
    return [run_one(*entry, targets) for entry in ATTEMPTS]


def be_victim(directory):
    def listen(name, kind):
        path = os.path.join(directory, name)
        listener = socket.socket(socket.AF_UNIX, kind)
        listener.bind(path)
        os.chmod(path, 0o666)
        if kind != socket.SOCK_DGRAM:
            listener.listen(64)
        return listener, path

    secret, open_secret = os.path.join(directory, "secret"), os.path.join(directory, "open")
    for path, mode in ((secret, 0o600), (open_secret, 0o644)):
        with open(path, "w") as file:
            file.write("CANARY-PY\n")
        os.chmod(path, mode)
    memory = multiprocessing.shared_memory.SharedMemory(create=True, size=4096)
    os.chmod("/dev/shm/" + memory.name.lstrip("/"), 0o666)
    stream, stream_path = listen("stream", socket.SOCK_STREAM)
    launcher, launcher_path = listen("launcher", socket.SOCK_SEQPACKET)
    log, log_path = listen("log", socket.SOCK_DGRAM)
    abstract = socket.socket(socket.AF_UNIX)
    abstract.bind(f"\0berth-py-{os.getpid()}")
    abstract.listen(64)
    port = socket.create_server(("127.0.0.1", 0))
    print(json.dumps({
        "directory": directory, "secret": secret, "open_secret": open_secret, "pid": os.getpid(), "shm": memory.name,
        "socket": stream_path, "launcher": launcher_path, "log": log_path, "abstract": f"berth-py-{os.getpid()}",
        "port": port.getsockname()[1], "state": directory,
    }), flush=True)
    sys.stdin.read()
    memory.close()
    memory.unlink()


if sys.argv[1:2] == ["victim"]:
    be_victim(sys.argv[2])
elif sys.argv[1:] == ["outside"]:
    LIBC.unshare(0x20000 | 0x4000000)  # mounts and host name of its own: the control must not change the host's
    call("mount", b"none", b"/", None, 0x44000, None)
    print(json.dumps(run_all(json.loads(sys.stdin.readline()))))
else:
    import wire

    def serve(request):
        targets = dict(request["params"]["scfg"]["targets"], state="/state")
        wire.answer(request, run_all(targets))

    wire.serve(serve)
