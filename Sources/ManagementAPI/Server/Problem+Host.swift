// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0

internal import ManagementTypes

extension Problem {
  /// Any other error: a fault of the daemon itself.
  static func describing(_ error: any Error) -> Problem {
    Problem(
      status: 500, symbol: "INTERNAL", detail: "the daemon failed unexpectedly (\(type(of: error)))",
      outcome: "unknown", hint: "its log says more; look at the storage's state before asking again")
  }
}
