// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0

public import JSON
public import ManagementTypes

/// A change that may take long, as it goes to the daemon: every one of them runs there as a job.
public struct Change: Sendable {
  let method: BerthClient.Method
  let path: APIPath
  let body: JSON?

  init(_ method: BerthClient.Method, _ path: APIPath, _ body: (any JSONEncodable)? = nil) {
    self.method = method
    self.path = path
    self.body = body?.json()
  }
}

extension Change {
  /// Makes a volume; gives `volid`.
  public static func alloc(_ storeid: String, _ volume: VolumeCreate) -> Change {
    Change(.post, APIPath("storages", storeid, "volumes"), volume)
  }

  /// Removes a volume and what it holds.
  public static func free(_ volid: String) -> Change { Change(.delete, APIPath("volumes", volid)) }

  /// Changes a volume's size; gives `size`.
  public static func resize(_ volid: String, _ resize: VolumeResize) -> Change {
    Change(.post, APIPath("volumes", volid, "resize"), resize)
  }

  /// Changes a volume's notes, its protection, or both.
  public static func updateVolume(_ volid: String, _ update: VolumeUpdate) -> Change {
    Change(.patch, APIPath("volumes", volid), update)
  }

  /// Adds a storage; gives a ``ManagementTypes/StorageCreated``.
  public static func addStorage(_ storage: StorageCreate) -> Change { Change(.post, APIPath("storages"), storage) }

  /// Changes a storage's configuration; gives a ``ManagementTypes/StorageCreated``.
  public static func updateStorage(_ storeid: String, _ update: StorageUpdate) -> Change {
    Change(.patch, APIPath("storages", storeid), update)
  }

  /// Removes a storage's configuration; its volumes stay where they are. Gives `warnings` when there are any.
  /// - Parameter force: also when its plugin cannot take back what it made.
  public static func removeStorage(_ storeid: String, digest: String? = nil, force: Bool = false) -> Change {
    Change(.delete, APIPath("storages", storeid).query("digest", digest).query("force", force))
  }

  /// Clones a base image or a snapshot; gives `volid`.
  public static func clone(_ volid: String, _ clone: VolumeClone) -> Change {
    Change(.post, APIPath("volumes", volid, "clone"), clone)
  }

  /// Gives a volume another name or owner; gives `volid`.
  public static func rename(_ volid: String, _ rename: VolumeRename) -> Change {
    Change(.post, APIPath("volumes", volid, "rename"), rename)
  }

  /// Turns a volume into a base image; gives `volid`.
  public static func makeBase(_ volid: String) -> Change { Change(.post, APIPath("volumes", volid, "base")) }

  /// Copies a volume to another storage; gives a ``ManagementTypes/TransferView``.
  public static func copy(_ volid: String, _ copy: VolumeCopy) -> Change {
    Change(.post, APIPath("volumes", volid, "copy"), copy)
  }

  /// Copies, then removes the source; gives a ``ManagementTypes/TransferView``.
  public static func move(_ volid: String, _ copy: VolumeCopy) -> Change {
    Change(.post, APIPath("volumes", volid, "move"), copy)
  }

  /// Takes a snapshot.
  public static func createSnapshot(_ volid: String, _ name: String) -> Change {
    Change(.post, APIPath("volumes", volid, "snapshots"), SnapshotCreate(name: name))
  }

  /// Takes a volume back to a snapshot; what was written since is lost.
  public static func rollback(_ volid: String, _ name: String) -> Change {
    Change(.post, APIPath("volumes", volid, "snapshots", name, "rollback"))
  }

  /// Removes a snapshot.
  public static func deleteSnapshot(_ volid: String, _ name: String) -> Change {
    Change(.delete, APIPath("volumes", volid, "snapshots", name))
  }

  /// Gives a snapshot another name.
  public static func renameSnapshot(_ volid: String, _ name: String, to newName: String) -> Change {
    Change(.post, APIPath("volumes", volid, "snapshots", name, "rename"), SnapshotRename(name: newName))
  }

  /// Removes the backups a retention rule does not keep; gives `items`, each with its mark.
  /// - Parameter keep: the rule, as in `prune-backups`; the storage's own when nil.
  public static func prune(_ storeid: String, keep: String?, vmid: Int?, type: String?) -> Change {
    Change(.post, Change.prunePath(storeid, keep: keep, vmid: vmid, type: type))
  }

  static func prunePath(_ storeid: String, keep: String?, vmid: Int?, type: String?) -> APIPath {
    APIPath("storages", storeid, "prune").query("keep", keep).query("vmid", vmid.map(Int64.init)).query("type", type)
  }

  /// Calls a method of the plugin protocol; gives its result. A question is answered at once, without a job.
  public static func call(_ storeid: String, _ call: MethodCall) -> Change {
    Change(.post, APIPath("storages", storeid, "call"), call)
  }
}

/// How far a change is when the daemon has answered.
public enum Begun: Sendable {
  /// It is done; null when there is nothing to tell.
  case done(JSON)
  /// It goes on as this job.
  case running(JobView)
}

extension BerthClient {
  /// Begins a change.
  /// - Parameters:
  ///   - wait: seconds to wait for its end, at most 3,600; 0 answers with the job at once, nil waits as long as it takes.
  ///   - idempotencyKey: makes it safe to send the same change again; the first job answers.
  public func begin(
    _ change: Change, wait: Int64? = nil, idempotencyKey: String? = nil
  ) async throws(ClientError) -> Begun {
    let (status, answer) = try await sendRaw(
      change.method, change.path.query("wait", wait), body: change.body, idempotencyKey: idempotencyKey)
    guard status == 202 else { return .done(answer ?? .null) }
    do { return .running(try JobView(json: answer ?? .null)) } catch {
      throw ClientError(.badAnswer, "the daemon's answer names no job: \(error)", place: socket)
    }
  }

  /// Makes a change and waits for its end, however long it takes.
  /// - Returns: what it gave.
  @discardableResult
  public func run(_ change: Change, idempotencyKey: String? = nil) async throws(ClientError) -> JSON {
    switch try await begin(change, idempotencyKey: idempotencyKey) {
    case .done(let result): return result
    case .running(let job): return try await wait(for: job, pollMs: 10_000).result ?? .null
    }
  }

  /// Makes a change and reads what it gave.
  public func run<Answer: JSONDecodable>(
    _ change: Change, idempotencyKey: String? = nil, as type: Answer.Type
  ) async throws(ClientError) -> Answer {
    let result = try await run(change, idempotencyKey: idempotencyKey)
    do { return try Answer(json: result) } catch {
      throw ClientError(.badAnswer, "the daemon's answer is not understood: \(error)", place: socket)
    }
  }
}
