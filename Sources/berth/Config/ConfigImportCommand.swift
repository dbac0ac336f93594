// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0

internal import ArgumentParser
internal import BerthClient
internal import JSON
internal import ManagementTypes

/// `berth config import`
struct ConfigImportCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "import", abstract: "Take over the storages of an existing storage.cfg, such as one of Proxmox VE.",
    discussion: """
      Every section comes in as it stands, comments and unknown properties included, and is listed with what has \
      become of it. Nothing is taken over when a section's id exists already, unless --skip-existing leaves those out. \
      Proxmox VE keeps secrets in /etc/pve/priv/storage and /etc/pve/priv/ceph: name them with --secrets. --dry-run changes nothing.
      """)

  @OptionGroup var global: GlobalOptions
  @Argument(help: "The file; - is standard input.") var file: String
  @Option(help: ArgumentHelp("A directory with ID.pw, ID.keyring, ID.enc …; repeatable.", valueName: "directory"))
  var secrets: [String] = []
  @Flag(help: "Leave out the storages that exist already.") var skipExisting = false
  @Flag(help: "Allow what the plugins of these storages ask for without being asked.") var consent = false
  @Flag(help: "Only tell what would become of each section.") var dryRun = false
  @OptionGroup var key: KeyOptions

  func run() async throws {
    Failure.asJSON = global.json
    guard let text = String(validating: try ConfigCheck.bytes(file), as: UTF8.self) else {
      throw ClientError(.local, "the file is no UTF-8", place: file, hint: "is it a storage.cfg?")
    }
    var wish = ConfigTakeover(text: text, skipExisting: skipExisting)
    let report = try await global.with { client in
      let seen = try await client.importConfig(wish, dryRun: true)
      let coming = seen.sections.filter { $0.verdict != "exists" && $0.verdict != "duplicate" }
      for directory in secrets {
        for (storage, values) in try ForeignSecrets(directory: directory).all(of: coming) {
          wish.secrets[storage, default: [:]].merge(values) { $1 }
        }
      }
      if !dryRun {
        for type in Set(coming.map(\.type)).sorted() {
          if let digest = try await Consent.obtain(type: type, given: consent, client: client, json: global.json) {
            wish.consent.append(digest)
          }
        }
      }
      return try await client.importConfig(wish, dryRun: dryRun, idempotencyKey: key.idempotencyKey)
    }
    if global.json { return Output.json(report) }
    for problem in report.problems { Output.line("\(file): \(Failure.clean(problem))") }
    for section in report.sections {
      let stored = section.secrets.isEmpty ? "" : ", with \(section.secrets.joined(separator: ", "))"
      let what = "\(section.storeid) (\(section.type), line \(section.line))"
      Output.line(Failure.clean("\(what): \(section.verdict)\(stored)"))
      for problem in section.problems { Output.line("  " + Failure.clean(problem)) }
      if let next = section.next { Output.line("  next: " + Failure.clean(next)) }
    }
    if dryRun { Output.line("nothing was changed") }
  }
}
