// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0

internal import CShims
internal import Glibc
internal import Synchronization

/// Moves one stream between a plugin's FIFO and a caller, on a thread of its own, and compares both ends' accounts.
///
/// ``export(from:to:options:call:)`` and ``import(into:from:options:call:)`` wrap the plugin call: they make the FIFO,
/// start the relay, run the call, and return only when the relay has ended and the FIFO is gone.
public enum StreamRelay {
  /// Takes a stream from a plugin.
  ///
  /// - Parameters:
  ///   - directory: the storage's stream directory.
  ///   - sink: where the bytes go.
  ///   - life: noted by `call` whenever the plugin shows signs of life.
  ///   - call: asks the plugin; gets what to put into the request and returns the reply with the plugin's account of it.
  /// - Returns: the call's reply and what passed, found equal to what the plugin reported.
  /// - Throws: `StreamCallError`: the call's own error, or what broke the stream.
  public static func export<Reply: Sendable, CallError: Error>(
    from directory: StreamDirectory, to sink: StreamSink, options: StreamOptions = StreamOptions(),
    life: SignsOfLife = SignsOfLife(),
    call: @escaping @Sendable (StreamReference) async -> Result<(Reply, StreamClaim), CallError>
  ) async throws(StreamCallError<CallError>) -> (Reply, StreamReport) {
    let control = try makeControl(CallError.self, life)
    let queue = ChunkQueue(wake: control.wake)
    let run = RelayRun(directory: directory, control: control) { fifo in
      guard let input = fifo.open(O_RDONLY), let own = fifo.open(O_WRONLY) else {
        return .failure(StreamFailure(.setup, "cannot open the plugin's stream: \(errnoText(errno))"))
      }
      _ = berth_pipe_set_size(input.raw, Int32(ExportLoop.spliceChunk))
      return .success {
        switch sink {
        case .descriptor(let raw):
          let descriptor = CallerDescriptor(raw)
          defer { descriptor.restore() }
          var loop = ExportLoop(
            input: input, ownWriter: own, output: .descriptor(descriptor), options: options, control: control)
          return loop.run()
        case .bytes:
          var loop = ExportLoop(
            input: input, ownWriter: own, output: .queue(queue), options: options, control: control)
          let result = loop.run()
          queue.closeFromThread()
          return result
        }
      }
    }
    return try await drive(run, call: call) {
      guard case .bytes(let consume) = sink else { return nil }
      do {
        while case .chunk(let chunk) = await queue.next() { try await consume(chunk) }
        return nil
      } catch {
        queue.abandonFromTask()
        return StreamFailure(.callerEnd, "the reader of the export failed: \(error)")
      }
    }
  }

  /// Gives a stream to a plugin.
  ///
  /// - Parameters and result: as in ``export(from:to:options:call:)``, in the other direction.
  public static func `import`<Reply: Sendable, CallError: Error>(
    into directory: StreamDirectory, from source: StreamSource, options: StreamOptions = StreamOptions(),
    life: SignsOfLife = SignsOfLife(),
    call: @escaping @Sendable (StreamReference) async -> Result<(Reply, StreamClaim), CallError>
  ) async throws(StreamCallError<CallError>) -> (Reply, StreamReport) {
    let control = try makeControl(CallError.self, life)
    let queue = ChunkQueue(wake: control.wake)
    let run = RelayRun(directory: directory, control: control) { fifo in
      .success {
        switch source {
        case .descriptor(let raw):
          let descriptor = CallerDescriptor(raw)
          defer { descriptor.restore() }
          var loop = ImportLoop(fifo: fifo, input: .descriptor(descriptor), options: options, control: control)
          return loop.run()
        case .bytes:
          var loop = ImportLoop(fifo: fifo, input: .queue(queue), options: options, control: control)
          let result = loop.run()
          queue.abandonFromThread()
          return result
        }
      }
    }
    return try await drive(run, call: call) {
      guard case .bytes(let produce) = source else { return nil }
      do {
        while let chunk = try await produce() {
          if !(await queue.send(chunk)) { return nil }
        }
        // What ends because nobody asks for it any more is not at its end.
        try Task.checkCancellation()
        queue.closeFromTask()
        return nil
      } catch {
        let text = "the sender of the import failed: \(error)"
        queue.closeFromTask(failure: text)
        return StreamFailure(.callerEnd, text)
      }
    }
  }

  /// Removes FIFOs that an earlier daemon left in this directory.
  ///
  /// - Returns: how many operations' folders were removed.
  @discardableResult
  public static func removeLeftovers(in directory: StreamDirectory) async -> Int {
    await OwnThread.run { directory.removeLeftovers() }
  }

  // MARK: Parts

  private enum Ended<Reply: Sendable, CallError: Error>: Sendable {
    case call(Result<(Reply, StreamClaim), CallError>)
    case relay(Result<StreamReport, StreamFailure>)
    case caller(StreamFailure?)
  }

  private static func makeControl<CallError>(
    _: CallError.Type, _ life: SignsOfLife
  ) throws(StreamCallError<CallError>) -> RelayControl {
    guard let wake = Wake() else {
      throw .stream(StreamFailure(.setup, "no descriptor is left for a stream"))
    }
    return RelayControl(wake: wake, life: life)
  }

  /// Whether the caller was cancelled because of what ended before it; its own going away, which the relay may be the
  /// first to see, does not count.
  private static func isCancelledHere<Reply, CallError>(
    _ called: Result<(Reply, StreamClaim), CallError>?, _ relayed: Result<StreamReport, StreamFailure>?
  ) -> Bool {
    if case .failure = called { return true }
    if case .failure(let failure) = relayed { return ![.callerEnd, .callerFull].contains(failure.code) }
    return false
  }

