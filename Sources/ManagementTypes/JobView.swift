// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0

public import JSON

/// A piece of work that may take long.
public struct JobView: JSONCodable, Sendable, Hashable {
  /// Its id.
  public var id: String
  /// What it does: `clone_image`, …
  public var kind: String
  /// The storage it works on.
  public var storeid: String
  /// What it does, in one line.
  public var title: String
  /// Who asked for it.
  public var owner: String
  /// `queued`, `running`, `done`, `failed`, `cancelled`, or `interrupted` until reconciling tells.
  public var state: String
  /// Whether someone asked to cancel it.
  public var cancelling: Bool
  /// When it was asked for, in milliseconds since the epoch.
  public var created: Int64
  /// When it began.
  public var started: Int64?
  /// When it ended.
  public var finished: Int64?
  /// How far it is.
  public var progress: ProgressView?
  /// What it gave, once it is done.
  public var result: JSON?
  /// Why it failed.
  public var error: Problem?

  public init(
    id: String, kind: String, storeid: String, title: String, owner: String, state: String, cancelling: Bool = false,
    created: Int64, started: Int64? = nil, finished: Int64? = nil, progress: ProgressView? = nil, result: JSON? = nil,
    error: Problem? = nil
  ) {
    self.id = id
    self.kind = kind
    self.storeid = storeid
    self.title = title
    self.owner = owner
    self.state = state
    self.cancelling = cancelling
    self.created = created
    self.started = started
    self.finished = finished
    self.progress = progress
    self.result = result
    self.error = error
  }

  public init(json: JSON, path: JSONPath) throws(JSONError) {
    let members = try json.object(at: path)
    id = try members.required("id", at: path)
    kind = try members.required("kind", at: path)
    storeid = try members.required("storeid", at: path)
    title = try members.required("title", at: path)
    owner = try members.required("owner", at: path)
    state = try members.required("state", at: path)
    cancelling = try members.optional("cancelling", at: path, default: false)
    created = try members.required("created", at: path)
    started = try members.optional("started", at: path)
    finished = try members.optional("finished", at: path)
    progress = try members.optional("progress", at: path)
    result = try members.optional("result", at: path)
    error = try members.optional("error", at: path)
  }

  public func json() -> JSON {
    var members = JSONObject()
    members.set("id", id)
    members.set("kind", kind)
    members.set("storeid", storeid)
    members.set("title", title)
    members.set("owner", owner)
    members.set("state", state)
    members.set("cancelling", cancelling)
    members.set("created", created)
    members.setOptional("started", started)
    members.setOptional("finished", finished)
    members.setOptional("progress", progress)
    members.setOptional("result", result)
    members.setOptional("error", error)
    return .object(members)
  }
}
