// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0

import CShims
import Glibc

/// One exchange with the launcher. Blocks; runs on threads of its own.
struct LauncherConnection: ~Copyable {
  private let socket: Descriptor
  /// The launcher process in exec mode; it exits right after its answer.
  private let program: Descriptor
  /// Its process group, which what it starts as our child stays in; 0 with a server.
  private let group: pid_t
  /// The server's process, by which one server is told from the next; 0 in exec mode.
  let server: Int32

  /// How long a server that does not answer at all is waited for: after a crash its service manager starts another.
  static let patience = Duration.seconds(10)

  struct Reply {
    var raw: bl_reply
    /// Descriptors in the order of the protocol; whoever takes the reply owns them.
    var descriptors: [Int32]

    var isFailure: Bool { raw.error != 0 }

    /// The descriptor of that kind, if it came.
    func descriptor(_ kind: bl_reply_fd) -> Int32? {
      guard raw.fd_kinds & kind.rawValue != 0 else { return nil }
      let index = (raw.fd_kinds & (kind.rawValue - 1)).nonzeroBitCount
      return index < descriptors.count ? descriptors[index] : nil
    }

    var listeners: [Int32] { Array(descriptors.dropFirst(raw.fd_kinds.nonzeroBitCount)) }
  }

  /// - Parameter patience: how long to try to connect to a server.
  init(_ transport: Launcher.Transport, patience: Duration = .zero) throws(SandboxError) {
    switch transport {
    case .program(let path, let prefix):
      let pair = try DescriptorPair.socket()
      let pid = try Self.start(prefix + [path], socket: pair.second.value)
      program = try Self.watch(pid)
      socket = pair.first
      group = pid
      server = 0
    case .server(let path):
      socket = try Self.connect(path, patience: patience)
      program = Descriptor(-1)
      group = 0
      var peer = berth_credentials()
      server = berth_peer_credentials(socket.value, &peer) == 0 ? peer.pid : 0
    }
  }

  /// Sends the request and waits for the answer. A launcher program has ended afterwards, one that gave no answer too.
  func exchange(
    _ request: borrowing LaunchRequest, descriptors: [Int32], deadline: Duration
  ) throws(SandboxError) -> Reply {
    do throws(SandboxError) {
      let reply = try ask(request, descriptors, deadline)
      // It exits by itself now; collecting it here leaves no zombie.
      _ = exitText()
      return reply
    } catch {
      if program.value >= 0 { _ = berth_pidfd_send_signal(program.value, SIGKILL) }
      _ = exitText()
      // What it had started is our child too, and nobody was told of it. It ends with its sockets or its cgroup.
      if group > 0 { Blocking.detach { [group] in berth_group_reap(group) } }
      throw error
    }
  }

  private func ask(
    _ request: borrowing LaunchRequest, _ descriptors: [Int32], _ deadline: Duration
  ) throws(SandboxError) -> Reply {
    let sent = bl_request_send(socket.value, request.raw, descriptors, Int32(descriptors.count))
    guard sent >= 0 else { throw Self.unavailable("the launcher does not take requests", errno: Int32(-sent)) }
    var ready = pollfd(fd: socket.value, events: Int16(POLLIN), revents: 0)
    let milliseconds = Int32(clamping: deadline.components.seconds * 1000)
    guard poll(&ready, 1, milliseconds) > 0 else {
      throw Self.unavailable("the launcher did not answer within \(deadline)", errno: ETIMEDOUT)
    }
    var raw = bl_reply()
    var fds = [Int32](repeating: -1, count: Int(BERTH_MAX_PASSED))
    var count = Int32(fds.count)
    let got = berth_receive_descriptors(socket.value, &raw, MemoryLayout<bl_reply>.size, &fds, &count)
    fds = Array(fds.prefix(Int(count)))
    guard got == MemoryLayout<bl_reply>.size, raw.magic == BL_MAGIC, raw.version == BL_VERSION else {
      for fd in fds { close(fd) }
      throw Self.unavailable(
        got == 0 ? "the launcher ended without an answer\(exitText())" : "the launcher's answer makes no sense",
        errno: got < 0 ? Int32(-got) : nil)
    }
    return Reply(raw: raw, descriptors: fds)
  }

  private func exitText() -> String {
    guard program.value >= 0 else { return "" }
    var end = berth_exit()
    guard berth_pidfd_wait(program.value, &end) == 0 else { return "" }
    return end.signal != 0 ? " (signal \(end.signal))" : " (status \(end.code))"
  }

  /// The launcher's process id, which is its session's and its group's as well.
  private static func start(_ arguments: [String], socket: Int32) throws(SandboxError) -> pid_t {
    var pointers: [UnsafeMutablePointer<CChar>?] = arguments.map { strdup($0) } + [nil]
    defer { for pointer in pointers { free(pointer) } }
    var environment: [UnsafeMutablePointer<CChar>?] = [nil]
    let pid = berth_spawn(arguments[0], &pointers, &environment, socket, -1, -1, Int32(BERTH_SPAWN_SESSION))
    guard pid > 0 else {
      throw unavailable("the launcher \(arguments[0]) could not be started", errno: -pid)
    }
    return pid
  }

  private static func watch(_ pid: pid_t) throws(SandboxError) -> Descriptor {
    let program = berth_pidfd_open(pid)
    guard program >= 0 else { throw unavailable("the launcher could not be watched", errno: -program) }
    return Descriptor(program)
  }

  /// Nothing was asked for yet: trying again is safe. Sleeps between, on the exchange's own thread.
  private static func connect(_ path: String, patience: Duration) throws(SandboxError) -> Descriptor {
    let end = ContinuousClock.now + patience
    while true {
      let result = bl_connect(path)
      if result >= 0 { return Descriptor(result) }
      guard [ENOENT, ECONNREFUSED, EAGAIN].contains(-result), .now < end else {
        throw unavailable("no launcher server answers at \(path)", errno: -result)
      }
      usleep(50_000)
    }
  }

  private static func unavailable(_ message: String, errno number: Int32? = nil) -> SandboxError {
    SandboxError(
      .launcherUnavailable, message, errno: number,
      hint: "Check that berth-launcher is installed beside berthd, or that berth-launcher.service runs")
  }
}
