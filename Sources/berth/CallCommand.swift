// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0

internal import ArgumentParser
internal import BerthClient
internal import JSON
internal import ManagementTypes

/// `berth call`
struct CallCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "call", abstract: "Call any method of the plugin protocol by its name; its result is printed as JSON.",
    discussion: """
      The same checks, locks and journal hold as for the other commands; a method that has one (alloc_image: volume \
      alloc) is that command, so names are chosen by the host. protocol/v1/reference.md lists the methods and their \
      arguments; storeid, scfg and context are added by the host. A method that changes something runs as a job.
      """)

  @OptionGroup var global: GlobalOptions
  @Argument(help: "The storage.") var storage: String
  @Argument(help: "The method, such as volume_snapshot_info.") var method: String
  @Argument(help: ArgumentHelp("Its arguments as a JSON object; - reads standard input.", valueName: "json"))
  var arguments = "{}"
  @OptionGroup var job: JobOptions

  func run() async throws {
    Failure.asJSON = global.json
    let bytes = arguments == "-" ? try ConfigCheck.bytes("-") : Array(arguments.utf8)
    let call = MethodCall(method: method, arguments: try JSON.parse(bytes).object())
    try await global.with { client in
      try await JobRunner.run(
        .call(storage, call), client: client, global: global, options: job
      ) { String(decoding: $0.bytes(.pretty), as: UTF8.self) }
    }
  }
}
