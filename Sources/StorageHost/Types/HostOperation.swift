// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0

internal import JSON
internal import StorageProtocol

/// A change that may take long, described before it is begun: every one of them runs as a job, whoever asks for it.
///
/// The values of this type are made by its static functions, one for each operation of ``StorageHost``.
public struct HostOperation: Sendable {
  typealias Body = @Sendable (StorageHost, Caller) async throws(StorageError) -> JSON

  /// The method's name as in `protocol.json`, or the host's own: `copy`, `move`.
  public let kind: String
  /// The storage it works on.
  public let storeid: String
  /// What it does, in one line.
  public let title: String
  /// What was asked for, to tell a repeated request from a different one; no secrets.
  let request: JSONObject
  /// Whether it changes the configuration: it does not wait for what else its storage is doing.
  let isConfiguration: Bool
  let body: Body

  init(
    _ kind: String, on storeid: String, _ title: String, _ request: JSONObject, isConfiguration: Bool = false,
    body: @escaping Body
  ) {
    self.kind = kind
    self.storeid = storeid
    self.title = title
    self.request = request
    self.isConfiguration = isConfiguration
    self.body = body
  }
}

extension HostOperation {
  /// The result as jobs show it, from what an operation returned and the journal keeps: the new volume's id as `volid`,
  /// a size as `size`, nothing where there is nothing to tell.
  static func result(_ method: String, _ value: JSON) -> JSON {
    switch method {
    case "alloc_image", "clone_image", "create_base", "rename_volume":
      if let volid = value.stringValue { return ["volid": .string(volid)] }
    case "volume_resize":
      if let size = value.intValue { return ["size": .int(size)] }
    case "free_image": return .null
    default: break
    }
    return value
  }

  /// How a job ended whose daemon died in the middle: from the end that was found for one of its operations.
  ///
  /// - Parameters:
  ///   - kind: the job's.
  ///   - method: the operation's; a job of several steps has others than its own kind.
  static func end(
    of kind: String, title: String, _ method: String, _ end: Result<JSON, StorageError>
  ) -> Result<JSON, StorageError> {
    guard case .success(let value) = end else { return end }
    switch (kind, method) {
    case ("move", "volume_import"):
      let copy = value["volid"]?.stringValue ?? "the copy"
      return .failure(
        .make(
          .shuttingDown, "\(title): '\(copy)' is complete, but the daemon stopped before the source was removed",
          outcome: .partial, hint: "compare the two, then free the one you do not need: berth volume free ID"))
    case ("move", _): return .success(.null)
    case ("prune_backups", "free_image"):
      return .failure(
        .make(
          .shuttingDown, "\(title): the daemon stopped in the middle; what was removed is removed whole",
          outcome: .partial, hint: "repeat it: what is left is judged anew"))
    default: return .success(result(method, value))
    }
  }
}
