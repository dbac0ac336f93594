// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0

extension JobView {
  /// Whether the job has ended for good.
  public var isFinished: Bool { state == "done" || state == "failed" || state == "cancelled" }
}
