// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0

internal import Hummingbird
internal import ManagementTypes
internal import Synchronization

/// An export on its way to an HTTP response.
///
/// The host pushes parts, the response pulls them, and neither gets ahead of the other. The work runs in a task of its
/// own because the response's head must go out before its body: the head waits for the first part or the failure, and
/// whoever drops this object (a client that has gone) cancels the work.
final class ExportStream: Sendable {
  typealias Sink = @Sendable ([UInt8]) async throws -> Void

  /// Under which the outcome can be asked for.
  let id: String
  private let board: TransferBoard
  private let parts: PartQueue
  private let started: AsyncStream<Problem?>
  private let task: Task<TransferView, any Error>

  init(board: TransferBoard, _ work: @escaping @Sendable (@escaping Sink) async throws(Problem) -> TransferView) {
    let id = Self.makeID()
    let parts = PartQueue()
    let (started, signal) = AsyncStream.makeStream(of: Problem?.self, bufferingPolicy: .bufferingOldest(1))
    self.id = id
    self.board = board
    self.parts = parts
    self.started = started
    task = Task {
      await board.begin(id)
      do throws(Problem) {
        let report = try await work { part in
          signal.yield(nil)
          try await parts.send(ByteBuffer(bytes: part))
        }
        await board.end(id, .success(report))
        signal.yield(nil)
        await parts.finish(.success(()))
        return report
      } catch {
        await board.end(id, .failure(error))
        signal.yield(error)
        await parts.finish(.failure(error))
        throw error
      }
    }
  }

  deinit { task.cancel() }

  /// Waits for the first part.
  /// - Throws: what failed before there was one.
  func start() async throws {
    for await problem in started {
      if let problem { throw problem }
      return
    }
    throw CancellationError()
  }

  /// The next part; nil at the end.
  /// - Throws: what the export failed with.
  func next() async throws -> ByteBuffer? { try await parts.next() }

  /// Ends the work: whoever read the parts has gone.
  func cancel() { task.cancel() }

  /// How the export ended, after its last part.
  func outcome() async throws -> TransferView { try await task.value }

  private static func makeID() -> String {
    var generator = SystemRandomNumberGenerator()
    let (high, low) = (generator.next() as UInt64, generator.next() as UInt64)
    return String(high, radix: 36) + String(low, radix: 36)
  }
}
