// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0

internal import ArgumentParser
internal import BerthClient
internal import Glibc
internal import JSON
internal import ManagementTypes
internal import NIOCore
internal import NIOPosix

/// `berth export`
struct ExportCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "export", abstract: "Write a volume as a stream to a file or standard output.",
    discussion: """
      Formats are those of Proxmox VE: raw+size, qcow2+size, vmdk+size, tar+size, zfs, btrfs. A file appears under its \
      name only once the stream is complete and its length compared; standard output that ended with another exit code \
      than 0 must not be used.
      """)

  @OptionGroup var global: GlobalOptions
  @Argument(help: "The volume's id.") var volume: String
  @Argument(help: "The stream format, such as raw+size.") var format: String
  @Argument(help: "The file to write; - is standard output.") var file: String
  @Option(help: "Export this snapshot in place of the volume as it is now.") var snapshot: String?
  @Option(help: "Export only what changed since this snapshot.") var base: String?
  @Flag(help: "Send the snapshots along, as qcow2+size needs.") var withSnapshots = false
  @Option(help: "Compute and compare a digest: crc32 or sha256.") var digest: String?

  func validate() throws {
    if file == "-" && isatty(STDOUT_FILENO) == 1 {
      throw ValidationError("standard output is a terminal: name a file or pipe it on")
    }
  }

  private var options: ExportOptions {
    ExportOptions(format: format, snapshot: snapshot, base: base, withSnapshots: withSnapshots, digest: digest)
  }

  /// Passes on what the daemon sends, for one that takes no descriptor.
  private func relay(_ client: BerthClient, to target: ByteTarget, total: Int64?) async throws -> TransferView {
    let bar = ProgressBar(quiet: global.json)
    defer { bar.clear() }
    var count: Int64 = 0
    return try await client.export(volume, options) { part in
      try await target.write(part)
      count += Int64(part.readableBytes)
      bar.show("export", done: count, total: total.map { max($0, count) })
    }
  }

  func run() async throws {
    let report = try await global.with { client in
      let total = try? await client.volume(volume).size
      let target = try ByteTarget(file)
      do {
        let report: TransferView
        if let loan = await client.lend(target.fd) {
          // The daemon writes itself; ending this command takes the descriptor back and so ends the export.
          report = try await JobRunner.result(
            of: .export(volume, options, to: loan), client: client, global: global, total: total)
        } else {
          report = try await relay(client, to: target, total: total)
        }
        try await target.finish()
        return report
      } catch {
        target.discard()
        throw error as? ClientError ?? ClientError(.local, "\(error)", place: file)
      }
    }
    guard file != "-" else { return }
    if global.json { return Output.json(report) }
    Output.line("wrote \(file): \(report.bytes) bytes" + (report.digest.map { ", \($0)" } ?? ""))
  }
}
