// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0

import CShims
import Glibc

extension Launcher {
  /// Has a worker of its own carry out one operation, and waits for its end.
  ///
  /// Cancelling the task, or the deadline, kills the worker with everything it started.
  /// - Parameters:
  ///   - deadline: the worker's whole life.
  ///   - released: called when a worker that could not be killed is gone at last.
  /// - Throws: `timedOut`, `unreapable` for a worker that survives its kill (a dead server under a mount), or why no
  ///   worker could be started. An operation that ran and failed is no error here: see ``BrokerOutcome/error``.
  public func perform(
    _ operation: BrokerOperation, within deadline: Duration, released: @escaping @Sendable () -> Void = {}
  ) async throws(SandboxError) -> BrokerOutcome {
    let instance = try nextBrokerInstance()
    let (transport, scope, removals) = (transport, scope, removals)
    let cancel = try CancelPipe()
    let result: Result<BrokerOutcome, SandboxError> = await withTaskCancellationHandler {
      await Blocking.run {
        do throws(SandboxError) {
          let worker = try BrokerWorker(
            operation, instance: instance, scope: scope, transport: transport, removals: removals, deadline: deadline)
          return .success(try worker.finish(cancel: cancel.readEnd, released: released))
        } catch {
          return .failure(error)
        }
      }
    } onCancel: {
      cancel.fire()
    }
    return try result.get()
  }
}

/// Wakes a thread that waits for a worker.
private final class CancelPipe: Sendable {
  let readEnd: Int32
  private let writeEnd: Int32

  init() throws(SandboxError) {
    let pair = try DescriptorPair.pipe()
    readEnd = pair.first.take()
    writeEnd = pair.second.take()
  }

  func fire() { _ = write(writeEnd, "x", 1) }

  deinit {
    close(readEnd)
    close(writeEnd)
  }
}

/// A running worker. Blocks; lives on a thread of its own.
private final class BrokerWorker {
  private let instance: String
  private let removals: LeafRemovals
  private let pid: Int32
  private let pidfd: Descriptor
  private let killer: Descriptor
  private let answer: Descriptor
  private let output: Descriptor
  private let errors: Descriptor
  private let end: ContinuousClock.Instant
  private let hasGroup: Bool

  private static let outputLimit = 16 << 20
  private static let errorLimit = 64 << 10

  init(
    _ operation: BrokerOperation, instance: String, scope: String, transport: Launcher.Transport,
    removals: LeafRemovals, deadline: Duration
  ) throws(SandboxError) {
    end = .now + deadline
    (self.instance, self.removals) = (instance, removals)
    let seconds = UInt32(clamping: max(1, min(Int64(BB_LONGEST), deadline.components.seconds + 1)))
    let message = try BrokerMessage(operation, seconds: seconds).seal()
    let input = try Self.input(operation.input)
    let output = try DescriptorPair.pipe()
    let errors = try DescriptorPair.pipe()
    let answer = try DescriptorPair.socket()
    for descriptor in [output.first.value, errors.first.value] { _ = berth_set_nonblocking(descriptor, 1) }
    let request = try LaunchRequest(broker: operation.kind, scope: scope, instance: instance, plugin: operation.sandbox)
    let (standardInput, standardOutput) = (
      operation.inputDescriptor ?? input.value, operation.outputDescriptor ?? output.second.value
    )
    let connection = try LauncherConnection(transport, patience: min(LauncherConnection.patience, deadline))
    let reply: LauncherConnection.Reply
    do throws(SandboxError) {
      reply = try connection.exchange(
        request,
        descriptors: [standardInput, standardOutput, errors.second.value, answer.second.value, message.value],
        deadline: .seconds(30))
    } catch {
      removals.later(LeafRemovals.Leaf(instance: instance))
      throw SandboxError(
        .interrupted, "nobody knows whether the operation was begun: \(error.message)", errno: error.errno,
        hint: error.hint)
    }
    let kept = [reply.descriptor(BL_RFD_PIDFD), reply.descriptor(BL_RFD_KILL)]
    for descriptor in reply.descriptors where !kept.contains(descriptor) { close(descriptor) }
    pidfd = Descriptor(kept[0] ?? -1)
    killer = Descriptor(kept[1] ?? -1)
    pid = reply.raw.pid
    hasGroup = reply.descriptor(BL_RFD_CGROUP) != nil
    self.answer = Descriptor(answer.first.take())
    self.output = Descriptor(output.first.take())
    self.errors = Descriptor(errors.first.take())
    if reply.isFailure || pidfd.value < 0 {
      if pidfd.value >= 0 { Self.reap(pidfd.value) }
      let failure = Launcher.failure(reply.raw, required: [])
      throw SandboxError(
        failure.code, "the broker's worker was not started", step: failure.step, errno: failure.errno,
        hint: reply.raw.step == BL_STEP_CAPS.rawValue
          ? "The launcher may not pass on what the broker needs: give its service the drop-in "
            + "berth-launcher-broker.conf and restart it"
          : "Check that berth-broker stands beside berth-launcher, owned by root and not writable by others")
    }
  }

