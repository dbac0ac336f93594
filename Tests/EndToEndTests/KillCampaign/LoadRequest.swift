// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0

import BerthClient
import ManagementTypes
import NIOCore

/// One change a client asks for, under a key that lets it ask again.
struct LoadRequest: Sendable, CustomStringConvertible {
  enum Work: Sendable {
    case alloc(format: String)
    /// Imports an image full of that byte.
    case bringIn(UInt8)
    case copy(String)
    case rename(String)
    case resize(String, Int64)
    case snapshot(String, name: String)
    case rollback(String, name: String)
    case base(String)
    case clone(String)
    case free(String)
  }

  /// What an import brings: a raw image of 64 KiB after its size.
  private static func image(of byte: UInt8) -> [UInt8] {
    [0, 0, 1, 0, 0, 0, 0, 0] + [UInt8](repeating: byte, count: 1 << 16)
  }

  var key: String
  var vmid: Int
  var work: Work

  var description: String { "\(work) as \(key)" }

  /// The volume it changes.
  var subject: String? {
    switch work {
    case .alloc, .bringIn: nil
    case .snapshot(let volid, _), .rollback(let volid, _), .base(let volid), .clone(let volid), .free(let volid),
      .copy(let volid), .rename(let volid), .resize(let volid, _):
      volid
    }
  }

  /// Sends it and waits for the answer.
  /// - Returns: the volume it made or renamed.
  func send(to client: BerthClient) async throws(ClientError) -> String? {
    switch work {
    case .alloc(let format):
      let wish = VolumeCreate(vmid: vmid, size: 1 << 20, format: format)
      return try await client.alloc("local", wish, idempotencyKey: key).volid
    case .bringIn(let byte):
      let parts = AsyncStream<ByteBuffer> { parts in
        parts.yield(ByteBuffer(bytes: Self.image(of: byte)))
        parts.finish()
      }
      let options = ImportOptions(format: "raw+size", vmid: vmid)
      return try await client.importVolume("local", options, from: parts, idempotencyKey: key).volid
    case .snapshot(let volid, let name):
      try await client.createSnapshot(volid, name, idempotencyKey: key)
      return nil
    case .copy(let volid):
      let copy = VolumeCopy(storeid: "local", vmid: vmid)
      return try await client.run(.copy(volid, copy), idempotencyKey: key, as: TransferView.self).volid
    case .rename(let volid):
      return try await client.rename(volid, VolumeRename(vmid: vmid), idempotencyKey: key).volid
    case .resize(let volid, let size):
      try await client.run(.resize(volid, VolumeResize(size: size)), idempotencyKey: key)
      return nil
    case .rollback(let volid, let name):
      try await client.rollback(volid, name, idempotencyKey: key)
      return nil
    case .base(let volid):
      return try await client.makeBase(volid, idempotencyKey: key).volid
    case .clone(let volid):
      return try await client.clone(volid, VolumeClone(vmid: vmid), idempotencyKey: key).volid
    case .free(let volid):
      try await client.free(volid, idempotencyKey: key)
      return nil
    }
  }
}
