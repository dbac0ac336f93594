// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0

/// What became of a holder that did not finish in time.
///
/// A lock passes on only when its holder can do no more harm. Who answers here has cancelled the operation, killed
/// its processes, and looked whether they are gone.
public enum HolderFate: Sendable, Hashable {
  /// Nothing of the holder runs any more: the lock may pass on.
  case verifiedDead
  /// The holder was given more time.
  case extended(Duration)
  /// Something of the holder still runs and cannot be killed (a process in uninterruptible sleep): the lock stays
  /// where it is until ``LockService/confirmDead(_:)``.
  case unkillable(reason: String)
}
