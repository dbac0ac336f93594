// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0

/// Why the journal or the job store could not do what was asked.
public struct JobsError: Error, Sendable, Hashable, CustomStringConvertible {
  /// What kind of failure it is; an open set.
  public struct Code: RawRepresentable, Sendable, Hashable {
    public let rawValue: String
    public init(rawValue: String) { self.rawValue = rawValue }

    /// The same idempotency key came with other parameters.
    public static let idempotencyConflict = Code(rawValue: "IDEMPOTENCY_CONFLICT")
    /// The operation with this idempotency key is still running.
    public static let inProgress = Code(rawValue: "IN_PROGRESS")
    /// The disk under the journal is full: nothing was started.
    public static let journalFull = Code(rawValue: "JOURNAL_FULL")
    /// The database cannot be read or written.
    public static let journalBroken = Code(rawValue: "JOURNAL_BROKEN")
    /// No record or job has this id.
    public static let notFound = Code(rawValue: "NOT_FOUND")
    /// The job or record is in a state that does not allow this.
    public static let invalidState = Code(rawValue: "INVALID_STATE")
    /// Too many jobs are queued.
    public static let overloaded = Code(rawValue: "OVERLOADED")
    /// The store is closing.
    public static let closed = Code(rawValue: "CLOSED")
  }

  public let code: Code
  /// One sentence for people: what and where.
  public let message: String
  /// What to do next.
  public let hint: String?
  /// The job or journal record the error is about.
  public let subject: String?

  public init(_ code: Code, _ message: String, hint: String? = nil, subject: String? = nil) {
    self.code = code
    self.message = message
    self.hint = hint
    self.subject = subject
  }

  public var description: String {
    "\(code.rawValue): \(message)" + (hint.map { " (\($0))" } ?? "")
  }
}
