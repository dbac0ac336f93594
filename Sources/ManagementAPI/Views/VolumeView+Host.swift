// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0

internal import ManagementTypes
internal import StorageHost

extension VolumeView {
  init(_ volume: VolumeEntry) {
    self.init(
      volid: volume.volid, volname: volume.volname, content: volume.content, format: volume.format, size: volume.size,
      used: volume.used, vmid: volume.vmid, parent: volume.parent, ctime: volume.ctime, notes: volume.notes,
      protected: volume.isProtected)
  }
}

extension VolumeDetail {
  init(_ volume: VolumeInfo) {
    self.init(
      volid: volume.volid, volname: volume.volname, content: volume.content, vmid: volume.vmid, size: volume.size,
      format: volume.format, used: volume.used, parent: volume.parent, ctime: volume.ctime, base: volume.isBase,
      path: volume.path, notes: volume.notes, protected: volume.isProtected)
  }
}

extension TransferView {
  init(_ report: TransferReport) {
    self.init(volid: report.volid, format: report.format, bytes: report.bytes, digest: report.digest)
  }
}
