// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0

/// A volume id taken apart: `storeid:volname`. The first colon separates; the name may hold more of them.
public struct VolumeReference: Sendable, Hashable, CustomStringConvertible {
  public let storeid: String
  /// Not parsed yet: which grammar reads it depends on the storage.
  public let volname: String

  /// - Throws: `INVALID_NAME` when there is no colon, no name, or the id before it is none.
  public init(parsing text: String) throws(RulesError) {
    guard let colon = text.utf8.firstIndex(of: UInt8(ascii: ":")) else {
      throw RulesError(
        .invalidName, "volume id \(quoted(text)) has no ':'",
        hint: "a volume id is STORAGE:NAME, such as local:100/vm-100-disk-0.qcow2")
    }
    let storeid = String(text[..<colon])
    let volname = String(text[text.utf8.index(after: colon)...])
    try StorageName.check(storeid)
    try NameSafety.check(volname)
    self.storeid = storeid
    self.volname = volname
  }

  public var description: String { "\(storeid):\(volname)" }
}
