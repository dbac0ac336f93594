// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0

public import JSON

/// A whole listing: `{"items": […]}`. An object rather than a bare array, so that it can grow members.
public struct ListOf<Item: JSONCodable & Sendable & Hashable>: JSONCodable, Sendable, Hashable {
  /// The items.
  public var items: [Item]

  public init(_ items: [Item]) { self.items = items }

  public init(json: JSON, path: JSONPath) throws(JSONError) {
    items = try json.object(at: path).required("items", at: path)
  }

  public func json() -> JSON { .object(["items": items.json()]) }
}
