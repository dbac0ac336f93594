// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0

/// Something wrong or doubtful in the configuration file.
public struct ConfigProblem: Error, Sendable, Hashable, CustomStringConvertible {
  public enum Severity: String, Sendable, Hashable, CaseIterable {
    /// The storage is disabled until this is repaired.
    case error
    /// Worth a look; nothing is disabled.
    case warning
  }

  public var severity: Severity
  /// The line in the file, counted from 1; `nil` when no single line is to blame.
  public var line: Int?
  public var storeid: String?
  public var property: String?
  public var message: String

  public init(
    _ severity: Severity, line: Int? = nil, storeid: String? = nil, property: String? = nil, _ message: String
  ) {
    self.severity = severity
    self.line = line
    self.storeid = storeid
    self.property = property
    self.message = message
  }

  public var description: String {
    "\(line.map { "line \($0): " } ?? "")\(storeid.map { "storage \($0): " } ?? "")\(message)"
  }
}
