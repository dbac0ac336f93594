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
      KEEP is as in storage.cfg: keep-last=3,keep-daily=7, or one rule an argument. The backups come from a JSON file \
      as `berth volume list --json` prints them (one a line, or one array): volid and ctime, vmid and protected where \
      known; volumes of other content are passed over. Times are local unless --zone says otherwise.
      """)

  @Argument(help: "The rules.") var keep: [String]
  @Option(help: "The time zone: a rule such as CET-1CEST,M3.5.0,M10.5.0/3, or a file such as /usr/share/zoneinfo/CET.")
  var zone: String?
  @Option(help: "The file with the volumes; - is standard input.") var volumes = "-"
  @Flag(help: "Print JSON for programs.") var json = false

  func run() throws {
    Failure.asJSON = json
    let retention = try Retention(parsing: keep.joined(separator: ","))
    let zone = try offsets()
    let entries = try Self.entries(ConfigCheck.bytes(volumes), zone)
    let marks = retention.marks(for: entries, zone: zone)
    var table = Table([.init("BACKUP"), .init("GROUP"), .init("MADE"), .init("MARK")])
    for (entry, mark) in zip(entries, marks) {
      if json {
        var line: JSONObject = ["volid": .string(entry.volid), "ctime": .int(entry.ctime), "type": .string(entry.type)]
        line.setOptional("vmid", entry.vmid)
        line.set("mark", mark.rawValue)
        Output.write(JSON.object(line).bytes() + [UInt8(ascii: "\n")])
      } else {
        let group = "\(entry.type)/\(entry.vmid.map(String.init) ?? "-")"
        table.add([Failure.clean(entry.volid), group, Self.time(zone.civil(at: entry.ctime)), mark.rawValue])
      }
    }
    if !json { table.print() }
  }

  /// The zone asked for.
  private func offsets() throws -> TimeZoneOffset {
    guard let zone else { return .local }
    return zone.hasPrefix("/") ? try TimeZoneOffset(zoneInfo: ConfigCheck.bytes(zone)) : try TimeZoneOffset(posix: zone)
  }

  private static func time(_ time: CivilTime) -> String {
    func two(_ number: Int) -> String { number < 10 ? "0\(number)" : "\(number)" }
    return "\(time.year)-\(two(time.month))-\(two(time.day)) \(two(time.hour)):\(two(time.minute)):\(two(time.second))"
  }

  /// The backups in the file: one array, or one object a line.
  static func entries(_ bytes: [UInt8], _ zone: TimeZoneOffset) throws -> [BackupEntry] {
    let limits = JSONLimits(maxBytes: 256 << 20)
    let first = bytes.first { $0 != UInt8(ascii: " ") && $0 != UInt8(ascii: "\n") }
    let values =
      first == UInt8(ascii: "[")
      ? try JSON.parse(bytes, limits: limits).array()
      : try bytes.split(separator: UInt8(ascii: "\n")).map { try JSON.parse($0, limits: limits) }
    return try values.enumerated().compactMap { place, value in
      let path = JSONPath.root.appending(place)
      let members = try value.object(at: path)
      guard members["content"] == nil || members["content"] == "backup" else { return nil }
      return BackupEntry(
        volid: try members.required("volid", at: path),
        listedTime: try members.optional("ctime", at: path, default: 0),
        listedOwner: try members.optional("vmid", at: path),
        isProtected: try members.optional("protected", at: path, default: false), zone: zone)
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
