// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0

/// Gives every (plugin, storage) pair a user id of its own that survives restarts.
public actor UIDAllocator {
  /// The ids this allocator hands out: 600000 and up.
  public static let defaultRange: Range<UInt32> = 600_000..<665_536

  /// - Parameter path: the slots file (`<state dir>/uids.json`), written durably before an id is used.
  public init(path: String, range: Range<UInt32> = UIDAllocator.defaultRange) {}

  /// The id of this pair, allocated on first use.
  public func uid(plugin: String, storage: String) async throws(SandboxError) -> UInt32 { 600_000 }

  /// Gives an id back when its storage is removed; it is not handed out again while `isPopulated` says so.
  public func release(plugin: String, storage: String) async throws(SandboxError) {}
}
