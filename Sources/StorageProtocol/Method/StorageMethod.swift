// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0

public import JSON

/// A request of the plugin protocol, typed.
///
/// One type a method, generated from `protocol/v1/protocol.json`: ``AllocImage``, ``VolumeExport``, …
public protocol StorageMethod: SendableMetatype {
  /// The named arguments, without `context`.
  associatedtype Params: JSONCodable & Sendable & Hashable
  /// The answer.
  associatedtype Result: JSONCodable & Sendable & Hashable

  /// The name on the wire, such as `alloc_image`.
  static var name: String { get }
  /// What the metamodel says about it besides its types.
  static var annotations: MethodAnnotations { get }
}

/// A notification of the plugin protocol, typed: it has no answer.
public protocol StorageNotification: SendableMetatype {
  /// The named arguments.
  associatedtype Params: JSONCodable & Sendable & Hashable

  /// The name on the wire, such as `$/progress`.
  static var name: String { get }
  /// What the metamodel says about it besides its type.
  static var annotations: MethodAnnotations { get }
}
