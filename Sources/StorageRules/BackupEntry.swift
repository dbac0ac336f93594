// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0

/// A backup as retention looks at it.
public struct BackupEntry: Sendable, Hashable {
  /// The volume id, or any other text that names the backup to the caller.
  public var volid: String
  /// When it was made, in seconds since the epoch.
  public var ctime: Int64
  /// `qemu`, `lxc`, `openvz`, or `unknown`.
  public var type: String
  /// The guest it is of.
  public var vmid: Int?
  /// Whether its name is as the backup tool writes it; others are never removed.
  public var isStandard: Bool
  /// Whether an administrator protected it; such are never removed and do not count.
  public var isProtected: Bool

  public init(
    volid: String, ctime: Int64, type: String, vmid: Int?, isStandard: Bool = true, isProtected: Bool = false
  ) {
    self.volid = volid
    self.ctime = ctime
    self.type = type
    self.vmid = vmid
    self.isStandard = isStandard
    self.isProtected = isProtected
  }

  /// Reads type, guest and moment from a backup's volume id or name, as far as it is standard.
  ///
  /// - Parameters:
  ///   - volid: ends in the archive's file name.
  ///   - listedTime: the time the storage gives, used where the name holds none.
  ///   - listedOwner: the guest the storage gives, used where the name holds none.
  public init(
    volid: String, listedTime: Int64, listedOwner: Int?, isProtected: Bool, zone: TimeZoneOffset
  ) {
    let slash = volid.utf8.lastIndex(of: UInt8(ascii: "/"))
    let filename = slash.map { String(volid[volid.utf8.index(after: $0)...]) } ?? volid
    let name: BackupName?
    do throws(RulesError) {
      name = try BackupName(parsing: filename)
    } catch {
      name = nil
    }
    self.init(
      volid: volid, ctime: name?.time.map(zone.epoch(of:)) ?? listedTime, type: name?.guestType ?? "unknown",
      vmid: name?.time == nil ? listedOwner ?? name?.vmid : name?.vmid, isStandard: name?.isStandard ?? false,
      isProtected: isProtected)
  }
}
