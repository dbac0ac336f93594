// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0

import StorageRules
import Testing

@Suite struct TransferTests {
  @Test(arguments: [
    (VolumeFormat.raw, false, [TransferFormat.rawSize]), (.qcow2, false, [.rawSize]), (.subvol, false, [.tarSize]),
    (.qcow2, true, [.qcow2Size]), (.vmdk, true, [.vmdkSize]), (.raw, true, []), (.subvol, true, []),
  ])
  func `files are sent with or without snapshots`(format: VolumeFormat, withSnapshots: Bool, forms: [TransferFormat]) {
    let wish = TransferNegotiation.Wish(withSnapshots: withSnapshots)
    #expect(TransferNegotiation.fileExports(format, wish) == forms)
    #expect(TransferNegotiation.fileImports(format, wish) == forms)
  }

  @Test func `a snapshot of a file cannot be sent, a base snapshot not be received`() {
    #expect(TransferNegotiation.fileExports(.qcow2, .init(snapshot: "s")).isEmpty)
    #expect(TransferNegotiation.fileImports(.qcow2, .init(snapshot: "s")) == [.rawSize])
    #expect(TransferNegotiation.fileImports(.qcow2, .init(baseSnapshot: "s")).isEmpty)
  }

  @Test func `the sender's first form that the receiver takes wins`() throws {
    #expect(try TransferNegotiation.common(exports: [.zfs, .rawSize], imports: [.rawSize, .zfs]) == .zfs)
    let error = #expect(throws: RulesError.self) { try TransferNegotiation.common(exports: [.zfs], imports: [.btrfs]) }
    #expect(error?.message.contains("zfs") == true && error?.message.contains("btrfs") == true)
  }

  @Test func `the form that is asked for is taken where both sides know it`() throws {
    let both: [TransferFormat] = [.zfs, .rawSize]
    #expect(try TransferNegotiation.common(exports: both, imports: both, wanted: .rawSize) == .rawSize)
    for (exports, imports) in [(both, both), (both, both + [.btrfs]), (both + [.btrfs], []), ([], [])] {
      let error = #expect(throws: RulesError.self) {
        try TransferNegotiation.common(exports: exports, imports: imports, wanted: .btrfs)
      }
      #expect(error?.message.contains("'btrfs' is not known on both sides") == true, "\(String(describing: error))")
      #expect(exports.isEmpty == (error?.message.contains("can send nothing") == true))
      #expect(error?.hint?.contains("leave the format out") == !exports.isEmpty)
    }
  }

  @Test(arguments: [0, 1, 255, 256, 1 << 40, Int64.max])
  func `the size header is eight bytes, the lowest first`(size: Int64) {
    let header = StreamHeader.encode(size: size)
    #expect(header.count == 8)
    #expect(header[0] == UInt8(truncatingIfNeeded: size))
    #expect(StreamHeader.decode(header) == size)
    #expect(StreamHeader.decode(header.dropLast()) == nil)
    #expect(StreamHeader.decode([0, 0, 0, 0, 0, 0, 0, 0x80]) == nil)
  }
}
