// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0

public import JSON

/// What a caller may do after a failure, and when.
public struct RetryAdvice: JSONCodable, Sendable, Hashable {
  /// What.
  public var `class`: RetryClass
  /// How long to wait first, in ms.
  public var afterMs: Int64?

  public init(_ class: RetryClass, afterMs: Int64? = nil) {
    self.class = `class`
    self.afterMs = afterMs
  }

  public init(json: JSON, path: JSONPath) throws(JSONError) {
    let object = try json.object(at: path)
    self.class = try object.required("class", at: path)
    self.afterMs = try object.optionalInteger("afterMs", 0...Int64.max, at: path)
  }

  public func json() -> JSON {
    var object = JSONObject()
    object.set("class", self.class)
    object.setOptional("afterMs", afterMs)
    return .object(object)
  }
}
