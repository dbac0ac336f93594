// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0

/// The file name of a backup archive, taken apart: `vzdump-qemu-100-2024_05_01-12_00_00.vma.zst`.
public struct BackupName: Sendable, Hashable {
  /// The whole file name.
  public let filename: String
  /// `qemu`, `lxc` or `openvz`; `nil` for an archive that is not named by the backup tool.
  public let guestType: String?
  /// The archive's own format: `tar` or `vma` (`tgz` counts as `tar` with `gz`).
  public let archive: String
  /// `gz`, `lzo`, `zst`, `bz2`, or `nil` for none.
  public let compression: String?
  /// The guest, where the name is standard or at least holds a number.
  public let vmid: Int?
  /// The moment in the name, local time, where the name is standard.
  public let time: CivilTime?

  /// Whether the name is exactly as the backup tool writes it: only such archives are pruned.
  public var isStandard: Bool { time != nil }

  /// The log beside the archive; only standard names have one.
  public var logFilename: String? {
    isStandard ? "\(filename.dropLast(BackupName.archiveEnding(Substring(filename))?.text.utf8.count ?? 0)).log" : nil
  }

  /// The file beside the archive that holds its notes.
  public var notesFilename: String { "\(filename).notes" }

  /// The empty file beside the archive that marks it protected.
  public var protectedFilename: String { "\(filename).protected" }

  /// Reads a backup's file name (without `backup/`).
  ///
  /// - Throws: `INVALID_NAME` when the name is no archive's.
  public init(parsing filename: String) throws(RulesError) {
    let name = Substring(filename)
    guard let ending = BackupName.archiveEnding(name) else {
      throw RulesError(
        .invalidName, "\(quoted(filename)) does not end like a backup archive",
        hint: "the endings are .tgz, .tar and .vma, the latter two also with .gz, .lzo, .zst or .bz2")
    }
    self.filename = filename
    archive = ending.archive
    compression = ending.compression
    let type = ["qemu", "lxc", "openvz"].first { name.after("vzdump-\($0)-") != nil }
    // Something must stand between the type and the ending.
    let stem = name[..<name.utf8.index(name.endIndex, offsetBy: -ending.text.utf8.count)]
    guard let type, let rest = stem.after("vzdump-\(type)-"), !rest.isEmpty else {
      guestType = nil
      vmid = nil
      time = nil
      return
    }
    guestType = type
    if let (number, after) = leadingNumber(rest), rest.utf8.first != UInt8(ascii: "0"), number >= 100,
      let time = after.after("-").flatMap(BackupName.time)
    {
      vmid = number
      self.time = time
    } else {
      vmid = BackupName.owner(name)
      time = nil
    }
  }

  /// `YYYY_MM_DD-hh_mm_ss`, a moment that exists in the calendar.
  private static func time(_ text: Substring) -> CivilTime? {
    let pattern = "dddd_dd_dd-dd_dd_dd"
    guard text.utf8.count == pattern.utf8.count else { return nil }
    var fields: [Int] = [0]
    for (byte, expected) in zip(text.utf8, pattern.utf8) {
      if expected == UInt8(ascii: "d") {
        guard byte >= UInt8(ascii: "0"), byte <= UInt8(ascii: "9") else { return nil }
        fields[fields.count - 1] = fields[fields.count - 1] * 10 + Int(byte - UInt8(ascii: "0"))
      } else {
        guard byte == expected else { return nil }
        fields.append(0)
      }
    }
    return CivilTime(
      year: fields[0], month: fields[1], day: fields[2], hour: fields[3], minute: fields[4], second: fields[5])
  }

  /// The guest's number in `vzdump-(openvz|lxc|qemu)-N-…`, standard or not.
  static func owner(_ name: Substring) -> Int? {
    for type in ["openvz", "lxc", "qemu"] {
      guard let rest = name.after("vzdump-\(type)-"), let (number, after) = leadingNumber(rest) else { continue }
      return after.utf8.count > 1 && after.utf8.first == UInt8(ascii: "-") ? number : nil
    }
    return nil
  }

  /// The ending of an archive's name, such as `.vma.zst`; nil for what is no archive.
  public static func ending(of filename: String) -> String? { archiveEnding(Substring(filename))?.text }

  /// The ending of an archive with something before it.
  static func archiveEnding(_ name: Substring) -> (text: String, archive: String, compression: String?)? {
    for candidate in endings where name.before(candidate.text)?.isEmpty == false { return candidate }
    return nil
  }

  private static let endings: [(text: String, archive: String, compression: String?)] = {
    var result: [(text: String, archive: String, compression: String?)] = [(".tgz", "tar", "gz")]
    for archive in ["tar", "vma"] {
      result.append((".\(archive)", archive, nil))
      for compression in ["gz", "lzo", "zst", "bz2"] {
        result.append((".\(archive).\(compression)", archive, compression))
      }
    }
    return result
  }()
}
