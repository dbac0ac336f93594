// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0

public import JSON

/// A change to a volume's attributes.
public struct VolumeUpdate: JSONCodable, Sendable, Hashable {
  /// New notes; an empty text removes them.
  public var notes: String?
  /// Whether it is protected from removal.
  public var protected: Bool?

  public init(notes: String? = nil, protected: Bool? = nil) {
    self.notes = notes
    self.protected = protected
  }

  public init(json: JSON, path: JSONPath) throws(JSONError) {
    let members = try json.object(at: path)
    try members.refuseUnknown(except: ["notes", "protected"], at: path)
    notes = try members.optional("notes", at: path)
    protected = try members.optional("protected", at: path)
  }

  public func json() -> JSON {
    var members = JSONObject()
    members.setOptional("notes", notes)
    members.setOptional("protected", protected)
    return .object(members)
  }
}
