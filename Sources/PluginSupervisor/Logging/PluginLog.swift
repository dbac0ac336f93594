// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0

internal import JSON
internal import JSONRPC
internal import Logging
internal import StorageProtocol
internal import Synchronization

/// What a plugin says through the protocol: `host.log`, other notifications, and lines that are no messages.
final class PluginLog: Sendable {
  private let logger: Logger
  private let budget = Mutex(LineBudget())

  /// - Parameter logger: carries plugin and storage id as metadata.
  init(logger: Logger) { self.logger = logger }

  func notification(_ method: String, _ params: JSON) {
    guard method == HostLog.name else {
      write(.debug, "ignored the notification \(quoted(method, limit: 64)) of the plugin", [:])
      return
    }
    do throws(JSONError) {
      let entry = try HostLog.Params(json: params, path: .root)
      var metadata: Logger.Metadata = [:]
      for (name, value) in entry.fields ?? [:] where metadata.count < 32 {
        metadata["plugin.\(quoted(name, limit: 64))"] = "\(quoted(value, limit: 1024))"
      }
      write(Logger.Level(rawValue: entry.level.rawValue) ?? .info, quoted(entry.message, limit: 8192), metadata)
    } catch {
      write(.debug, "a host.log of the plugin was dropped: \(error)", [:])
    }
  }

  func strayLine(_ line: String) {
    write(.warning, "the plugin wrote to its standard output what is no message: \(line)", [:])
  }

  private func write(_ level: Logger.Level, _ text: String, _ metadata: Logger.Metadata) {
    switch budget.withLock({ $0.admit() }) {
    case .suppress: return
    case .passAfter(let suppressed): logger.notice("suppressed \(suppressed) messages of the plugin")
    case .pass: break
    }
    logger.log(level: level, "\(text)", metadata: metadata)
  }
}
