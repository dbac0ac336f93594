// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0

public import ManagementTypes

/// Why a request to the daemon gave no result.
public struct ClientError: Error, Sendable, Hashable {
  /// What sort of failure it is.
  public struct Code: RawRepresentable, Sendable, Hashable, CustomStringConvertible {
    public var rawValue: String
    public init(rawValue: String) { self.rawValue = rawValue }
    public var description: String { rawValue }

    /// Nobody listens on the socket.
    public static let notRunning = Code(rawValue: "NOT_RUNNING")
    /// The socket may not be used by this user.
    public static let forbidden = Code(rawValue: "FORBIDDEN")
    /// The connection broke before the answer was complete: the outcome of a change is unknown.
    public static let broken = Code(rawValue: "CONNECTION_BROKEN")
    /// The answer is not what this API's version gives.
    public static let badAnswer = Code(rawValue: "BAD_ANSWER")
    /// The daemon refused or failed: see ``ClientError/problem``.
    public static let problem = Code(rawValue: "PROBLEM")
    /// This side could not read the source or write the target of a stream.
    public static let local = Code(rawValue: "LOCAL")
    /// There is no space for the target of a stream on this side.
    public static let noSpace = Code(rawValue: "NO_SPACE")
  }

  public var code: Code
  /// What is wrong.
  public var message: String
  /// Where: the socket, file, storage or volume.
  public var place: String
  /// What to do next; empty when there is nothing to advise.
  public var hint: String
  /// What the daemon answered.
  public var problem: Problem?

  public init(_ code: Code, _ message: String, place: String, hint: String = "") {
    self.code = code
    self.message = message
    self.place = place
    self.hint = hint
  }

  /// The daemon's own words.
  public init(_ problem: Problem) {
    code = .problem
    message = problem.detail
    place = problem.place
    hint = problem.hint
    self.problem = problem
  }
}

extension ClientError: CustomStringConvertible {
  public var description: String {
    "\(problem?.symbol ?? code.rawValue): \(message)" + (place.isEmpty ? "" : " (\(place))")
  }
}
