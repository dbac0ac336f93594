// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0

internal import JSON

/// How two sides agree on versions. Agreement is silent, whatever the age of either side.
public enum VersionNegotiation {
  /// The highest protocol version both sides speak.
  ///
  /// - Throws: `UNSUPPORTED_PROTOCOL` with both ranges and the side that must be upgraded.
  public static func choose(
    host: ProtocolVersionRange, plugin: ProtocolVersionRange
  ) throws(StorageError) -> ProtocolVersion {
    if let version = host.highestCommon(with: plugin) { return version }
    let older = plugin.max < host.min ? "the plugin" : "the host"
    throw StorageError(
      .unsupportedProtocol, "the host speaks protocol \(host), the plugin \(plugin)", outcome: .notStarted,
      hint: "upgrade \(older)",
      details: ["supported": ["host": host.json(), "plugin": plugin.json()], "upgrade": .string(older)])
  }

  /// The highest version of each profile both sides know. A profile that is not common is left out, silently.
  public static func profiles(
    host: [String: ProfileRange], plugin: [String: ProfileRange]
  ) -> [String: Int] {
    var result: [String: Int] = [:]
    for (name, offered) in host {
      guard let known = plugin[name] else { continue }
      let version = Swift.min(offered.max, known.max)
      if version >= offered.min, version >= known.min { result[name] = version }
    }
    return result
  }
}