  /// Runs the call, the relay's thread and the caller's consumer or producer side by side until all three have ended.
  ///
  /// Once one of them has failed the others are cancelled: a caller that waits for its own other side, which may send
  /// nothing for hours, must not keep the failure to itself.
  private static func drive<Reply: Sendable, CallError: Error>(
    _ run: RelayRun,
    call: @escaping @Sendable (StreamReference) async -> Result<(Reply, StreamClaim), CallError>,
    callerEnd: @escaping @Sendable () async -> StreamFailure?
  ) async throws(StreamCallError<CallError>) -> (Reply, StreamReport) {
    let reference: StreamReference
    switch await run.start() {
    case .success(let started): reference = started
    case .failure(let failure): throw .stream(failure)
    }
    let (called, relayed, callerFailure) = await withTaskGroup(of: Ended<Reply, CallError>.self) { group in
      group.addTask { .call(await call(reference)) }
      group.addTask { .relay(await run.outcome()) }
      group.addTask { .caller(await callerEnd()) }
      var called: Result<(Reply, StreamClaim), CallError>?
      var relayed: Result<StreamReport, StreamFailure>?
      var callerFailure: StreamFailure?
      for await ended in group {
        switch ended {
        case .call(let result):
          called = result
          switch result {
          case .success(let (_, claim)): run.control.give(.settle(claim))
          case .failure:
            run.control.give(.stop)
            group.cancelAll()
          }
        case .relay(let result):
          relayed = result
          // The plugin need not go on when its stream is lost; its answer is awaited all the same.
          if case .failure = result { group.cancelAll() }
        case .caller(let failure?):
          // What it says after it was cancelled here is no cause of anything.
          if !isCancelledHere(called, relayed) { callerFailure = failure }
          run.control.give(.stop)
        case .caller(nil): break
        }
      }
      return (called, relayed, callerFailure)
    }
    switch (called, relayed) {
    case (.success(let (reply, _)), .success(let report)): return (reply, report)
    case (.failure(let error), .failure(let failure)) where failure.code != .cancelled:
      // The stream broke first and the call was cancelled for it: the stream's failure is the cause.
      throw .both(call: error, stream: callerFailure ?? failure)
    case (.failure(let error), _):
      if let callerFailure { throw .both(call: error, stream: callerFailure) }
      throw .call(error)
    case (_, .failure(let failure)): throw .stream(callerFailure ?? failure)
    case (_, _):
      // Both tasks above always deliver before the group ends.
      throw .stream(StreamFailure(.cancelled, "the stream ended without an account of itself"))
    }
  }
}

/// Why a streaming call failed.
public enum StreamCallError<CallError: Error>: Error, Sendable {
  /// The plugin's own answer was an error.
  case call(CallError)
  /// The plugin answered well, but the stream did not arrive whole.
  case stream(StreamFailure)
  /// The stream failed, the call was cancelled for it, and this was the plugin's answer to that.
  case both(call: CallError, stream: StreamFailure)
}

/// One relay's thread and its FIFO, from start to end.
final class RelayRun: Sendable {
  typealias Work = @Sendable () -> Result<StreamReport, StreamFailure>

  private struct State {
    var result: Result<StreamReport, StreamFailure>?
    var waiter: CheckedContinuation<Result<StreamReport, StreamFailure>, Never>?
  }

  let control: RelayControl
  private let directory: StreamDirectory
  private let prepare: @Sendable (StreamFIFO) -> Result<Work, StreamFailure>
  private let state = Mutex(State())
  private static let counter = Atomic<UInt64>(1)

  init(
    directory: StreamDirectory, control: RelayControl,
    prepare: @escaping @Sendable (StreamFIFO) -> Result<Work, StreamFailure>
  ) {
    self.directory = directory
    self.control = control
    self.prepare = prepare
  }

  /// Starts the thread; returns when the FIFO is there and the host's end of it is open.
  func start() async -> Result<StreamReference, StreamFailure> {
    let number = Self.counter.wrappingAdd(1, ordering: .relaxed).oldValue
    let id = "s\(getpid())-\(number)"
    return await withCheckedContinuation { started in
      let running = OwnThread.start(name: "berth-stream") { [self] in
        let fifo: StreamFIFO
        do throws(StreamFailure) {
          fifo = try directory.makeFIFO(id: id)
        } catch {
          started.resume(returning: .failure(error))
          return
        }
        switch prepare(fifo) {
        case .failure(let failure):
          fifo.remove()
          started.resume(returning: .failure(failure))
        case .success(let work):
          started.resume(returning: .success(fifo.reference))
          let result = control.judged(work())
          // The FIFO goes before the outcome is known: who has the outcome finds nothing left.
          fifo.remove()
          end(result)
        }
      }
      if !running {
        started.resume(returning: .failure(StreamFailure(.setup, "no thread is left for a stream")))
      }
    }
  }

  /// The thread's result, once it has ended. A cancelled task stops the relay.
  func outcome() async -> Result<StreamReport, StreamFailure> {
    await withTaskCancellationHandler {
      await withCheckedContinuation { continuation in
        let result = state.withLock { state in
          if state.result == nil { state.waiter = continuation }
          return state.result
        }
        if let result { continuation.resume(returning: result) }
      }
    } onCancel: {
      control.give(.stop)
    }
  }

  private func end(_ result: Result<StreamReport, StreamFailure>) {
    let waiter = state.withLock { state in
      state.result = result
      defer { state.waiter = nil }
      return state.waiter
    }
    waiter?.resume(returning: result)
  }
}
