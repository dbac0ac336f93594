// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0

/// One storage's section of the configuration file, as it stands there.
public struct ConfigSection: Sendable, Hashable {
  /// A property line.
  public struct Property: Sendable, Hashable {
    public var key: String
    /// `nil` for a key without a value, which means true.
    public var value: String?
    /// Counted from 1.
    public var line: Int
  }

  /// In lower case.
  public let type: String
  public let id: String
  /// The line of `type: id`, counted from 1.
  public let line: Int
  /// In the order of the file, repeated keys included.
  public let properties: [Property]
  /// What is wrong with the section's text, whatever its type.
  public let problems: [ConfigProblem]
  /// The section's lines in the file, from its header to the line before the one that ends it.
  let lines: Range<Int>

  /// The values of a key in the order of the file.
  public subscript(key: String) -> [Property] { properties.filter { $0.key == key } }
}
