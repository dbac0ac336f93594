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
  @Option(
    name: .shortAndLong,
    help: ArgumentHelp("A property, repeatable; one that is given again is a list.", valueName: "name=value"))
  var option: [KeyValue] = []
  @Option(
    help: ArgumentHelp(
      "A secret property, repeatable: NAME asks, NAME=@FILE reads a file, NAME=- standard input.",
      valueName: "name[=@file]"))
  var secret: [SecretSource] = []
  @Flag(help: "Allow what the plugin asks for without being asked.") var consent = false
  @OptionGroup var job: JobOptions

  func run() async throws {
    let secrets = try secret.values()
    try await global.with { client in
      let digest = try await Consent.obtain(
        type: type, config: Dictionary(option.map { ($0.key, $0.value) }) { "\($0),\($1)" }, given: consent,
        client: client,
        json: global.json)
      let wish = StorageCreate(
        storeid: storage, type: type, properties: option.object, secrets: secrets, consent: digest)
      try await JobRunner.run(.addStorage(wish), client: client, global: global, options: job) { result in
        Failure.warn(result)
        let shown = (result["show"]?.objectValue ?? [:]).map { member in
          "\n\(member.key): \(Failure.clean(member.value.stringValue ?? member.value.text()))"
        }
        return "added storage \(storage) of type \(type)" + shown.joined()
      }
    }
  }
}

extension [KeyValue] {
  /// The properties as an object; what is given more than once is a list.
  var object: JSONObject {
    let given = Dictionary(grouping: self, by: \.key)
    return JSONObject(
      lastWins: map { option in
        let values = given[option.key, default: []].map { JSON.string($0.value) }
        return (option.key, values.count == 1 ? values[0] : .array(values))
      })
  }
}
