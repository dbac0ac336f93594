// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0

internal import ArgumentParser

/// What happens when this machine lacks a layer of the sandbox.
enum SandboxPolicy: String, ExpressibleByArgument, CaseIterable {
  /// The daemon does not start.
  case required
  /// It starts and says so in `berth daemon status`; a plugin that needs the layer still does not start.
  case bestEffort = "best-effort"
}
