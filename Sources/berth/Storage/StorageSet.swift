// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0

internal import ArgumentParser
internal import BerthClient
internal import JSON
internal import ManagementTypes

/// `berth storage set`
struct StorageSet: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "set", abstract: "Change a storage's configuration.")

  @OptionGroup var global: GlobalOptions
  @Argument(help: "The storage.") var storage: String
  @Option(
    name: .shortAndLong,
    help: ArgumentHelp("A property to set, repeatable; one that is given again is a list.", valueName: "name=value"))
  var option: [KeyValue] = []
  @Option(name: .shortAndLong, help: ArgumentHelp("A property to remove, repeatable.", valueName: "name"))
  var delete: [String] = []
  @Option(
    help: ArgumentHelp(
      "A secret to set, repeatable: NAME asks, NAME=@FILE reads a file, NAME=- standard input.",
      valueName: "name[=@file]"))
  var secret: [SecretSource] = []
  @Flag(help: "Take it out of use; needs no plugin.") var disable = false
  @Flag(help: "Use it again.") var enable = false
  @Option(help: ArgumentHelp("The nodes that may use it; needs no plugin.", valueName: "name,…")) var nodes: String?
  @Option(help: "Refuse when the configuration has changed since it had this digest.") var digest: String?
  @Flag(help: "Allow what the plugin asks for now.") var consent = false
  @OptionGroup var job: JobOptions

  func validate() throws {
    if disable && enable { throw ValidationError("--disable and --enable exclude each other") }
    if properties.isEmpty && deleted.isEmpty && secret.isEmpty && !consent {
      throw ValidationError("nothing to change: give --option, --delete, --disable, --nodes, --secret or --consent")
    }
  }

  private var properties: JSONObject {
    var properties = option.object
    if disable { properties["disable"] = true }
    if let nodes { properties["nodes"] = .string(nodes) }
    return properties
  }

  private var deleted: [String] { enable && !delete.contains("disable") ? delete + ["disable"] : delete }

  func run() async throws {
    let secrets = try secret.values()
    try await global.with { client in
      var allowed: String?
      if consent {
        let type = try await client.storage(storage).type
        allowed = try await Consent.obtain(type: type, given: true, client: client, json: global.json)
      }
      let wish = StorageUpdate(
        set: properties, delete: deleted, secrets: secrets, consent: allowed, digest: digest)
      try await JobRunner.run(.updateStorage(storage, wish), client: client, global: global, options: job) { result in
        Failure.warn(result)
        return (result["show"]?.objectValue ?? [:]).map { member in
          "\(member.key): \(Failure.clean(member.value.stringValue ?? member.value.text()))"
        }.joined(separator: "\n")
      }
    }
  }
}
