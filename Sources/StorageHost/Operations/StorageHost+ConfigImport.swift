// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0

internal import JSON
internal import Logging
internal import StorageConfig
public import StorageProtocol

extension StorageHost {
  /// Takes over the storages of another configuration file, byte for byte behind our own: comments, unknown types and
  /// unknown properties included. No hook runs: what was added there is not added again.
  ///
  /// - Parameter isDryRun: only tells what would become of each section.
  /// - Throws: CONFIG_INVALID with the reason STORAGE_EXISTS, DUPLICATE_SECTION or DIGEST_CONFLICT; then nothing was
  ///   taken over.
  public func importConfig(
    _ wish: ConfigImport, isDryRun: Bool, _ caller: Caller
  ) async throws(StorageError) -> ConfigImportReport {
    let file = StorageConfigFile(parsing: wish.text)
    let current = try await currentConfig()
    var report = await judged(file, wish, current)
    report.isDryRun = isDryRun
    report.digest = current.digest
    guard !isDryRun else { return report }
    let taken = report.sections.filter { $0.verdict != .exists }.map(\.storeid)
    let kept = try Self.without(report.sections.filter { $0.verdict == .exists && wish.skipsExisting }, file)
    let secrets = await usableSecrets(wish, among: Set(taken), file)
    let values: JSONObject = [
      "text": .string(String(decoding: wish.text, as: UTF8.self)), "secrets": Self.json(wish.secrets),
      "skip": .bool(wish.skipsExisting),
    ]
    try await changeConfig("import_config", "*", ["sections": taken.json()], values, caller) { (_) async throws in
      do {
        for (storeid, values) in secrets {
          try await self.registry.config.secrets.replace(values.mapValues { Secret($0) }, of: storeid)
        }
        _ = try await self.registry.config.merge(kept, digest: wish.digest, owner: caller.actor)
      } catch {
        // Secrets of storages that did not come; what a crash leaves of them the next start keeps aside.
        let present = self.registry.config.snapshot
        for storeid in secrets.keys where present[storeid] == nil {
          try? await self.registry.config.secrets.remove(storeid)
        }
        throw error
      }
    }
    for section in report.sections where section.verdict == .usable {
      guard let bundle = await registry.bundle(serving: section.type) else { continue }
      try await registry.consents.give(
        section.storeid, bundle, registry.config.snapshot[section.storeid]?.usable?.config ?? [:])
    }
    report.digest = try await currentConfig().digest
    logger.notice(
      "configuration taken over", metadata: ["storages": "\(taken.joined(separator: " "))", "actor": "\(caller.actor)"])
    return report
  }

  private func currentConfig() async throws(StorageError) -> ConfigSnapshot {
    do throws(ConfigError) { return try await registry.config.read() } catch { throw StorageError(error) }
  }

  /// The file without these sections.
  private static func without(
    _ sections: [ConfigImportReport.Section], _ file: StorageConfigFile
  ) throws(StorageError) -> StorageConfigFile {
    var file = file
    do throws(ConfigError) {
      for section in sections { file = try file.removing(id: section.storeid) }
    } catch { throw StorageError(error) }
    return file
  }

  private static func json(_ secrets: [String: [String: String]]) -> JSON {
    var object = JSONObject()
    for (storeid, values) in secrets {
      object[storeid] = .object(JSONObject(lastWins: values.map { ($0.key, JSON.string($0.value)) }))
    }
    return .object(object)
  }

  private func judged(
    _ file: StorageConfigFile, _ wish: ConfigImport, _ current: ConfigSnapshot
  ) async -> ConfigImportReport {
    let schema = registry.config.schema
    let judgement = ConfigReport(file, schema: schema, isComplete: false)
    var seen: [String: Int] = [:]
    for section in judgement.sections { seen[section.id, default: 0] += 1 }
    var sections: [ConfigImportReport.Section] = []
    for section in judgement.sections {
      let sensitive = schema.types[section.type]?.sensitiveProperties ?? []
      let given = wish.secrets[section.id] ?? [:]
      var entry = ConfigImportReport.Section(
        storeid: section.id, type: section.type, line: section.line, verdict: .usable,
        secrets: given.keys.filter(sensitive.contains).sorted(), problems: section.problems.map(\.description))
      for name in given.keys.sorted() where !sensitive.contains(name) {
        entry.problems.append(
          "its secret '\(name)' is not stored: type '\(section.type)' has no such sensitive property")
      }
      if (seen[section.id] ?? 0) > 1 {
        entry.verdict = .duplicate
        entry.next = "rename or remove one of the sections '\(section.id)' in the file"
      } else if current[section.id] != nil {
        entry.verdict = .exists
        entry.next = wish.skipsExisting ? nil : "rename or remove one of the two, or leave those out that exist"
      } else {
        await judge(&entry, section.state, wish)
      }
      sections.append(entry)
    }
    return ConfigImportReport(
      sections: sections, problems: file.problems.map(\.description), isDryRun: true, digest: "")
  }

  /// What has to happen before a section that is new here can be used.
  private func judge(
    _ entry: inout ConfigImportReport.Section, _ state: ConfigReport.Section.State, _ wish: ConfigImport
  ) async {
    let id = entry.storeid
    guard let bundle = await registry.bundle(serving: entry.type) else {
      entry.verdict = .waiting
      entry.next = "install a plugin that serves '\(entry.type)', then: berth storage set \(id) --consent"
      return
    }
    guard state != .broken else {
      entry.verdict = .broken
      entry.next = "repair it: berth storage set \(id) --option NAME=VALUE, or remove it"
      return
    }
    let isAllowed = bundle.permissions.isEmpty || bundle.digest.map(wish.consents.contains) == true
    guard !isAllowed else { return }
    entry.verdict = .waiting
    entry.next = "allow what \(bundle.id ?? bundle.path) asks for: berth storage set \(id) --consent"
  }

  private func usableSecrets(
    _ wish: ConfigImport, among storages: Set<String>, _ file: StorageConfigFile
  ) async -> [String: [String: String]] {
    let schema = registry.config.schema
    var usable: [String: [String: String]] = [:]
    for section in file.sections where storages.contains(section.id) {
      let sensitive = schema.types[section.type]?.sensitiveProperties ?? []
      let values = (wish.secrets[section.id] ?? [:]).filter { sensitive.contains($0.key) }
      if !values.isEmpty { usable[section.id] = values }
    }
    return usable
  }
}
