// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0

internal import JSON
internal import StorageProtocol

extension HostDefaults {
  /// Definition and hooks: answered from the manifest, or nothing to do.
  static let definition: [String: Default] = [
    "check_config": { (_, arguments, _) async throws(StorageError) in
      ["scfg": arguments["scfg"] ?? .object([:])]
    },
    "get_formats": { (storage, _, _) async throws(StorageError) in
      let facts = storage.facts
      let wanted = storage.property("format").flatMap { facts.formats.contains($0) ? $0 : nil }
      return ["default": .string(wanted ?? facts.defaultFormat), "valid": facts.formats.json()]
    },
    "on_add_hook": nothing,
    "on_update_hook": nothing,
    "on_update_hook_full": { (storage, arguments, run) async throws(StorageError) in
      guard storage.facts.methods.contains("on_update_hook") else { return [:] }
      var forwarded = arguments
      forwarded["scfg"] = nil
      forwarded["delete"] = nil
      return try await storage.call("on_update_hook", forwarded, run)
    },
    "on_delete_hook": nothing,
  ]
}
