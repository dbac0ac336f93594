// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0

/// What the host does for a method the plugin does not implement.
public struct HostDefault: Sendable, Hashable {
  /// What sort of fallback it is.
  public enum Kind: String, Sendable, Hashable, CaseIterable {
    /// No fallback: the call fails with what ``HostDefault/text`` says.
    case none
    /// Nothing needs to be done.
    case noop
    /// Always the same answer.
    case constant
    /// Computed by the host, such as a volume name's parts.
    case rule
    /// Another method gives the answer.
    case method
    /// The manifest gives the answer.
    case manifest
  }

  public let kind: Kind
  /// The fallback in words.
  public let text: String

  public init(_ kind: Kind, _ text: String) {
    self.kind = kind
    self.text = text
  }
}
