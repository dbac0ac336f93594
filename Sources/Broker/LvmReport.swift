// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0

internal import JSON
internal import PluginSandbox
internal import StorageProtocol

/// What `lvm … --reportformat json` prints, read.
enum LvmReport {
  /// The rows of one part of the report (`vg`, `lv`); nil when it is no report.
  static func rows(_ output: [UInt8], _ part: String) -> [JSONObject]? {
    guard let json = try? JSON.parse(output), let reports = json["report"]?.arrayValue else { return nil }
    return reports.flatMap { $0[part]?.arrayValue ?? [] }.compactMap(\.objectValue)
  }

  static func group(_ row: JSONObject) -> VolumeGroup? {
    guard let name = text(row, "vg_name"), let size = number(row, "vg_size"), let free = number(row, "vg_free") else {
      return nil
    }
    return VolumeGroup(name: name, size: size, free: free)
  }

  static func volume(_ row: JSONObject) -> LogicalVolume? {
    guard let name = text(row, "lv_name"), let size = number(row, "lv_size") else { return nil }
    let attributes = Array((text(row, "lv_attr") ?? "").utf8)
    return LogicalVolume(
      name: name, size: size, pool: text(row, "pool_lv"), origin: text(row, "origin"),
      dataPercent: text(row, "data_percent"),
      tags: text(row, "lv_tags").map { $0.split(separator: ",").map(String.init) },
      ctime: number(row, "lv_time"), active: text(row, "lv_active").map { $0.hasPrefix("active") } ?? false,
      isThinPool: attributes.first == UInt8(ascii: "t"))
  }

  /// The text, nil when it is empty: LVM prints nothing where there is nothing.
  private static func text(_ row: JSONObject, _ key: String) -> String? {
    guard let text = row[key]?.stringValue, !text.isEmpty else { return nil }
    return text
  }

  private static func number(_ row: JSONObject, _ key: String) -> Int64? {
    if let number = row[key]?.intValue { return number }
    return text(row, key).flatMap { Int64($0) }
  }
}
