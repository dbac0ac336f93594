// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0

public import JSON

/// What an answer names its request by. Each direction has ids of its own; each is used once.
public enum RequestID: Sendable, Hashable {
  case number(Int64)
  case string(String)
}

extension RequestID: JSONDecodable, JSONEncodable {
  public init(json: JSON, path: JSONPath) throws(JSONError) {
    switch json {
    case .int(let number): self = .number(number)
    case .string(let string): self = .string(string)
    default: throw .mismatch("an integer or a string", found: json, at: path)
    }
  }

  public func json() -> JSON {
    switch self {
    case .number(let number): .int(number)
    case .string(let string): .string(string)
    }
  }
}

extension RequestID: CustomStringConvertible {
  public var description: String {
    switch self {
    case .number(let number): String(number)
    case .string(let string): Quote.text(string, limit: 64)
    }
  }
}
