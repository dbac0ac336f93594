// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0

import Foundation
import JSON
import Jobs
import Testing

@Suite struct FullDiskTests {
  /// A small tmpfs stands for a disk; mounting one needs root.
  @Test(.enabled(if: geteuid() == 0), .timeLimit(.minutes(1)))
  func aFullDiskRefusesOperationsBeforeTheyStartAndRecovers() async throws {
    let folder = NSTemporaryDirectory() + "berth-full-\(UUID().uuidString)"
    try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
    try #require(mount("tmpfs", folder, "tmpfs", 0, "size=2m") == 0)
    defer {
      umount2(folder, Int32(MNT_DETACH))
      rmdir(folder)
    }
    let database = try JobDatabase(path: folder + "/berth.sqlite")
    let journal = Journal(database)
    let before = try await journal.begin(intent()).record
    let filler = folder + "/filler"
    try #require(FileManager.default.createFile(atPath: filler, contents: nil))
    let handle = try FileHandle(forWritingTo: URL(fileURLWithPath: filler))
    while (try? handle.write(contentsOf: Data(repeating: 1, count: 4_096))) != nil {}
    try handle.close()

    var refused: JobsError?
    var begun: [String] = []
    for _ in 0..<4_000 {
      do throws(JobsError) { begun.append(try await journal.begin(intent()).record.id.rawValue) } catch {
        refused = error
        break
      }
    }
    #expect(refused?.code == .journalFull)
    #expect(refused?.hint?.contains("free space") == true)

    try FileManager.default.removeItem(atPath: filler)
    begun.append(try await journal.begin(intent()).record.id.rawValue)
    #expect(try await journal.unfinished().map(\.id.rawValue) == [before.id.rawValue] + begun)
    try database.close()
  }
}
