// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0

/// Why a plugin could not be confined, started, verified or stopped.
public struct SandboxError: Error, Sendable, Hashable, CustomStringConvertible {
  /// A stable name for one kind of failure.
  public struct Code: RawRepresentable, Sendable, Hashable, CustomStringConvertible {
    public var rawValue: String
    public init(rawValue: String) { self.rawValue = rawValue }
    public var description: String { rawValue }

    /// The launch plan contradicts itself or names something that may never be granted.
    public static let invalidPlan = Code(rawValue: "invalid-plan")
    /// The launcher program is missing, is not executable or died before it answered.
    public static let launcherUnavailable = Code(rawValue: "launcher-unavailable")
    /// A set-up step failed; the plugin was not started.
    public static let stepFailed = Code(rawValue: "step-failed")
    /// The machine lacks a layer that the policy requires; the plugin was not started.
    public static let layerMissing = Code(rawValue: "layer-missing")
    /// What was read back from outside differs from what was asked for; the plugin was killed.
    public static let attestationFailed = Code(rawValue: "attestation-failed")
    /// Processes survive SIGKILL (uninterruptible sleep); their uid and cgroup stay reserved.
    public static let unreapable = Code(rawValue: "unreapable")
    /// A broker operation did not end in time; its worker was killed.
    public static let timedOut = Code(rawValue: "timed-out")
    /// A broker operation was begun, and nobody can tell how it ended: its worker or the launcher died.
    public static let interrupted = Code(rawValue: "interrupted")
    /// No free slot is left in the uid range.
    public static let uidsExhausted = Code(rawValue: "uids-exhausted")
    /// A permission is requested or granted that is malformed, unresolvable or on the deny list.
    public static let permissionRefused = Code(rawValue: "permission-refused")
    /// A file of the sandbox's own state could not be read or written.
    public static let stateUnusable = Code(rawValue: "state-unusable")
    /// A system call failed outside the launcher.
    public static let systemFailure = Code(rawValue: "system-failure")
  }

  public var code: Code
  /// What went wrong, in one sentence.
  public var message: String
  /// The set-up step that failed, when the launcher names one (`landlock`, `cgroup`, `mount /usr`, …).
  public var step: String?
  /// The system's error number, when there is one.
  public var errno: Int32?
  /// What the administrator can do about it.
  public var hint: String?

  public init(_ code: Code, _ message: String, step: String? = nil, errno: Int32? = nil, hint: String? = nil) {
    self.code = code
    self.message = message
    self.step = step
    self.errno = errno
    self.hint = hint
  }

  /// What went wrong, in which step and why; all but the hint.
  public var reason: String {
    var text = message
    if let step { text += " (step: \(step))" }
    if let errno { text += ": \(Errno.describe(errno))" }
    return text
  }

  public var description: String { hint.map { "\(reason). \($0)" } ?? reason }
}
