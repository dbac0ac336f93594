// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0

internal import StorageProtocol

/// What was agreed with one child.
struct Session: Sendable {
  var protocolVersion: ProtocolVersion
  /// Calls the child takes at once.
  var maxInFlight: Int
  /// Longest message the child reads, in bytes.
  var maxMessageBytes: Int
}

/// The pure part of `initialize`: what the host says, and whether the answer may stand.
struct Handshake: Sendable {
  let configuration: InstanceConfiguration

  func request(session: SessionInfo) -> Initialize.Params {
    Initialize.Params(
      protocolVersions: configuration.protocolVersions, profiles: PluginCatalog.hostProfiles,
      host: configuration.host, hostServices: configuration.hostServices.sorted(),
      limits: WireLimits(maxMessageBytes: configuration.maxMessageBytes, maxInFlight: 16),
      streams: configuration.streamsPath == nil ? [] : [.fifo], session: session, storeid: configuration.storeid,
      storageType: configuration.storageType, stateDir: "/state", tmpDir: "/tmp")
  }

  /// Compares the plugin's facts with its manifest; any difference is refused.
  func accept(_ answer: Initialize.Result) throws(StorageError) -> Session {
    let manifest = configuration.bundle.manifest
    guard configuration.protocolVersions.contains(answer.protocolVersion),
      manifest.protocolVersions.contains(answer.protocolVersion)
    else {
      throw StorageError(
        .unsupportedProtocol,
        "\(configuration.name) chose protocol \(answer.protocolVersion); the host speaks "
          + "\(configuration.protocolVersions), the manifest says \(manifest.protocolVersions)",
        outcome: .notStarted, hint: "install a version of the plugin whose manifest and program belong together")
    }
    for (name, chosen) in (answer.profiles ?? [:]).sorted(by: { $0.key < $1.key }) {
      let host = PluginCatalog.hostProfiles[name]
      let own = manifest.profiles[name]
      if let host, let own, chosen >= max(host.min, own.min), chosen <= min(host.max, own.max) { continue }
      let ranges = [host, own].map { range in range.map { "\($0.min) to \($0.max)" } ?? "not at all" }
      throw StorageError(
        .unsupportedProtocol,
        "\(configuration.name) chose version \(chosen) of the profile \(quoted(name)); the host has it \(ranges[0]), the "
          + "manifest \(ranges[1])",
        outcome: .notStarted, hint: "install a version of the plugin whose manifest and program belong together")
    }
    var differences: [String] = []
    func compare(_ what: String, _ said: String, _ manifest: String) {
      if said != manifest { differences.append("\(what) is \(quoted(said)), the manifest says \(quoted(manifest))") }
    }
    compare("id", answer.plugin.id, manifest.id)
    compare("version", answer.plugin.version, manifest.version)
    compare("concurrency", answer.concurrency.rawValue, manifest.concurrency.rawValue)
    compare("fencing", answer.fencing.rawValue, manifest.fencing.rawValue)
    let said = Set(answer.methods)
    let listed = manifest.methods
    let extra = said.subtracting(listed).sorted()
    let missing = listed.subtracting(said).sorted()
    if !extra.isEmpty { differences.append("it has the methods \(list(extra)) that the manifest does not list") }
    if !missing.isEmpty { differences.append("it lacks the methods \(list(missing)) that the manifest lists") }
    guard differences.isEmpty else {
      throw StorageError(
        .manifestInvalid, "\(configuration.name) is not what its manifest says: " + differences.joined(separator: "; "),
        outcome: .notStarted, hint: "install a version of the plugin whose manifest and program belong together")
    }
    return Session(
      protocolVersion: answer.protocolVersion,
      maxInFlight: min(answer.limits?.maxInFlight ?? .max, configuration.maxInFlight),
      maxMessageBytes: answer.limits?.maxMessageBytes ?? 4 << 20)
  }

  private func list(_ names: [String]) -> String {
    quoted(names.prefix(8).joined(separator: ", ")) + (names.count > 8 ? " and \(names.count - 8) more" : "")
  }
}
