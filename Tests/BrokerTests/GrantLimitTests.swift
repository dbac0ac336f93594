// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0

import Glibc
import JSON
import PluginSandbox
import StorageProtocol
import TestSupport
import Testing

@testable import Broker

/// What a grant's limits say, and what they say when they are incomplete, misspelt or filled from the configuration.
@Suite(.timeLimit(.minutes(3)))
struct GrantLimitTests {
  private static let vg = BrokerPermission("host.lvm.*", limits: ["vg": "vg0", "lv": "vm-*", "thinpool": "data"])

  /// Calls with one grant of the broker only; whoever passes every check comes as far as LVM, the kernel or a file.
  private func code(
    _ method: String, _ params: JSONObject, _ grant: BrokerPermission, devices: [String] = []
  ) async throws -> (StorageError.Code?, String) {
    var result: (StorageError.Code?, String) = (nil, "")
    try await BrokerFixture.with { fixture in
      try await fixture.broker.prepare("\(fixture.run)/s1")
      let permissions = Permissions(
        files: [FilePermission(path: fixture.data, access: .readWrite)],
        devices: devices.map { DevicePermission(deviceClass: $0, access: .readWrite) },
        broker: [
          BrokerPermission(
            grant.operation,
            limits: grant.limits.mapValues { $0.hasPrefix("DATA") ? fixture.data + $0.dropFirst(4) : $0 })
        ])
      var filled = params
      for member in params {
        guard case .string(let text) = member.value, text.hasPrefix("DATA") else { continue }
        filled[member.key] = .string(fixture.data + text.dropFirst(4))
      }
      do throws(StorageError) {
        _ = try await fixture.call(method, filled, fixture.client("s1", permissions))
      } catch { result = (error.code, error.message) }
    }
    return result
  }

  private static let create: JSONObject = ["vg": "vg0", "lv": "vm-1", "size": 4_194_304, "thinPool": "data"]

  @Test(.requires(.root)) func aVolumeWithoutAPoolIsOutsideOfAGrantOfPools() async throws {
    var thick = Self.create
    thick["thinPool"] = nil
    #expect(try await code("host.lvm.create", thick, Self.vg).0 == .hostDenied)
    #expect(try await code("host.lvm.create", Self.create, Self.vg).0 != .hostDenied)
    // Where pools are not limited it is for the administrator to have said so.
    let free = BrokerPermission("host.lvm.*", limits: ["vg": "vg0", "lv": "*"])
    #expect(try await code("host.lvm.create", thick, free).0 != .hostDenied)
  }

  @Test(.requires(.root), arguments: [["vg": "vg0"], ["vg": "vg0", "lvs": "vm-*"], ["lv": "vm-*"]])
  func aGrantOfVolumesNamesGroupAndVolumes(_ limits: [String: String]) async throws {
    for operation in ["host.lvm.*", "host.lvm.remove"] {
      let (code, message) = try await code(
        "host.lvm.remove", ["vg": "vg0", "lv": "vm-1"], BrokerPermission(operation, limits: limits))
      #expect(code == .hostDenied && message.contains("limit"), "\(message)")
    }
  }

  @Test(
    .requires(.root),
    arguments: [
      ("host.btrfs.subvolume.create", ["path": "DATA/vm-1"], ["path": "DATA/other"]),
      ("host.btrfs.subvolume.delete", ["path": "DATA/vm-1"], ["path": "DATA/other"]),
      ("host.btrfs.subvolume.snapshot", ["path": "DATA/vm-1", "target": "DATA/vm-2"], ["target": "DATA/other"]),
      ("host.btrfs.subvolume.snapshot", ["path": "DATA/vm-1", "target": "DATA/vm-2"], ["path": "DATA/other"]),
      ("host.btrfs.subvolume.list", ["path": "DATA/vm-1"], ["path": "DATA"]),
      ("host.btrfs.subvolume.set_read_only", ["path": "DATA/vm-1", "readOnly": true], ["path": "DATA/other"]),
    ] as [(String, JSONObject, JSONObject)])
  func aPathLimitBindsSubvolumes(_ method: String, _ honest: JSONObject, _ change: JSONObject) async throws {
    let grant = BrokerPermission("host.btrfs.subvolume.*", limits: ["path": "DATA/vm-*"])
    var attack = honest
    attack.merge(change)
    #expect(try await code(method, attack, grant).0 == .hostDenied)
    #expect(try await code(method, honest, grant).0 != .hostDenied)
  }

  /// Every volume of the group is in the class, the host's own too: the grant says which.
  @Test(.requires(.root)) func aVolumesNodeIsGrantedByName() async throws {
    let params: JSONObject = ["class": "lvm:vg0", "name": "vm-1", "access": "rw"]
    let (without, message) = try await code(
      "host.device.open", params, BrokerPermission("host.device.open", limits: ["class": "lvm:vg0"]),
      devices: ["lvm:vg0"])
    #expect(without == .hostDenied && message.contains("'name'"), "\(message)")
    let general = BrokerPermission("host.device.open")
    #expect(try await code("host.device.open", params, general, devices: ["lvm:vg0"]).0 == .hostDenied)
    let named = BrokerPermission("host.device.open", limits: ["class": "lvm:vg0", "name": "vm-*"])
    var root = params
    root["name"] = "root"
    #expect(try await code("host.device.open", root, named, devices: ["lvm:vg0"]).0 == .hostDenied)
    #expect(try await code("host.device.open", params, named, devices: ["lvm:vg0"]).0 == .volumeNotFound)
  }

