// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0

public import JSON

/// One backup and what a retention rule says of it.
public struct PrunedBackup: Sendable, Hashable, JSONEncodable {
  public var volname: String
  /// Seconds since the epoch.
  public var ctime: Int64
  /// `qemu`, `lxc` or `unknown`.
  public var type: String
  public var vmid: Int?
  /// `keep`, `remove`, `protected` or `renamed`.
  public var mark: String

  init(volname: String, ctime: Int64, type: String, vmid: Int?, mark: String) {
    self.volname = volname
    self.ctime = ctime
    self.type = type
    self.vmid = vmid
    self.mark = mark
  }

  init?(_ json: JSON) {
    guard let volname = json["volname"]?.stringValue, let mark = json["mark"]?.stringValue else { return nil }
    self.init(
      volname: volname, ctime: json["ctime"]?.intValue ?? 0, type: json["type"]?.stringValue ?? "unknown",
      vmid: json["vmid"]?.intValue.map(Int.init), mark: mark)
  }

  public func json() -> JSON {
    var object = JSONObject()
    object.set("volname", volname)
    object.set("ctime", ctime)
    object.set("type", type)
    object.setOptional("vmid", vmid)
    object.set("mark", mark)
    return .object(object)
  }
}
