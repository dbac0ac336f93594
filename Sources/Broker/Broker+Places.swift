// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0

internal import Logging
internal import PluginSandbox
public import StorageProtocol

/// What outlives a call: prepared before a plugin starts, taken away with its storage, put right after a crash.
extension Broker {
  /// Makes `mounts` and `dev` in the directory: later mounts and nodes in them appear in a running plugin.
  public func prepare(_ directory: String) async throws(StorageError) {
    if MountedPaths.now().isSuperset(of: [directory + "/mounts", directory + "/dev"]) { return }
    var operation = BrokerOperation(.prepare)
    operation.place = directory
    let outcome = try await perform(operation, "preparing \(directory)", storeid: directory)
    if outcome.error != 0 {
      var error = failure(outcome, "preparing \(directory)")
      error.code = .sandboxFailed
      throw error
    }
  }

  /// Takes away everything that a holder has, even what is busy.
  public func release(holder: String, directory: String) async {
    for handle in handles.values.filter({ $0.holder == holder }).sorted(by: Self.innerFirst) { await drop(handle) }
    await dismiss(directory)
  }

  /// Puts right what a crash or a reboot left: forgets what is gone, takes away what no storage has any more and what was
  /// only half made. Once, before the first call.
  ///
  /// - Parameters:
  ///   - storages: those that exist.
  ///   - runDirectory: below it are the holders' directories.
  public func reconcile(storages: Set<String>, runDirectory: String) async throws(StorageError) {
    for record in try await store.records() {
      guard let handle = Handle(text: record.value) else {
        logger.error("an unreadable broker record is kept", metadata: ["handle": "\(record.key)"])
        continue
      }
      handles[handle.id] = handle
    }
    let mounted = MountedPaths.now()
    let loops = LoopDevices.attached()
    for handle in handles.values.sorted(by: Self.innerFirst) {
      let isThere =
        switch handle.kind {
        case .mount: mounted.contains(handle.path)
        case .loop: loops.contains(handle.number)
        case .device: mounted.contains(handle.place)
        case .attachment: handle.boot == Self.boot && FoundDevice(handle).isThere
        // A stream does not outlive its call.
        case .stage: false
        }
      let isWanted = handle.isHeld && handle.holder == handle.storeid && storages.contains(handle.storeid)
      if !isThere || !isWanted { await drop(handle) }
    }
    let holders = Set(mounted.filter { $0.hasPrefix(runDirectory + "/") }.compactMap { Self.holder($0, runDirectory) })
    for holder in holders where !storages.contains(holder) {
      // A process that storages share has one place for what all of them hold.
      let directory = "\(runDirectory)/\(holder)"
      if !handles.values.contains(where: { $0.place.hasPrefix(directory + "/") }) { await dismiss(directory) }
    }
  }

  /// The holder of a prepared place `<run>/<holder>/mounts` or `…/dev`.
  private static func holder(_ path: String, _ runDirectory: String) -> String? {
    let parts = path.dropFirst(runDirectory.count + 1).split(separator: "/")
    return parts.count == 2 && (parts[1] == "mounts" || parts[1] == "dev") ? String(parts[0]) : nil
  }

  /// Mounts before the devices that they are of.
  private static func innerFirst(_ left: Handle, _ right: Handle) -> Bool {
    let order: [Handle.Kind: Int] = [.mount: 0, .device: 1, .loop: 2, .attachment: 3, .stage: 4]
    return (order[left.kind] ?? 9, left.id) < (order[right.kind] ?? 9, right.id)
  }

  private func drop(_ handle: Handle) async {
    do throws(StorageError) { try await release(handle, force: true) } catch {
      logger.error(
        "cannot take away what a plugin had: \(error.message)",
        metadata: ["storeid": "\(handle.storeid)", "handle": "\(handle.id)"])
    }
  }

  private func dismiss(_ directory: String) async {
    guard !MountedPaths.now().isDisjoint(with: [directory + "/mounts", directory + "/dev"]) else { return }
    var operation = BrokerOperation(.dismiss)
    operation.place = directory
    do throws(StorageError) {
      let outcome = try await perform(operation, "dismissing \(directory)", storeid: directory)
      if outcome.error != 0 { throw failure(outcome, "dismissing \(directory)") }
    } catch { logger.error("\(error.message)") }
  }
}
