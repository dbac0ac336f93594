// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0

public import JSON

extension CallContext {
  /// Name of the member of every request's params that carries the context.
  public static let member = "context"

  /// The params of a request with the context in them, as they go over the wire.
  public func merged(into params: JSON) -> JSON {
    var object = params.objectValue ?? [:]
    object[Self.member] = json()
    return .object(object)
  }

  /// The context of a request's params; an empty one when there is none.
  public init(params: JSON, path: JSONPath = .root) throws(JSONError) {
    self =
      try params[Self.member].map { (json) throws(JSONError) in
        try CallContext(json: json, path: path.appending(Self.member))
      } ?? CallContext()
  }

  /// How long the plugin may take; nil when the host set no deadline.
  public var timeout: Duration? { timeoutMs.map { .milliseconds($0) } }
}
