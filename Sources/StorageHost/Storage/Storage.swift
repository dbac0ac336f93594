// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0

internal import JSON
internal import StorageProtocol
internal import StorageRules

/// One storage as it is configured at this moment, with the process that serves it.
///
/// Everything the host asks of a storage goes through `call`: to the plugin when it implements the method, else to
/// the host's default for it.
struct Storage: Sendable {
  let id: String
  /// The section with defaults applied, as plugins get it; no secrets.
  let scfg: JSONObject
  let facts: TypeFacts
  let plugin: any PluginCalling
  /// Directories the plugin was granted; paths it returns must lie within.
  let grants: [String]

  /// Asks the storage.
  /// - Parameter arguments: the method's own; `storeid` and `scfg` are added here.
  func call(_ method: String, _ arguments: JSONObject = [:], _ run: CallRun) async throws(StorageError) -> JSONObject {
    if facts.methods.contains(method) {
      return try ResultChecks.check(
        method, arguments, try await plugin.call(method, parameters(arguments), run), on: self)
    }
    guard let standIn = HostDefaults.table[method] else {
      throw .refused(
        .notSupported, "storage '\(id)' does not support \(method)",
        hint: "its plugin \(facts.plugin) does not implement the method")
    }
    return try await standIn(self, arguments, run)
  }

  /// The arguments with what every method of a storage takes.
  func parameters(_ arguments: JSONObject) -> JSONObject {
    var params: JSONObject = ["storeid": .string(id), "scfg": .object(scfg)]
    params.merge(arguments)
    return params
  }

  /// Whether the plugin itself or a default of the host answers the method.
  func supports(_ method: String) -> Bool {
    facts.methods.contains(method) || HostDefaults.table[method] != nil
  }

  /// A text property of the configuration.
  func property(_ name: String) -> String? {
    switch scfg[name] {
    case .string(let text): text
    case .int(let number): String(number)
    case .bool(let flag): flag ? "1" : "0"
    default: nil
    }
  }

  func volid(_ volname: String) -> String { "\(id):\(volname)" }
}
