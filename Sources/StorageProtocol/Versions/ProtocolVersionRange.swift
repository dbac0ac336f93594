// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0

public import JSON

/// Protocol versions one side speaks, both ends included.
public struct ProtocolVersionRange: Sendable, Hashable, CustomStringConvertible {
  public let min: ProtocolVersion
  public let max: ProtocolVersion

  /// What this library speaks.
  public static let supported = ProtocolVersionRange(min: ProtocolVersion(1, 0), max: MethodTable.version)

  /// - Precondition: `min` is not above `max`.
  public init(min: ProtocolVersion, max: ProtocolVersion) {
    precondition(min <= max, "a version range goes upwards")
    self.min = min
    self.max = max
  }

  public func contains(_ version: ProtocolVersion) -> Bool { min <= version && version <= max }

  /// The highest version both ranges hold, or nil.
  ///
  /// Within a major all minors up to the highest are spoken: signatures never change, things are only added.
  public func highestCommon(with other: ProtocolVersionRange) -> ProtocolVersion? {
    let candidate = Swift.min(max, other.max)
    return contains(candidate) && other.contains(candidate) ? candidate : nil
  }

  public var description: String { min == max ? "\(min)" : "\(min) to \(max)" }
}

extension ProtocolVersionRange: JSONCodable {
  public init(json: JSON, path: JSONPath) throws(JSONError) {
    let object = try json.object(at: path)
    let min: ProtocolVersion = try object.required("min", at: path)
    let max: ProtocolVersion = try object.required("max", at: path)
    guard min <= max else { throw .invalid("min is above max", at: path) }
    self.init(min: min, max: max)
  }

  public func json() -> JSON { ["min": min.json(), "max": max.json()] }
}
