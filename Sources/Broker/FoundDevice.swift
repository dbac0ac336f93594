// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0

internal import Glibc
internal import PluginSandbox
internal import StorageProtocol

/// A block device as the host found it just now.
struct FoundDevice: Sendable, Hashable {
  /// Its real path, no link.
  var node: String
  var major: UInt32
  var minor: UInt32

  init(_ handle: Handle) { (node, major, minor) = (handle.node, handle.major, handle.minor) }

  init(_ outcome: BrokerOutcome) { (node, major, minor) = (outcome.node, outcome.major, outcome.minor) }

  /// Whether the kernel has a block device of that number.
  var isThere: Bool { access("/sys/dev/block/\(major):\(minor)", F_OK) == 0 }
}

extension Broker {
  /// The device that a handle of this client's, or a path within a granted class, stands for.
  ///
  /// - Parameter source: a handle of `host.loop.attach` or `host.block.attach`, or a path such as `/dev/vg0/lv`.
  func device(
    _ source: String, isReadOnly: Bool, _ service: GrantedService
  ) async throws(StorageError) -> FoundDevice {
    for kind in [Handle.Kind.loop, .attachment] where source.hasPrefix(kind == .loop ? "loop-" : "blk-") {
      guard let handle = try handle(source, kind, service), handle.isHeld else {
        throw StorageError(
          .volumeNotFound, "no device has the handle \(ForeignText.quoted(source))", outcome: .notStarted)
      }
      if kind == .attachment {
        guard try await isAttached(handle) else {
          throw StorageError(
            .volumeNotFound, "\(handle.node) is no longer what was attached", outcome: .notStarted,
            hint: "the connection was lost: attach it again")
        }
      }
      guard isReadOnly || !handle.isReadOnly else { throw .denied("\(handle.node) is attached read-only") }
      return FoundDevice(handle)
    }
    guard PathPolicy.isCanonical(source), source.hasPrefix("/dev/") else {
      throw .invalid("\(ForeignText.quoted(source)) is neither a device handle nor a path below /dev")
    }
    let permissions = service.client.permissions.devices
    let fits = permissions.contains { permission in
      (isReadOnly || permission.access == .readWrite) && Self.path(source, isIn: permission.deviceClass)
    }
    guard fits else {
      throw .denied("\(ForeignText.quoted(source)) is in no device class granted to '\(service.client.storeid)'")
    }
    // By a worker: the daemon may have a /dev of its own.
    var operation = BrokerOperation(.deviceFind)
    operation.source = source
    let outcome = try await perform(operation, service.method, storeid: service.client.storeid, within: .seconds(10))
    if outcome.error == ENOENT || outcome.error == ENODEV {
      throw StorageError(.volumeNotFound, "\(source) is no block device now", outcome: .notStarted)
    }
    if outcome.error != 0 { throw failure(outcome, service.method) }
    return FoundDevice(outcome)
  }

  /// Whether a path below /dev belongs to a class of devices.
  static func path(_ path: String, isIn deviceClass: String) -> Bool {
    let parts = deviceClass.split(separator: ":", maxSplits: 1).map(String.init)
    guard parts.count == 2, !parts[1].isEmpty else { return false }
    switch parts[0] {
    case "lvm":
      let prefix = "/dev/\(parts[1])/"
      return !parts[1].contains("/") && path.hasPrefix(prefix) && isLvmName(String(path.dropFirst(prefix.count)))
    case "by-id":
      let prefix = "/dev/disk/by-id/"
      let name = path.dropFirst(prefix.count)
      return path.hasPrefix(prefix) && !name.contains("/") && Glob(parts[1]).matches(String(name))
    case "block":
      // Alternatives are for limits; here a comma is a character.
      return parts[1].hasPrefix("/dev/") && !parts[1].contains(",") && Glob(parts[1]).matches(path)
        && path.split(separator: "/").count == parts[1].split(separator: "/").count
    default: return false
    }
  }

  /// What LVM itself takes for a name.
  static func isLvmName(_ name: String) -> Bool {
    !name.isEmpty && name.utf8.count <= 127 && name != "." && name != ".." && !name.hasPrefix("-")
      && name.utf8.allSatisfy { byte in
        (0x30...0x39).contains(byte) || (0x41...0x5A).contains(byte) || (0x61...0x7A).contains(byte)
          || "+._-".utf8.contains(byte)
      }
  }
}
