// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0

/// How well a running plugin is confined, 0 (not at all) to 100, computed from what was observed.
public struct SecurityScore: Sendable, Hashable {
  /// Points lost for one reason.
  public struct Deduction: Sendable, Hashable {
    public var points: Int
    public var reason: String
    public init(points: Int, reason: String) {
      self.points = points
      self.reason = reason
    }
  }
  public var points: Int
  public var deductions: [Deduction]
  public init(points: Int, deductions: [Deduction]) {
    self.points = points
    self.deductions = deductions
  }
}
