// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0

/// What retention decides about one backup.
public enum PruneMark: String, Sendable, Hashable, CaseIterable {
  case keep
  case remove
  /// Kept because an administrator said so; counts for no rule.
  case protected
  /// Kept because its name is not the backup tool's; counts for no rule.
  case renamed
}
