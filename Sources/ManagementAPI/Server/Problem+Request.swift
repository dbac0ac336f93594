// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0

internal import JSON
internal import ManagementTypes

extension Problem {
  /// A body or member of the request that is not what it must be.
  init(_ error: JSONError) {
    self.init(
      status: error.code == .tooLarge ? 413 : 400, symbol: "BAD_REQUEST", detail: "the request's body: \(error)",
      place: error.path.pointer, hint: "docs/api.md says what this route takes")
  }

  /// A query parameter that is not what it must be.
  static func query(_ name: String, _ must: String) -> Problem {
    Problem(
      status: 400, symbol: "BAD_REQUEST", detail: "the query parameter '\(name)' must be \(must)", place: name,
      hint: "docs/api.md says what this route takes")
  }
}
