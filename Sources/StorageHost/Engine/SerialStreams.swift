// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0

internal import StorageProtocol
internal import Synchronization

/// Streams of plugins that serve one call at a time: while such a plugin sends, it receives nothing, and the other way
/// round. Waiting for the turn would wait for ever where the two are one pipe.
final class SerialStreams: Sendable {
  enum Direction: String, Sendable, Hashable {
    case sending
    case receiving
    var opposite: Direction { self == .sending ? .receiving : .sending }
  }

  private struct Place: Hashable {
    var process: String
    var direction: Direction
  }

  private let running = Mutex<[Place: [String]]>([:])

  /// Runs a stream, unless one in the other direction runs.
  func run<Value: Sendable>(
    _ direction: Direction, _ what: String, _ facts: TypeFacts, on storeid: String,
    _ body: () async throws(StorageError) -> Value
  ) async throws(StorageError) -> Value {
    guard let process = Self.process(facts, storeid) else { return try await body() }
    let place = Place(process: process, direction: direction)
    let other = running.withLock { running -> String? in
      if let other = running[Place(process: process, direction: direction.opposite)]?.first { return other }
      running[place, default: []].append(what)
      return nil
    }
    if let other {
      throw .refused(
        .volumeBusy,
        "\(facts.plugin) is \(direction.opposite.rawValue) \(other), and serves one call at a time: it cannot be "
          + "\(direction.rawValue) \(what) as well",
        hint: "wait for it, see 'berth job list'; from such a storage to itself go through a file: "
          + "berth export ID FORMAT FILE")
    }
    defer {
      running.withLock { running in
        if let index = running[place]?.firstIndex(of: what) { running[place]?.remove(at: index) }
        if running[place]?.isEmpty == true { running[place] = nil }
      }
    }
    return try await body()
  }

  /// Whether streams between the two wait for each other's turn.
  static func wait(_ source: Storage, _ target: Storage) -> Bool {
    guard let process = process(source.facts, source.id) else { return false }
    return process == Self.process(target.facts, target.id)
  }

  private static func process(_ facts: TypeFacts, _ storeid: String) -> String? {
    switch facts.turn {
    case .storage: "storage/\(storeid)"
    case .plugin: "plugin/\(facts.plugin)"
    case nil: nil
    }
  }
}
