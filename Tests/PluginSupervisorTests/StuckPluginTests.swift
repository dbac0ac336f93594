// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0

import Glibc
import JSON
import PluginSandbox
import StorageProtocol
import Synchronization
import TestSupport
import Testing

@testable import PluginSupervisor

/// A place in the file system from which there is no coming back, until it is thawed.
enum StuckPlace: String, CaseIterable, Sendable, CustomTestStringConvertible {
  /// ext4 on a loop device, frozen.
  case frozen
  /// FUSE whose server takes every question and answers none.
  case fuse
  var testDescription: String { rawValue }
}

/// The helper that holds the place; when its input ends, for whatever reason, it thaws and unmounts.
final class StuckMount: Sendable {
  let path: String
  private let helper: ChildProcess

  init(_ kind: StuckPlace, _ path: String, owner: UInt32) async throws {
    self.path = path
    mkdir(path, 0o755)
    switch kind {
    case .frozen:
      helper = ChildProcess(
        "/bin/sh", "-c",
        """
        truncate -s 16M "$0.img" && mkfs.ext4 -q "$0.img" && mount -o loop "$0.img" "$0" && chown \(owner):\(owner) "$0" || exit 1
        fsfreeze -f "$0" && echo ready; read x; fsfreeze -u "$0"; umount -l "$0"; rm -f "$0.img"
        """, path)
    case .fuse:
      let program = path + ".fuse"
      let built = ChildProcess("cc", "-std=gnu17", "-O1", "-w", "-static", "-o", program, "\(Stage.scripts)/../fuse.c")
      close(built.input)
      _ = await Self.line(built.output)
      close(built.output)
      helper = ChildProcess(program, path, "\(owner)")
    }
    let line = await Self.line(helper.output)
    try #require(line == "ready", "\(kind): \(line)")
  }

  /// The FUSE server's word when somebody has looked.
  func question() async -> String { await Self.line(helper.output) }

  /// Frees everyone who waits.
  func thaw() { close(helper.input) }

  /// The next line; empty at the end.
  static func line(_ descriptor: Int32) async -> String {
    await OwnThread.run {
      var bytes: [UInt8] = []
      var byte: UInt8 = 0
      while read(descriptor, &byte, 1) == 1, byte != 10 { bytes.append(byte) }
      return String(decoding: bytes, as: UTF8.self)
    }
  }
}

