// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0

internal import ArgumentParser
internal import BerthClient
internal import JSON
internal import ManagementTypes

/// `berth volume resize`
struct VolumeResize: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "resize", abstract: "Give a volume another size.",
    discussion: "The size is absolute, or grows the volume by that much with a leading +.")

  @OptionGroup var global: GlobalOptions
  @Argument(help: "The volume's id.") var volume: String
  @Argument(help: ArgumentHelp("Its new size, or what to add: 20G, +5G.", valueName: "[+]size")) var size: String
  @Flag(help: "A guest has the volume open.") var running = false
  @OptionGroup var job: JobOptions

  func validate() throws {
    guard SizeArgument(argument: size.hasPrefix("+") ? String(size.dropFirst()) : size) != nil else {
      throw ValidationError("'\(size)' is no size: bytes, or a number with K, M, G, T, P or E")
    }
  }

  func run() async throws {
    let grows = size.hasPrefix("+")
    guard let amount = SizeArgument(argument: grows ? String(size.dropFirst()) : size)?.bytes else { return }
    try await global.with { client in
      var target = amount
      if grows {
        let (sum, overflow) = try await client.volume(volume).size.addingReportingOverflow(amount)
        guard !overflow else { throw ClientError(.local, "the new size is more than 2^63 bytes", place: volume) }
        target = sum
      }
      try await JobRunner.run(
        .resize(volume, ManagementTypes.VolumeResize(size: target, running: running)), client: client, global: global,
        options: job
      ) { SizeColumn.text($0["size"]?.intValue ?? target) }
    }
  }
}
