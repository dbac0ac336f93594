// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0

// The smallest complete plugin in Swift: volumes that live as long as the process. For the kit's tests.

internal import StoragePluginKit
internal import StorageProtocol
internal import Synchronization

final class Shelf: Sendable {
  let volumes = Mutex<[String: ListedVolume]>([:])
}

let shelf = Shelf()
let capacity: ByteCount = 1 << 40

var plugin = StoragePlugin(PluginFacts(id: "org.berth.test.kit", version: "1.0", concurrency: .parallel))

plugin.on(ActivateStorage.self) { _, _ in
  print("a stray line that must not reach the protocol")
  return .init()
}
plugin.on(QueryStatus.self) { _, _ in
  let used = shelf.volumes.withLock { $0.values.reduce(0) { $0 + $1.size } }
  return .init(total: capacity, used: used, available: capacity - used, active: true)
}
plugin.on(ListImages.self) { params, _ in
  let all = shelf.volumes.withLock { $0.values.sorted { $0.volname < $1.volname } }
  return .init(volumes: all.filter { params.vmid == nil || $0.vmid == params.vmid })
}
plugin.on(AllocImage.self) { params, call in
  let entry = ListedVolume(volname: params.volname, format: params.format, size: params.size, vmid: params.vmid)
  let isNew = shelf.volumes.withLock { volumes in
    if volumes[params.volname] != nil { return false }
    volumes[params.volname] = entry
    return true
  }
  guard isNew else { throw StorageError(.volumeExists, "\(params.volname) exists", outcome: .notStarted) }
  call.host.log(.info, "made \(params.volname)")
  return .init(volname: params.volname)
}
plugin.on(FreeImage.self) { params, _ in
  shelf.volumes.withLock { $0[params.volname] = nil }
  return .init()
}
plugin.on(VolumeSizeInfo.self) { params, _ in
  guard let volume = shelf.volumes.withLock({ $0[params.volname] }) else {
    throw StorageError(.volumeNotFound, "there is no \(params.volname)", outcome: .notStarted)
  }
  return .init(size: volume.size, format: volume.format)
}

await plugin.run()
