// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0

internal import ArgumentParser
internal import BerthClient
internal import JSON
internal import ManagementTypes

/// `berth volume alloc`
struct VolumeAlloc: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "alloc", abstract: "Make a volume; its id is printed.")

  @OptionGroup var global: GlobalOptions
  @Argument(help: "The storage.") var storage: String
  @Argument(help: "The number of the guest that will own it.") var vmid: Int
  @Argument(help: "Its size: bytes, or with K, M, G, T.") var size: SizeArgument
  @Option(help: "Its format, such as raw or qcow2; the storage's default without.") var format: String?
  @Option(help: "Its name; the next free one without.") var name: String?
  @OptionGroup var job: JobOptions

  func run() async throws {
    let wish = VolumeCreate(vmid: vmid, size: size.bytes, format: format, name: name)
    try await global.with { client in
      try await JobRunner.run(
        .alloc(storage, wish), client: client, global: global, options: job, text: JobRunner.volid)
    }
  }
}
