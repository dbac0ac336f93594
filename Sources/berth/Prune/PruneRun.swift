// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0

internal import ArgumentParser
internal import BerthClient
internal import JSON
internal import ManagementTypes

/// `berth prune STORAGE`
struct PruneRun: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "run", abstract: "Remove the backups a retention rule does not keep.",
    discussion: """
      Every backup looked at is listed with its mark: keep, remove, protected, or renamed for those whose name says no \
      time. With --dry-run nothing is removed.
      """)

  @OptionGroup var global: GlobalOptions
  @Argument(help: "The storage.") var storage: String
  @Option(help: ArgumentHelp("What to keep, repeatable; the storage's own rule without.", valueName: "keep-last=3"))
  var keep: [String] = []
  @Option(help: "Only the backups of this guest.") var vmid: Int?
  @Option(help: "Only backups of this type: qemu or lxc.") var type: String?
  @Flag(help: "Show the marks and remove nothing.") var dryRun = false
  @OptionGroup var job: JobOptions

  func validate() throws {
    if dryRun && job.detach { throw ValidationError("a dry run answers at once: leave --detach away") }
  }

  func run() async throws {
    let rule = keep.isEmpty ? nil : keep.joined(separator: ",")
    try await global.with { client in
      guard !dryRun else {
        let marks = try await client.pruneMarks(storage, keep: rule, vmid: vmid, type: type)
        if global.json { Output.json(ListOf(marks)) } else { Self.table(marks).print() }
        return
      }
      try await JobRunner.run(
        .prune(storage, keep: rule, vmid: vmid, type: type), client: client, global: global, options: job
      ) { result in
        Self.table((try? ListOf<PruneView>(json: result))?.items ?? []).render(width: nil).trimmedEnd
      }
    }
  }

  private static func table(_ marks: [PruneView]) -> Table {
    var table = Table([.init("BACKUP"), .init("GROUP"), .init("MADE"), .init("MARK")])
    for entry in marks {
      table.add([
        Failure.clean(entry.volname), "\(entry.type)/\(entry.vmid.map(String.init) ?? "-")",
        TimeColumn.text(entry.ctime), entry.mark,
      ])
    }
    return table
  }
}

extension String {
  /// The text without line ends at its end.
  fileprivate var trimmedEnd: String {
    var text = self
    while text.last == "\n" { text.removeLast() }
    return text
  }
}