  /// Something to read from the start.
  private static func input(_ bytes: [UInt8]) throws(SandboxError) -> Descriptor {
    let file = try Descriptor.checked(bl_sealed_file(bytes, UInt32(bytes.count)), "the program's input")
    lseek(file.value, 0, SEEK_SET)
    return file
  }

  func finish(cancel: Int32, released: @escaping @Sendable () -> Void) throws(SandboxError) -> BrokerOutcome {
    var printed: [UInt8] = []
    var said: [UInt8] = []
    var raw: bb_reply?
    var failure: SandboxError?
    // A pipe at its end would wake the loop for ever.
    var (outputEnded, errorsEnded) = (false, false)
    while raw == nil, failure == nil {
      let pipes = [outputEnded ? -1 : output.value, errorsEnded ? -1 : errors.value]
      var watched = [answer.value, pipes[0], pipes[1], cancel].map {
        pollfd(fd: $0, events: Int16(POLLIN), revents: 0)
      }
      let left = end - .now
      if left <= .zero {
        failure = SandboxError(.timedOut, "the broker's worker did not end in time")
        break
      }
      let milliseconds = Int32(clamping: left.components.seconds * 1_000 + 1)
      guard poll(&watched, nfds_t(watched.count), min(milliseconds, 1_000)) >= 0 || errno == EINTR else { break }
      if Self.drain(output.value, into: &printed, limit: Self.outputLimit) { outputEnded = true }
      if Self.drain(errors.value, into: &said, limit: Self.errorLimit) { errorsEnded = true }
      if watched[3].revents != 0 { failure = SandboxError(.timedOut, "the operation was cancelled") }
      if watched[0].revents != 0 {
        var message = bb_reply()
        let size = MemoryLayout<bb_reply>.size
        let got = recv(answer.value, &message, size, Int32(MSG_DONTWAIT))
        if got == size, message.magic == BB_MAGIC, message.version == BB_VERSION {
          raw = message
          failure = nil
        } else {
          failure = SandboxError(.interrupted, "the broker's worker ended without an answer")
        }
      }
    }
    _ = Self.drain(output.value, into: &printed, limit: Self.outputLimit)
    _ = Self.drain(errors.value, into: &said, limit: Self.errorLimit)
    let isGone = endWorker(released)
    guard let raw else {
      if !isGone {
        throw SandboxError(
          .unreapable, "the broker's worker \(pid) hangs in the kernel and cannot be killed",
          hint: "A mount or device of this storage does not answer; its control group \(instance) stays until it does")
      }
      throw failure ?? SandboxError(.stepFailed, "the broker's worker could not be watched")
    }
    var outcome = BrokerOutcome(raw)
    outcome.output = printed
    outcome.errors = said
    return outcome
  }

  /// Kills what is left of it; false when it survives.
  private func endWorker(_ released: @escaping @Sendable () -> Void) -> Bool {
    let (removals, instance) = (removals, instance)
    let grace = Self.waits(pidfd.value, 200)
    if killer.value >= 0 { _ = write(killer.value, "1", 1) }
    if !grace { _ = berth_pidfd_send_signal(pidfd.value, SIGKILL) }
    let isGone = Self.waits(pidfd.value, 5_000)
    if isGone {
      Self.reap(pidfd.value)
      if hasGroup { Blocking.detach { removals.remove(instance) } }
    } else {
      let watched = dup(pidfd.value)
      Blocking.detach {
        _ = Self.waits(watched, -1)
        Self.reap(watched)
        close(watched)
        removals.remove(instance)
        released()
      }
    }
    return isGone
  }

  private static func waits(_ descriptor: Int32, _ milliseconds: Int32) -> Bool {
    var watched = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
    while true {
      let result = poll(&watched, 1, milliseconds)
      if result >= 0 || errno != EINTR { return result > 0 }
    }
  }

  /// In exec mode it is our child.
  private static func reap(_ descriptor: Int32) {
    var end = berth_exit()
    _ = berth_pidfd_wait(descriptor, &end)
  }

  /// Reads what there is; true at the end of the file.
  private static func drain(_ descriptor: Int32, into bytes: inout [UInt8], limit: Int) -> Bool {
    var chunk = [UInt8](repeating: 0, count: 65_536)
    while true {
      let count = read(descriptor, &chunk, chunk.count)
      if count <= 0 { return count == 0 }
      if bytes.count < limit { bytes += chunk[..<min(count, limit - bytes.count)] }
    }
  }
}
