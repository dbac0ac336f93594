// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0

import Glibc
import Testing

@testable import PluginSandbox

@Suite(.enabled(if: Fixture.isRoot, "the privileged sandbox needs root"), .timeLimit(.minutes(2)))
struct GrantTests {
  @Test func aRootOwnedTreeIsWritableAsItStandsAndStaysRoots() async throws {
    let fixture = try Fixture()
    let storage = fixture.directory + "/storage"
    mkdir(storage, 0o755)
    mkdir(storage + "/images", 0o700)
    #expect(symlink("/etc/shadow", storage + "/link") == 0)
    let result = try await fixture.run(
      "cd \(storage)/images && stat -c %u . && echo data > file && chmod 640 file && mkdir sub && cat ../link; ls -d \(storage)"
    ) { $0.permissions.files = [FilePermission(path: storage, access: .readWrite)] }
    #expect(result.output == "654321\n\(storage)\n", "\(result)")
    #expect(result.errors.contains("link"))
    var status = stat()
    #expect(stat(storage + "/images/file", &status) == 0)
    #expect(status.st_uid == 0 && status.st_gid == 0 && status.st_mode & 0o777 == 0o640)
  }

  /// The plugin acts as root in a directory of root's, and the host may have that directory mounted without nosuid.
  @Test func noSetIDFileComesIntoARootOwnedTree() async throws {
    let fixture = try Fixture()
    let storage = fixture.directory + "/storage"
    mkdir(storage, 0o755)
    let script = """
      import ctypes, os, stat, sys
      libc = ctypes.CDLL(None, use_errno=True)
      os.chdir(sys.argv[1])
      os.close(os.open("plain", os.O_CREAT | os.O_WRONLY, 0o755))
      os.mkdir("folder")
      os.umask(0)
      here = os.open(".", os.O_RDONLY)
      fd = os.open("plain", os.O_RDWR)
      attempts = {
        "chmod": lambda: os.chmod("plain", 0o4755),
        "chmod-gid": lambda: os.chmod("folder", 0o2775),
        "fchmod": lambda: os.fchmod(fd, 0o6755),
        "fchmodat": lambda: os.chmod("plain", 0o4755, dir_fd=here),
        "open": lambda: os.open("made1", os.O_CREAT | os.O_WRONLY, 0o4755),
        "openat": lambda: os.open("made2", os.O_CREAT | os.O_WRONLY, 0o2755, dir_fd=here),
        "nameless": lambda: os.open(".", os.O_TMPFILE | os.O_WRONLY, 0o4755),
        "mkdir": lambda: os.mkdir("made4", 0o2755),
        "mknod": lambda: os.mknod("made5", 0o104755),
        "fifo": lambda: os.mknod("made6", stat.S_IFIFO | 0o4755),
      }
      for name, attempt in attempts.items():
        try:
          attempt()
          print(name, "worked")
        except PermissionError:
          pass
      how = (ctypes.c_uint64 * 3)(os.O_CREAT | os.O_WRONLY, 0o4755, 0)
      for name, answer in {
        "creat": libc.creat(b"made7", 0o4755), "openat2": libc.syscall(437, here, b"made8", how, 24),
        "fchmodat2": libc.syscall(452, here, b"plain", 0o4755, 0),
      }.items():
        if answer != -1: print(name, "worked")
      os.chmod("plain", 0o750); os.chmod("folder", 0o1777)
      """
    fixture.write("modes.py", script)
    let result = try await fixture.run("python3 -I /plugin/modes.py \(storage)") {
      $0.permissions.files = [FilePermission(path: storage, access: .readWrite)]
    }
    #expect(result.output == "" && result.errors == "", "\(result)")
    var status = stat()
    #expect(stat(storage + "/plain", &status) == 0 && status.st_mode & 0o7777 == 0o750 && status.st_uid == 0)
    #expect(stat(storage + "/folder", &status) == 0 && status.st_mode & 0o7777 == 0o1777)
    #expect(access(storage + "/made1", F_OK) != 0 && access(storage + "/made7", F_OK) != 0)
    // The same outside: the script can do it.
    let control = fixture.directory + "/control"
    mkdir(control, 0o755)
    #expect(system("python3 -I \(fixture.bundle)/modes.py \(control) > \(fixture.directory)/outside") == 0)
    #expect(SmallFile.read(fixture.directory + "/outside")?.split(separator: "\n").count ?? 0 >= 10)
  }

