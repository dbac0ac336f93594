// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0

internal import BerthClient
internal import ManagementTypes

/// The program's exit codes; `berth --help` and docs/cli.md list them.
enum ExitStatus: Int32 {
  case done = 0
  case failed = 1
  case usage = 2
  case notRunning = 3
  case forbidden = 4
  case notFound = 5
  case conflict = 6
  case noSpace = 7
  case busy = 8
  case cancelled = 9
  case unknownOutcome = 10

  init(_ error: ClientError) {
    switch error.code {
    case .notRunning: self = .notRunning
    case .forbidden: self = .forbidden
    case .broken: self = .unknownOutcome
    case .noSpace: self = .noSpace
    case .problem: self = error.problem.map(ExitStatus.init) ?? .failed
    default: self = .failed
    }
  }

  init(_ problem: Problem) {
    if problem.outcome == "unknown" || problem.outcome == "partial" {
      self = problem.symbol == "CANCELLED" ? .cancelled : .unknownOutcome
      return
    }
    switch problem.symbol {
    case "CANCELLED": self = .cancelled
    case "NO_SPACE", "QUOTA_EXCEEDED": self = .noSpace
    default:
      switch problem.status {
      case 400, 413, 415: self = .usage
      case 401, 403: self = .forbidden
      case 404: self = .notFound
      case 409, 412: self = .conflict
      case 507: self = .noSpace
      case 408, 423, 429, 503, 504: self = .busy
      default: self = .failed
      }
    }
  }
}
