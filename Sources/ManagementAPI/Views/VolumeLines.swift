// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0

internal import Hummingbird
internal import JSON
internal import ManagementTypes
internal import StorageHost

/// A listing as NDJSON: one ``VolumeView`` a line.
enum VolumeLines {
  static let mediaType = "application/x-ndjson"
  /// Volumes asked for at a time: what the daemon holds of a listing, and how late its first line may be.
  static let part = 500

  static func bytes(_ page: VolumePage) -> ByteBuffer {
    let writer = JSONWriter()
    var bytes: [UInt8] = []
    bytes.reserveCapacity(page.volumes.count * 200)
    for volume in page.volumes {
      writer.write(VolumeView(volume).json(), into: &bytes)
      bytes.append(UInt8(ascii: "\n"))
    }
    return ByteBuffer(bytes: bytes)
  }
}