  /// The state directory lies on the host as whoever made it left it; the plugin is its owner inside all the same.
  @Test func theStateDirectoryIsReachedWhoeverOwnsIt() async throws {
    let fixture = try Fixture()
    let state = fixture.directory + "/state"
    mkdir(state, 0o700)
    let result = try await fixture.run("stat -c %u /state && echo kept > /state/file && cat /state/file") {
      $0.stateDirectory = state
    }
    #expect(result.output == "654321\nkept\n", "\(result)")
    var status = stat()
    #expect(stat(state + "/file", &status) == 0 && status.st_uid == 0)
    // Another plugin's id finds its own there, and this one's file with it: the directory is the storage's, not the id's.
    let next = try await fixture.run("cat /state/file; echo more >> /state/file && cat /state/file") {
      $0.stateDirectory = state
      $0.uid += 1
    }
    #expect(next.output == "kept\nkept\nmore\n", "\(next)")
  }

  @Test func aReadOnlyGrantCannotBeWritten() async throws {
    let fixture = try Fixture()
    let storage = fixture.directory + "/storage"
    mkdir(storage, 0o777)
    let result = try await fixture.run("touch \(storage)/x") {
      $0.permissions.files = [FilePermission(path: storage, access: .readOnly)]
    }
    #expect(result.errors.contains("Read-only file system"), "\(result)")
  }

  @Test func pythonRunsQemuImgOnAGrantedDirectory() async throws {
    let fixture = try Fixture()
    let storage = fixture.directory + "/storage"
    mkdir(storage, 0o755)
    fixture.write(
      "plugin.py",
      """
      #!/usr/bin/python3
      import json, os, subprocess, sys, threading
      path = sys.argv[1]
      subprocess.run(["qemu-img", "create", "-q", "-f", "qcow2", path + "/base.qcow2", "64M"], check=True)
      subprocess.run(["qemu-img", "create", "-q", "-f", "qcow2", "-b", "base.qcow2", "-F", "qcow2", path + "/clone.qcow2"], check=True)
      subprocess.run(["qemu-img", "snapshot", "-c", "one", path + "/clone.qcow2"], check=True)
      subprocess.run(["qemu-img", "convert", "-O", "raw", path + "/clone.qcow2", path + "/flat.raw"], check=True)
      subprocess.run(["qemu-img", "resize", "-q", "-f", "raw", path + "/flat.raw", "128M"], check=True)
      thread = threading.Thread(target=lambda: print("thread", flush=True)); thread.start(); thread.join()
      info = json.loads(subprocess.run(["qemu-img", "info", "--output=json", path + "/clone.qcow2"], check=True, capture_output=True).stdout)
      print(info["snapshots"][0]["name"], os.path.getsize(path + "/flat.raw"), os.environ["HOME"])
      """)
    var plan = fixture.plan("plugin.py")
    plan.arguments = [storage]
    plan.permissions.files = [FilePermission(path: storage, access: .readWrite)]
    let process = try await fixture.launcher.launch(plan)
    try await process.attest()
    let output = await Fixture.drain(process.standardOutput)
    let errors = await Fixture.drain(process.standardError)
    #expect(output == "thread\none \(128 << 20) /state\n", "\(errors)")
    #expect(await process.waitForExit() == .exited(0))
    try await process.kill()
    process.close()
  }

