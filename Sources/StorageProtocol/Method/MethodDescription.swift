// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0

public import JSON

/// One row of ``MethodTable``: a method without its static types.
public struct MethodDescription: Sendable {
  /// Whether it is answered.
  public enum Kind: String, Sendable, Hashable, CaseIterable {
    case request
    case notification
  }

  /// The name on the wire.
  public let name: String
  public let kind: Kind
  public let annotations: MethodAnnotations
  private let readParams: @Sendable (JSON, JSONPath) throws(JSONError) -> JSON
  private let readResult: @Sendable (JSON, JSONPath) throws(JSONError) -> JSON

  public init<Method: StorageMethod>(_ method: Method.Type) {
    name = method.name
    kind = .request
    annotations = method.annotations
    readParams = { (json, path) throws(JSONError) in try Method.Params(json: json, path: path).json() }
    readResult = { (json, path) throws(JSONError) in try Method.Result(json: json, path: path).json() }
  }

  public init<Notification: StorageNotification>(_ notification: Notification.Type) {
    name = notification.name
    kind = .notification
    annotations = notification.annotations
    readParams = { (json, path) throws(JSONError) in try Notification.Params(json: json, path: path).json() }
    readResult = { (_, path) throws(JSONError) in throw .invalid("a notification has no result", at: path) }
  }

  /// The arguments as the method reads them: members it does not know are gone.
  ///
  /// - Throws: what does not fit the method.
  public func normalizedParams(_ params: JSON, at path: JSONPath = .root) throws(JSONError) -> JSON {
    try readParams(params, path)
  }

  /// The result as the method reads it: members it does not know are gone.
  ///
  /// - Throws: what does not fit the method.
  public func normalizedResult(_ result: JSON, at path: JSONPath = .root) throws(JSONError) -> JSON {
    try readResult(result, path)
  }
}
