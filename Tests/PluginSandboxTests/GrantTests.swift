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
      "/srv/../etc", "/srv//x", "/srv/", "srv", "", "/srv/./x", "/srv/a\nb",
    ] {
      #expect(throws: SandboxError.self, "\(path)") {
        try PathPolicy.check(FilePermission(path: path, access: .readOnly))
      }
    }
    #expect(throws: Never.self) { try PathPolicy.check(FilePermission(path: "/var/lib/vz", access: .readWrite)) }
    #expect(throws: Never.self) { try PathPolicy.check(FilePermission(path: "/srv", access: .readWrite)) }
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