  @Test func aFifoInTheStreamsDirectoryCarriesData() async throws {
    let fixture = try Fixture()
    let streams = fixture.directory + "/streams"
    mkdir(streams, 0o755)
    fixture.write("run.sh", "#!/bin/sh\nread path\necho payload > $path\n")
    var plan = fixture.plan("run.sh")
    plan.streamsDirectory = streams
    let process = try await fixture.launcher.launch(plan)
    mkdir(streams + "/1", 0o755)
    mkfifo(streams + "/1/data", 0o600)
    chown(streams + "/1/data", process.uid, process.uid)
    let fifo = open(streams + "/1/data", O_RDONLY | O_NONBLOCK | O_CLOEXEC)
    let line = "/streams/1/data\n"
    #expect(write(process.standardInput, line, line.utf8.count) == line.utf8.count)
    #expect(await process.waitForExit() == .exited(0))
    #expect(await Fixture.drain(fifo) == "payload\n")
    close(fifo)
    try await process.kill()
    process.close()
  }

  @Test func systemPathsAreNeverGranted() async throws {
    for path in [
      "/", "/etc", "/etc/berth", "/usr/share", "/proc", "/sys/fs", "/dev/sda", "/var/lib/berth/secrets", "/var",
      "/srv/../etc", "/srv//x", "/srv/", "srv", "", "/srv/./x", "/srv/a\nb", "/opt", "/opt/tool/bin", "/efi",
      "/nix/store",
      "/var/lib", "/var/lib/polkit-1/rules.d", "/var/lib/cloud/scripts", "/home/ann", "/home/ann/.bashrc",
      "/home/ann/.local/bin", "/home/ann/.profile.d/x", "/home/ann/bin",
    ] {
      #expect(throws: SandboxError.self, "\(path)") {
        try PathPolicy.check(FilePermission(path: path, access: .readOnly))
      }
    }
    #expect(throws: Never.self) { try PathPolicy.check(FilePermission(path: "/var/lib/vz", access: .readWrite)) }
    for path in ["/srv", "/srv/.hidden", "/home/ann/disks", "/home/ann/disks/.snapshots", "/mnt/nas", "/var/lib/vz2"] {
      #expect(throws: Never.self, "\(path)") {
        try PathPolicy.check(FilePermission(path: path, access: .readWrite))
      }
    }
  }

  @Test func aGrantThroughASymbolicLinkIsRefusedWithAHint() async throws {
    let fixture = try Fixture()
    #expect(symlink("/srv", fixture.directory + "/link") == 0)
    let error = await #expect(throws: SandboxError.self) {
      _ = try await fixture.run("true") {
        $0.permissions.files = [FilePermission(path: fixture.directory + "/link", access: .readOnly)]
      }
    }
    #expect(error?.hint?.contains("symbolic link") == true, "\(String(describing: error))")
  }

  /// Subvolumes need requests of ioctl(2) that only `runtime.btrfs` opens; without it the same program is refused.
  @Test func subvolumesOfBtrfsNeedTheirPermission() async throws {
    let fixture = try Fixture()
    let (image, storage) = (fixture.directory + "/image", fixture.directory + "/storage")
    mkdir(storage, 0o755)
    let made =
      "truncate -s 128M \(image) && mkfs.btrfs -q \(image) >/dev/null && mount -o loop,user_subvol_rm_allowed \(image) \(storage)"
    try #require(system(made) == 0, "cannot make a btrfs on a loop device: \(made)")
    defer { _ = system("umount \(storage)") }
    let script = """
      python3 - <<'END'
      import fcntl, os, struct
      place = os.open("\(storage)", os.O_RDONLY)
      fcntl.ioctl(place, 0x50009418, bytearray(struct.pack("<qQQ32x4040s", 0, 0, 0, b"disk")))
      print("inode", os.stat("\(storage)/disk").st_ino)
      END
      """
    for allowed in [false, true] {
      let result = try await fixture.run(script) {
        $0.permissions.files = [FilePermission(path: storage, access: .readWrite)]
        $0.permissions.runtime.btrfs = allowed
      }
      // The root of a subvolume always has inode 256 (btrfs(5)).
      #expect(result.output == (allowed ? "inode 256\n" : ""), "\(result)")
      if !allowed { #expect(result.errors.contains("PermissionError"), "\(result)") }
    }
  }
}
