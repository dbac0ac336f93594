// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0

internal import ManagementTypes

/// A volume id taken apart: the first colon splits.
struct VolumeAddress {
  var storeid: String
  var volname: String

  init(_ volid: String) throws(Problem) {
    guard let colon = volid.firstIndex(of: ":"), colon != volid.startIndex,
      volid.index(after: colon) != volid.endIndex
    else {
      throw Problem(
        status: 400, symbol: "BAD_REQUEST", detail: "'\(volid.prefix(256))' is no volume id", place: "volid",
        hint: "a volume id is STORAGE:NAME, such as local:100/vm-100-disk-0.qcow2")
    }
    storeid = String(volid[..<colon])
    volname = String(volid[volid.index(after: colon)...])
  }
}

extension APIContext {
  /// The volume the path names.
  func volume() throws(Problem) -> VolumeAddress { try VolumeAddress(parameter("volid")) }

  /// The storage the path names.
  func storeid() throws(Problem) -> String { try parameter("storeid") }
}
