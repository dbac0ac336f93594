// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0

import JSON
import ManagementTypes
import Testing

@Suite("Wire types")
struct CodingTests {
  private func roundTrip<T: JSONCodable & Hashable>(_ value: T) throws {
    #expect(try T(json: JSON.parse(value.json().bytes())) == value)
  }

  @Test func everyMemberSurvives() throws {
    try roundTrip(
      VolumeDetail(
        volid: "local:100/vm-100-disk-0.raw", volname: "100/vm-100-disk-0.raw", content: "images", vmid: 100,
        size: 9_007_199_254_740_993, format: "raw", used: 0, parent: nil, ctime: 1, base: true, path: "/p",
        notes: "a\nb", protected: false))
    try roundTrip(
      JobView(
        id: "1", kind: "copy", storeid: "local", title: "copy", owner: "root", state: "running", created: 1,
        progress: ProgressView(phase: "copy", done: 5, total: 10, unit: "bytes"),
        error: Problem(status: 507, symbol: "NO_SPACE", detail: "full", place: "local", outcome: "rolled_back")))
    try roundTrip(
      Problem(
        status: 409, symbol: "EXISTS", detail: "d", place: "w", outcome: "unknown", hint: "h", retry: "later",
        retryAfterMs: 5, data: ["k": 1]))
    try roundTrip(ListOf([VolumeName(volid: "a:b")]))
  }

  @Test func aMisspeltMemberOfAChangeIsRefusedAndNamed() {
    #expect {
      try VolumeResize(json: ["size": 1, "snapshto": "x"])
    } throws: { error in
      (error as? JSONError)?.path.pointer == "/snapshto"
    }
  }

  @Test func aMemberOfTheWrongTypeIsNamed() {
    #expect {
      try VolumeCreate(json: ["vmid": 100, "size": "1G"])
    } throws: { error in
      (error as? JSONError)?.path.pointer == "/size"
    }
  }

  @Test func anAnswerMayGrowMembers() throws {
    #expect(try VolumeName(json: ["volid": "a:b", "later": true]).volid == "a:b")
  }

  @Test func aProblemSaysWhatWhereAndWhatToDo() {
    let json = Problem(
      status: 404, symbol: "VOLUME_NOT_FOUND", detail: "no such volume", place: "local:x", hint: "list them"
    ).json()
    #expect(json["type"] == "urn:berth:problem:volume_not_found")
    #expect(json["where"] == "local:x")
    #expect(json["outcome"] == "not_started")
    #expect(json["hint"] == "list them")
  }
}