  @Test(.requires(.root)) func aVolumeIsMountedWhenTheGrantNamesIt() async throws {
    let params: JSONObject = ["kind": "device", "source": "/dev/vg0/root", "options": ["fs": "ext4"]]
    let sources: [(String?, StorageError.Code)] = [
      (nil, .hostDenied), ("/dev/vg0/vm-*", .hostDenied), ("*", .volumeNotFound),
    ]
    for (source, wanted) in sources {
      var limits = ["kind": "device", "untrusted": "yes"]
      limits["source"] = source
      let grant = BrokerPermission("host.mount", limits: limits)
      #expect(try await code("host.mount", params, grant, devices: ["lvm:vg0"]).0 == wanted, "\(source ?? "none")")
    }
  }

  /// A pattern is no word for this machine: only an address that is written out is.
  @Test(
    .requires(.root),
    arguments: [
      ("nfs", "127.0.0.1:/export", "*:/export"), ("nfs", "[::1]:/export", "*"),
      ("cifs", "//127.0.0.1/share", "//*/share"), ("nfs", "localhost:/export", "*:/export"),
    ])
  func anAddressOfThisMachineIsGrantedByItself(_ kind: String, _ source: String, _ pattern: String) async throws {
    let params: JSONObject = ["kind": .string(kind), "source": .string(source), "options": ["soft": ""]]
    func grant(_ source: String) -> BrokerPermission {
      BrokerPermission("host.mount", limits: ["kind": kind, "source": source])
    }
    #expect(try await code("host.mount", params, grant(pattern)).0 == .hostDenied)
    #expect(try await code("host.mount", params, grant(source)).0 != .hostDenied)
  }

  /// What the resolver takes for an address and nobody would write as one is a name, whoever spells it out.
  @Test(.requires(.root), arguments: ["127.1", "2130706433", "0x7f.1"])
  func aNumberThatLeadsToThisMachineIsAName(_ host: String) async throws {
    let source = "\(host):/export"
    let grant = BrokerPermission("host.mount", limits: ["kind": "nfs", "source": source])
    let params: JSONObject = ["kind": "nfs", "source": .string(source), "options": ["soft": ""]]
    #expect(try await code("host.mount", params, grant).0 == .hostDenied)
  }

  // MARK: - Values of the configuration

  /// The limits of a grant with a value of the configuration in them.
  private static func limit(_ text: String, _ value: String) throws -> String {
    let request = PermissionRequest(
      broker: [.init(operation: "host.exec", limits: ["x": text], reason: "work")])
    let grant = PermissionGrant(everythingIn: request, bundleDigest: "d")
    let permissions = try Permissions(request, grant: grant, config: ["v": .string(value)])
    return try #require(permissions.broker.first?.limits["x"])
  }

  private static let values = ["a*b", "*", "a,b", ",", "a?b", "a\\*", "\\", "a b", "{x:*}", "é*", "plain", "a-b", "-a"]

  @Test(arguments: values) func aValueInAPatternStandsForItself(_ value: String) throws {
    let glob = Glob(try Self.limit("vm-${config.v}-*", value))
    #expect(glob.matches("vm-\(value)-1"))
    for other in ["vm-axb-1", "vm-x-1", "vm-a", "b-1", "vm-", "-1"] where other != "vm-\(value)-1" {
      #expect(!glob.matches(other), "\(value) widened the pattern to \(other)")
    }
  }

  @Test(arguments: values) func aValueInATemplateStaysOneWord(_ value: String) throws {
    let template = try #require(ExecTemplate(try Self.limit("/bin/x --of=${config.v} {n:a*} end", value)))
    #expect(try template.filled(["n": "ab"]) == ["/bin/x", "--of=\(value)", "ab", "end"])
    let word = ExecTemplate(try Self.limit("/bin/x ${config.v} end", value))
    // In front of a word a hyphen would make an option of it.
    #expect(try word?.filled([:]) == (value.hasPrefix("-") ? nil : ["/bin/x", value, "end"]))
    let place = try #require(ExecTemplate(try Self.limit("/bin/x {n:${config.v}}", value)))
    if !value.hasPrefix("-") { #expect(try place.filled(["n": value]) == ["/bin/x", value]) }
    #expect(throws: StorageError.self) { try place.filled(["n": "other"]) }
  }

  @Test func aValueThatIsNothingIsMissing() throws {
    #expect(throws: SandboxError.self) { try Self.limit("/bin/x ${config.v} end", "") }
  }

  @Test func aClassOfDevicesTakesAValueForItself() throws {
    let request = PermissionRequest(devices: [.init(class: "block:${config.v}", access: .rw, reason: "disks")])
    let grant = PermissionGrant(everythingIn: request, bundleDigest: "d")
    let granted = try Permissions(request, grant: grant, config: ["v": "/dev/sd*"]).devices
    let name = try #require(granted.first?.deviceClass)
    #expect(!Broker.path("/dev/sda", isIn: name))
    #expect(Broker.path("/dev/sd*", isIn: name))
    #expect(Broker.path("/dev/sda", isIn: "block:/dev/sd*"), "positive control")
  }
}
