// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0

/// Changes to the sensitive properties of one storage.
public struct SecretChange: Sendable, Hashable {
  public var set: [String: Secret]
  public var delete: Set<String>

  public init(set: [String: Secret] = [:], delete: Set<String> = []) {
    self.set = set
    self.delete = delete
  }

  public var isEmpty: Bool { self.set.isEmpty && delete.isEmpty }
}
