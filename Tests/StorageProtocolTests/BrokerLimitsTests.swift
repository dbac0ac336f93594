// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0

import JSON
import StorageProtocol
import Testing

/// A limit that nobody checks, and one that is needed and missing, are faults of the manifest.
struct BrokerLimitsTests {
  private static func problems(_ operation: String, _ limits: JSONObject) throws -> [ManifestError.Problem] {
    let manifest = ManifestTests.changed(
      "/permissions/broker/0", ["operation": .string(operation), "limits": .object(limits), "reason": "work"])
    do throws(ManifestError) { _ = try PluginManifest(json: manifest) } catch { return error.problems }
    return []
  }

  @Test(
    arguments: [
      ("host.lvm.*", ["vg": "a", "lvs": "vm-*", "lv": "vm-*"], "lvs"), ("host.lvm.remove", ["vg": "a"], "lv"),
      ("host.lvm.*", ["vg": "a"], "lv"), ("host.lvm.remove", ["lv": "a"], "vg"), ("host.lvm.report", [:], "vg"),
      ("host.lvm.remove", ["vg": "a", "lv": "b", "thinpool": "c"], "thinpool"),
      ("host.device.open", ["class": "lvm:${config.server}"], "name"),
      ("host.device.open", ["class": "loop,lvm:a", "names": "*"], "name"), ("host.mount", ["source": "a:/b"], "kind"),
      ("host.mount", ["kind": "nfs", "sources": "a:/b"], "sources"), ("host.unmount", ["kind": "nfs"], "kind"),
      ("host.btrfs.subvolume.*", ["maxBytes": "1"], "maxBytes"), ("host.btrfs.send", ["paths": "/a"], "paths"),
      ("host.block.*", ["protocol": "iscsi"], "portal"), ("host.loop.attach", ["file": "/a"], "file"),
    ] as [(String, JSONObject, String)])
  func aLimitThatBindsNothingOrIsMissingIsAFault(_ operation: String, _ limits: JSONObject, _ name: String) throws {
    let problems = try Self.problems(operation, limits)
    #expect(problems.contains { $0.pointer == "/permissions/broker/0/limits/\(name)" }, "\(problems)")
  }

  @Test(
    arguments: [
      ("host.lvm.*", ["vg": "a", "lv": "vm-*", "thinpool": "p"]), ("host.lvm.report", ["vg": "a"]),
      ("host.lvm.remove", ["vg": "a", "lv": "*"]), ("host.device.open", ["class": "lvm:a", "name": "vm-*"]),
      ("host.device.open", ["class": "loop"]), ("host.device.open", [:]), ("host.exec", ["say": "/bin/echo {word:a*}"]),
      ("host.mount", ["kind": "loop", "untrusted": "yes", "options": "exec", "source": "*"]), ("host.unmount", [:]),
      ("host.btrfs.*", ["path": "/a/*", "maxBytes": "1"]), ("host.btrfs.*", [:]), ("host.loop.*", ["path": "/a/*"]),
      ("host.block.*", ["protocol": "iscsi", "portal": "a:1", "target": "b"]), ("host.block.detach", [:]),
    ] as [(String, JSONObject)])
  func whatIsCheckedIsNoFault(_ operation: String, _ limits: JSONObject) throws {
    #expect(try Self.problems(operation, limits).map(\.description) == [])
  }

  /// A later protocol may bring operations, but no limit that this host would pass over.
  @Test func aLaterProtocolIsNoExcuse() throws {
    var later = try ManifestTests.changed("/protocol/max", "1.7").object()
    later["permissions"] = [
      "broker": [["operation": "host.lvm.*", "limits": ["vg": "a", "lv": "b", "newIn17": "c"], "reason": "work"]]
    ]
    let error = try #require(throws: ManifestError.self) { try PluginManifest(json: .object(later)) }
    #expect(error.problems.map(\.pointer) == ["/permissions/broker/0/limits/newIn17"])
    later["permissions"] = ["broker": [["operation": "host.newIn17", "limits": ["a": "b"], "reason": "work"]]]
    _ = try PluginManifest(json: .object(later))
  }
}
