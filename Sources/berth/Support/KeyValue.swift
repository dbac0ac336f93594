// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0

internal import ArgumentParser

/// `NAME=VALUE` on the command line.
struct KeyValue: ExpressibleByArgument, Sendable {
  var key: String
  var value: String

  init?(argument: String) {
    guard let separator = argument.firstIndex(of: "="), separator != argument.startIndex else { return nil }
    key = String(argument[..<separator])
    value = String(argument[argument.index(after: separator)...])
  }
}
