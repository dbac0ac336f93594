// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0

import BerthClient
import CShims
import Glibc
import JSON
import ManagementTypes
import TestSupport
import Testing

/// Listings of more volumes than one part holds.
@Suite("Listings", .serialized, .timeLimit(.minutes(5)))
struct ListingTests {
  @Test func aLongListingIsWholeAndInOrder() async throws {
    let host = try await Installation()
    for guest in [100, 200, 1000] {
      mkdir(host.store + "/images", 0o755)
      mkdir("\(host.store)/images/\(guest)", 0o755)
      for disk in 0..<401 {
        let path = "\(host.store)/images/\(guest)/vm-\(guest)-disk-\(disk).raw"
        let file = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0o640)
        try #require(file >= 0 && ftruncate(file, 65536) == 0)
        close(file)
      }
    }
    try await host.start()
    try await host.addStorage()
    #expect(try await host.volumes() == host.files().map { "local:" + $0 })
    let client = BerthClient(socket: host.socket)
    var guests: [Int] = []
    var seen: Set<String> = []
    try await client.eachVolume("local") { volume in
      #expect(seen.insert(volume.volid).inserted)
      if let vmid = volume.vmid, guests.last != vmid { guests.append(vmid) }
    }
    #expect(guests == [100, 200, 1000])
    #expect(seen.count == 1203)
    seen = []
    try await client.eachVolume("local", vmid: 200) { seen.insert($0.volid) }
    #expect(seen.count == 401)
    await #expect(throws: ClientError.self) { try await client.eachVolume("nosuch") { _ in } }
    // Whoever stops reading ends the listing and nothing else.
    await #expect(throws: CancellationError.self) {
      try await client.eachVolume("local") { _ in throw CancellationError() }
    }
    #expect(try await client.version().version.isEmpty == false)
    await client.shutdown()
    #expect(await host.stop() == 0)
  }
}
