// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0

public import JSON

/// A storage's plugin process, and how well it is confined.
public struct ProcessView: JSONCodable, Sendable, Hashable {
  /// Points lost for one reason.
  public struct Deduction: JSONCodable, Sendable, Hashable {
    /// Points.
    public var points: Int
    /// Why.
    public var reason: String

    public init(points: Int, reason: String) {
      self.points = points
      self.reason = reason
    }

    public init(json: JSON, path: JSONPath) throws(JSONError) {
      let members = try json.object(at: path)
      points = try members.required("points", at: path)
      reason = try members.required("reason", at: path)
    }

    public func json() -> JSON {
      var members = JSONObject()
      members.set("points", points)
      members.set("reason", reason)
      return .object(members)
    }
  }

  /// What it sent that it must not, since the daemon started.
  public struct Faults: JSONCodable, Sendable, Hashable {
    /// Answers to calls that had been given up.
    public var lateAnswers: Int
    /// Answers with an id that was never given out.
    public var unknownAnswers: Int
    /// Second answers to the same call.
    public var duplicateAnswers: Int
    /// Lines that were no messages.
    public var strayLines: Int

    public init(lateAnswers: Int = 0, unknownAnswers: Int = 0, duplicateAnswers: Int = 0, strayLines: Int = 0) {
      self.lateAnswers = lateAnswers
      self.unknownAnswers = unknownAnswers
      self.duplicateAnswers = duplicateAnswers
      self.strayLines = strayLines
    }

    public init(json: JSON, path: JSONPath) throws(JSONError) {
      let members = try json.object(at: path)
      lateAnswers = try members.required("lateAnswers", at: path)
      unknownAnswers = try members.required("unknownAnswers", at: path)
      duplicateAnswers = try members.required("duplicateAnswers", at: path)
      strayLines = try members.required("strayLines", at: path)
    }

    public func json() -> JSON {
      var members = JSONObject()
      members.set("lateAnswers", lateAnswers)
      members.set("unknownAnswers", unknownAnswers)
      members.set("duplicateAnswers", duplicateAnswers)
      members.set("strayLines", strayLines)
      return .object(members)
    }
  }

  /// The storage it serves; absent when it serves all of its plugin's.
  public var storeid: String?
  /// The plugin's version that runs.
  public var version: String
  /// `idle`, `starting`, `ready`, `backoff`, `quarantined`, …
  public var state: String
  /// The process id on the host; absent while nothing runs.
  public var pid: Int?
  /// The user id it runs as.
  public var uid: Int?
  /// Crashes since the daemon started.
  public var crashes: Int
  /// How the last process ended, in words.
  public var lastEnd: String?
  /// Why it has less of the processor than planned, in words; absent while it has not.
  public var holdBack: String?
  /// The layers that confine it, by name.
  public var layers: [String]
  /// 0 (not confined at all) to 100, as observed now; absent while nothing runs.
  public var score: Int?
  /// Why the score is not 100.
  public var deductions: [Deduction]
  /// What it sent that it must not.
  public var faults: Faults

  public init(
    storeid: String? = nil, version: String, state: String, pid: Int? = nil, uid: Int? = nil, crashes: Int = 0,
    lastEnd: String? = nil, holdBack: String? = nil, layers: [String] = [], score: Int? = nil,
    deductions: [Deduction] = [], faults: Faults = Faults()
  ) {
    self.storeid = storeid
    self.version = version
    self.state = state
    self.pid = pid
    self.uid = uid
    self.crashes = crashes
    self.lastEnd = lastEnd
    self.holdBack = holdBack
    self.layers = layers
    self.score = score
    self.deductions = deductions
    self.faults = faults
  }

  public init(json: JSON, path: JSONPath) throws(JSONError) {
    let members = try json.object(at: path)
    storeid = try members.optional("storeid", at: path)
    version = try members.required("version", at: path)
    state = try members.required("state", at: path)
    pid = try members.optional("pid", at: path)
    uid = try members.optional("uid", at: path)
    crashes = try members.required("crashes", at: path)
    lastEnd = try members.optional("lastEnd", at: path)
    holdBack = try members.optional("holdBack", at: path)
    layers = try members.required("layers", at: path)
    score = try members.optional("score", at: path)
    deductions = try members.required("deductions", at: path)
    faults = try members.optional("faults", at: path) ?? Faults()
  }

  public func json() -> JSON {
    var members = JSONObject()
    members.setOptional("storeid", storeid)
    members.set("version", version)
    members.set("state", state)
    members.setOptional("pid", pid)
    members.setOptional("uid", uid)
    members.set("crashes", crashes)
    members.setOptional("lastEnd", lastEnd)
    members.setOptional("holdBack", holdBack)
    members.set("layers", layers)
    members.setOptional("score", score)
    members.set("deductions", deductions)
    members.set("faults", faults)
    return .object(members)
  }
}
