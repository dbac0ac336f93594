// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0

/// One thing a plugin in learning mode did or tried.
public enum LearnedUse: Sendable, Hashable {
  /// Looked at, or changed, what this absolute path names inside the sandbox.
  case path(String, writes: Bool)
  /// Connected to a TCP endpoint; `host` is the granted name when it has one, else the address.
  case connection(host: String, port: UInt16)
  /// Asked a name server for this name.
  case name(String)
  /// Connected to a Unix socket at this path.
  case socket(String)
  /// Started a thread or a child process.
  case processes
  /// Made memory executable after it was written.
  case executableMemory
  /// Made, or asked about, a subvolume of btrfs.
  case subvolumes
  /// Made a system call that no permission opens; it was refused.
  case refused(String)
}

/// Everything that was seen, with how often.
public struct LearnedUses: Sendable {
  public internal(set) var counts: [LearnedUse: Int] = [:]
  /// Calls whose arguments could not be read, for want of privilege or because their maker died.
  public internal(set) var unreadable = 0

  public init() {}
}
