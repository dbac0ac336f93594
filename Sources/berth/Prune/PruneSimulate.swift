// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0

internal import ArgumentParser
internal import Glibc
internal import JSON
internal import StorageRules

/// `berth prune simulate`: answers without a daemon.
struct PruneSimulate: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "simulate", abstract: "Show what a retention rule would keep and remove; needs no daemon.",
    discussion: """
      KEEP is as in storage.cfg: keep-last=3,keep-daily=7. The backups come from a JSON file as `berth volume list \
      --json` prints them (one a line, or one array): volid and ctime, vmid and protected where known. Times are local.
      """)

  @Argument(help: "The rule.") var keep: String
  @Option(help: "The file with the volumes; - is standard input.") var volumes = "-"
  @Flag(help: "Print JSON for programs.") var json = false

  func run() throws {
    Failure.asJSON = json
    let retention = try Retention(parsing: keep)
    let entries = try Self.entries(ConfigCheck.bytes(volumes))
    let marks = retention.marks(for: entries, zone: .local)
    var table = Table([.init("BACKUP"), .init("MADE"), .init("MARK")])
    for (entry, mark) in zip(entries, marks) {
      if json {
        let line: JSON = ["volid": .string(entry.volid), "ctime": .int(entry.ctime), "mark": .string(mark.rawValue)]
        Output.write(line.bytes() + [UInt8(ascii: "\n")])
      } else {
        table.add([entry.volid, TimeColumn.text(entry.ctime), mark.rawValue])
      }
    }
    if !json { table.print() }
  }

  /// The backups in the file: one array, or one object a line.
  static func entries(_ bytes: [UInt8]) throws -> [BackupEntry] {
    let limits = JSONLimits(maxBytes: 256 << 20)
    let first = bytes.first { $0 != UInt8(ascii: " ") && $0 != UInt8(ascii: "\n") }
    let values =
      first == UInt8(ascii: "[")
      ? try JSON.parse(bytes, limits: limits).array()
      : try bytes.split(separator: UInt8(ascii: "\n")).map { try JSON.parse($0, limits: limits) }
    return try values.enumerated().map { place, value in
      let path = JSONPath.root.appending(place)
      let members = try value.object(at: path)
      return BackupEntry(
        volid: try members.required("volid", at: path),
        listedTime: try members.optional("ctime", at: path, default: 0),
        listedOwner: try members.optional("vmid", at: path),
        isProtected: try members.optional("protected", at: path, default: false), zone: .local)
    }
  }
}

extension TimeZoneOffset {
  /// The zone of this machine's user.
  static var local: TimeZoneOffset {
    TimeZoneOffset { epoch in
      var time = time_t(epoch)
      var parts = tm()
      guard localtime_r(&time, &parts) != nil else { return 0 }
      return Int64(parts.tm_gmtoff)
    }
  }
}