/// Plugins in uninterruptible sleep: nobody can kill them, and nobody else may suffer for it.
@Suite(.serialized, .requires(.root), .requires(.program("mkfs.ext4")), .timeLimit(.minutes(5)))
struct StuckPluginTests {
  @Test(arguments: StuckPlace.allCases) func aPluginThatCannotDieIsToldHeldAndCleanedUpInTheEnd(
    _ kind: StuckPlace
  ) async throws {
    let stage = try Stage()
    let uid = Stage.nextUID.wrappingAdd(1, ordering: .relaxed).newValue
    let place = try await StuckMount(kind, "\(stage.directory)/place", owner: uid)
    var permissions = Permissions()
    permissions.files = [FilePermission(path: place.path, access: .readWrite)]
    let instance = try stage.instance(of: stage.bundle("sticks"), uid: uid, permissions: permissions) {
      $0.killDeadline = .milliseconds(700)
    }
    let other = try stage.instance("honest")
    try await other.start()
    try await instance.start()

    // Two callers: one in the call that hangs, one waiting behind it. Both are answered.
    let scfg = Stage.scfg("stick", ["path": .string(place.path)])
    async let hanging = failure { () throws(StorageError) in
      try await instance.call("alloc_image", scfg, options: CallOptions(timeout: .seconds(1)))
    }
    #expect(await eventually { await instance.status.runningCalls == 1 })
    let waiting = await failure { () throws(StorageError) in
      try await instance.call("list_images", Stage.scfg, options: CallOptions(timeout: .seconds(60)))
    }
    let error = await hanging
    #expect(error?.code == .pluginUnreapable, "\(String(describing: error))")
    #expect(error?.outcome == .unknown)
    #expect(waiting?.outcome == .notStarted, "it waited behind the other and was never sent")
    let stuck = Stage.processes(of: uid)
    #expect(!stuck.isEmpty, "INCONCLUSIVE: nothing is stuck")

    // Held: no second process of that user starts, nothing is forgotten, the group stays.
    #expect(await instance.status.state == .unreapable)
    for _ in 0..<2 {
      let again = await failure { () throws(StorageError) in try await instance.call("list_images", Stage.scfg) }
      #expect(again?.code == .pluginUnreapable)
      #expect(again?.outcome == .notStarted)
      #expect(again?.message.contains("was not asked") == true)
    }
    // A call that changes something says so as well: nothing of it can have happened.
    let change = await failure { () throws(StorageError) in try await instance.call("alloc_image", Stage.scfg) }
    #expect(change?.code == .pluginUnreapable && change?.outcome == .notStarted)
    let lock = await failure { () throws(StorageError) in try await instance.kill(reason: "a lock") }
    #expect(lock?.code == .pluginUnreapable)
    #expect(Stage.processes(of: uid) == stuck)
    #expect(!Self.groups(of: stage.launcher.scope).isEmpty)
    // Another plugin on the same I/O thread is none the worse.
    for _ in 0..<20 { #expect(try await other.call("list_images", Stage.scfg)["total"] == 1000) }

    place.thaw()
    #expect(await eventually { await instance.status.state == .idle })
    #expect(await eventually { Stage.processes(of: uid).isEmpty })
    await instance.release()
    #expect(try await instance.call("list_images", Stage.scfg)["total"] == 1000)
    try await other.close(reason: "done")
    try await stage.finish(instance)
    #expect(await eventually { Self.groups(of: stage.launcher.scope).isEmpty })
    #expect(await eventually { listing("\(stage.directory)/place").isEmpty }, "the place is unmounted")
  }

  /// Closing, as a daemon going down does, tells and returns; it waits for nobody for ever.
  @Test(arguments: StuckPlace.allCases) func goingDownDoesNotWaitForThePluginThatCannotDie(
    _ kind: StuckPlace
  ) async throws {
    let stage = try Stage()
    let uid = Stage.nextUID.wrappingAdd(1, ordering: .relaxed).newValue
    let place = try await StuckMount(kind, "\(stage.directory)/place", owner: uid)
    var permissions = Permissions()
    permissions.files = [FilePermission(path: place.path, access: .readWrite)]
    let instance = try stage.instance(of: stage.bundle("sticks"), uid: uid, permissions: permissions) {
      $0.killDeadline = .milliseconds(500)
      $0.shutdownTimeout = .milliseconds(300)
    }
    try await instance.start()
    let scfg = Stage.scfg("stick", ["path": .string(place.path)])
    let call = Task {
      await failure { () throws(StorageError) in try await instance.call("alloc_image", scfg) }
    }
    switch kind {
    case .frozen: #expect(await eventually { Stage.state(of: uid, holds: "D") }, "INCONCLUSIVE: nothing is stuck")
    // Whoever waits for the answer can be interrupted until it is killed; from then on not any more.
    case .fuse: #expect(await place.question() == "asked", "INCONCLUSIVE: nobody looked")
    }
    let error = await failure { () throws(StorageError) in try await instance.close(reason: "the host goes down") }
    #expect(error?.code == .pluginUnreapable)
    #expect(await call.value?.outcome == .unknown)
    place.thaw()
    #expect(await eventually { Stage.processes(of: uid).isEmpty })
    try await stage.finish(instance)
  }

  /// Leaves of a scope in whatever hierarchies there are.
  private static func groups(of scope: String) -> [String] {
    ["", "/unified", "/pids", "/memory"].flatMap { hierarchy in
      listing("/sys/fs/cgroup\(hierarchy)/berth/\(scope)").filter { $0.hasPrefix("local") }
    }
  }
}

extension Stage {
  /// Whether a process of that user is in this state.
  static func state(of uid: UInt32, holds letter: Character) -> Bool {
    processes(of: uid).contains { pid in
      let fd = open("/proc/\(pid)/stat", O_RDONLY | O_CLOEXEC)
      guard fd >= 0 else { return false }
      defer { close(fd) }
      var bytes = [UInt8](repeating: 0, count: 512)
      let count = read(fd, &bytes, bytes.count)
      let text = String(decoding: bytes.prefix(max(0, count)), as: UTF8.self)
      return text.split(separator: ")").last?.split(separator: " ").first.map { $0.contains(letter) } ?? false
    }
  }
}
