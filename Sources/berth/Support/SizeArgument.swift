// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0

internal import ArgumentParser
internal import StorageRules

/// A size on the command line: bytes, or a number with K, M, G, T, P or E (powers of 1024).
struct SizeArgument: ExpressibleByArgument, Sendable {
  var bytes: Int64

  init?(argument: String) {
    guard let bytes = try? SizeText.parse(argument, unit: .bytes) else { return nil }
    self.bytes = bytes
  }
}
