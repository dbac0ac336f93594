// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0

import ManagementTypes
import Testing

@Suite("Paths")
struct APIPathTests {
  @Test func aVolumeIDIsOneSegment() {
    #expect(
      APIPath("volumes", "local:100/vm-100-disk-0.qcow2", "snapshots").description
        == "/api/v1/volumes/local%3A100%2Fvm-100-disk-0.qcow2/snapshots")
  }

  @Test func queriesAreAddedInOrderAndAbsentOnesAreNot() {
    let path = APIPath("jobs").query("a", "x y").query("b", nil as String?).query("c", 7 as Int64).query("d", true)
      .query("e", false)
    #expect(path.description == "/api/v1/jobs?a=x%20y&c=7&d=true")
  }

  @Test(arguments: ["", "plain", "a/b:c d%e+f", "ünïcödé", "..", "\n\t", "100%"])
  func decodingUndoesEncoding(_ text: String) {
    #expect(APIPath.decode(APIPath.encode(text)) == text)
  }

  @Test(arguments: ["%", "%4", "%zz", "%00", "%ff", "%c3"])
  func brokenEscapesAreRefused(_ text: String) {
    #expect(APIPath.decode(text) == nil)
  }
}
