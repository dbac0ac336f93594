// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0

internal import ArgumentParser
internal import BerthClient
internal import JSON
internal import ManagementTypes

/// `berth storage add`
struct StorageAdd: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "add", abstract: "Add a storage.",
    discussion: """
      The plugin that serves the type asks for permissions; they are shown, and adding the storage allows them. \
      Without --consent a terminal is asked. Consent holds for exactly this bundle: a plugin that changes and asks for \
      more needs it again.
      """)

  @OptionGroup var global: GlobalOptions
  @Argument(help: "The storage's type, which names the plugin that serves it.") var type: String
  @Argument(help: "The storage's id.") var storage: String
  @Option(name: .shortAndLong, help: ArgumentHelp("A property, repeatable.", valueName: "name=value"))
  var option: [KeyValue] = []
  @Option(
    help: ArgumentHelp(
      "A secret property, repeatable: NAME asks, NAME=@FILE reads a file, NAME=- standard input.",
      valueName: "name[=@file]"))
  var secret: [SecretSource] = []
  @Flag(help: "Allow what the plugin asks for without being asked.") var consent = false
  @OptionGroup var key: KeyOptions

  func run() async throws {
    let secrets = try secret.values()
    let created = try await global.with { client in
      let digest = try await Consent.obtain(type: type, given: consent, client: client, json: global.json)
      return try await client.addStorage(
        StorageCreate(
          storeid: storage, type: type, properties: option.object, secrets: secrets, consent: digest),
        idempotencyKey: key.idempotencyKey)
    }
    if global.json { return Output.json(created) }
    Output.line("added storage \(created.storage.storeid) of type \(created.storage.type)")
    for member in created.show {
      Output.line("\(member.key): \(Failure.clean(member.value.stringValue ?? member.value.text()))")
    }
  }
}

extension [KeyValue] {
  /// The properties as an object; what is given twice is the last one.
  var object: JSONObject { JSONObject(lastWins: map { ($0.key, .string($0.value)) }) }
}
