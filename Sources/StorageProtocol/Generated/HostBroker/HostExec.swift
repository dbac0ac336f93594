// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0
// Generated from protocol/v1/protocol.json by scripts/generate. Change that, not this.

public import JSON

/// Runs a program from the host's allow-list.
public enum HostExec: StorageMethod {
  public static let name = "host.exec"
  public static let annotations = MethodAnnotations(
    direction: .pluginToHost,
    group: "host-broker",
    summary: "Runs a program from the host's allow-list.",
    mutating: true,
    idempotent: false,
    lock: .none,
    defaultTimeout: .milliseconds(60_000),
    capability: "host-broker",
    errors: [.invalidParams, .internalError, .hostDenied, .overloaded, .cancelled, .deadlineExceeded, .backendError])

  /// Arguments of `host.exec`.
  public struct Params: JSONCodable, Sendable, Hashable {
    /// Id of the request, from the host, that this call serves; its deadline holds here too.
    public var parent: Int64
    /// Name of the argument template in the grant.
    public var template: String
    /// Values for the template's places; checked against its patterns.
    public var arguments: [String: String]
    /// Text for its standard input.
    public var stdin: String?

    public init(parent: Int64, template: String, arguments: [String: String], stdin: String? = nil) {
      self.parent = parent
      self.template = template
      self.arguments = arguments
      self.stdin = stdin
    }

    public init(json: JSON, path: JSONPath) throws(JSONError) {
      let object = try json.object(at: path)
      self.parent = try object.integer("parent", 0...Int64.max, at: path)
      self.template = try object.text("template", .length(1...64), at: path)
      self.arguments = try object.textMap("arguments", .length(0...4096), at: path)
      self.stdin = try object.optionalText("stdin", .length(0...1048576), at: path)
    }

    public func json() -> JSON {
      var object = JSONObject()
      object.reserveCapacity(4)
      object.appendNew("parent", .int(parent))
      object.appendNew("template", .string(template))
      object.appendNew("arguments", arguments.json())
      if let stdin { object.appendNew("stdin", .string(stdin)) }
      return .object(object)
    }
  }

  /// What `host.exec` answers.
  public struct Result: JSONCodable, Sendable, Hashable {
    /// Exit code; 128 + n for signal n.
    public var exitCode: Int
    /// First MiB of its output.
    public var stdout: String
    /// First 64 KiB of its errors.
    public var stderr: String

    public init(exitCode: Int, stdout: String, stderr: String) {
      self.exitCode = exitCode
      self.stdout = stdout
      self.stderr = stderr
    }

    public init(json: JSON, path: JSONPath) throws(JSONError) {
      let object = try json.object(at: path)
      self.exitCode = try object.integer("exitCode", 0...255, at: path)
      self.stdout = try object.text("stdout", .length(0...1048576), at: path)
      self.stderr = try object.text("stderr", .length(0...65536), at: path)
    }

    public func json() -> JSON {
      var object = JSONObject()
      object.reserveCapacity(3)
      object.appendNew("exitCode", .int(Int64(exitCode)))
      object.appendNew("stdout", .string(stdout))
      object.appendNew("stderr", .string(stderr))
      return .object(object)
    }
  }
}
