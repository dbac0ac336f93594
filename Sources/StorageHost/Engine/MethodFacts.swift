// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0

internal import StorageProtocol

/// What the protocol says of a method, with sane answers for the host's own operations.
enum MethodFacts {
  static func timeout(_ method: String) -> Duration {
    MethodTable[method]?.annotations.defaultTimeout ?? .seconds(60)
  }
}
