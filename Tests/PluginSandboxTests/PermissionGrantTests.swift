// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0

import JSON
import StorageProtocol
import Testing

@testable import PluginSandbox

/// What is left of a request when an administrator has granted some of it.
@Suite struct PermissionGrantTests {
  static func request() throws -> PermissionRequest {
    var request = PermissionRequest(
      files: [
        .init(path: try #require(PathTemplate("${config.path}")), access: .rw, reason: "volumes"),
        .init(path: try #require(PathTemplate("/srv/keys")), access: .ro, reason: "keys", isOptional: true),
      ], endpoints: [.init(host: "array.example", port: "443", reason: "API")],
      devices: [.init(class: "loop", access: .rw, reason: "images")],
      broker: [.init(operation: "host.lvm.*", limits: ["vg": "${config.vg}"], reason: "volumes")])
    request.runtime.procSelf = true
    request.runtime.memoryMax = 1 << 30
    return request
  }

  static let lines = [
    "broker host.lvm.* vg=${config.vg}", "device rw loop", "fs ro /srv/keys", "fs rw ${config.path}",
    "net tcp array.example:443", "runtime memory 1073741824", "runtime proc:self",
  ]

  static func effective(_ grant: PermissionGrant) throws -> Permissions {
    try Permissions(try request(), grant: grant, config: ["path": "/srv/a", "vg": "v"])
  }

  @Test func aRequestIsWrittenInOneForm() throws {
    #expect(PermissionGrant.lines(of: try Self.request()) == Self.lines)
  }

  @Test func everythingIsShownWithAReason() throws {
    var request = try Self.request()
    request.runtime.jit = true
    request.runtime.btrfs = true
    request.runtime.pidsMax = 10
    request.runtime.tmpSize = 1 << 20
    request.runtime.stateSize = 1 << 20
    let shown = PermissionItem.shown(of: request)
    #expect(Set(shown.map(\.line)) == Set(PermissionGrant.lines(of: request)).union(["runtime threads"]))
    #expect(shown.filter { $0.reason.isEmpty }.map(\.line) == [])
    #expect(Set(shown.map(\.reason)).count >= shown.count - 1, "each of them its own")
    var grant = PermissionGrant(everythingIn: request, bundleDigest: "d")
    #expect(grant.effective("runtime threads") == "runtime threads")
    try grant.revoke(["runtime threads"], of: request)
    #expect(grant.effective("runtime threads") == nil)
    #expect(try !Self.effective(grant).runtime.processes)
    try grant.grant(["runtime threads"], of: request)
    #expect(grant.effective("runtime threads") != nil && grant.missing(request).isEmpty)
    request.runtime.threads = false
    #expect(PermissionItem.shown(of: request).contains { $0.line == "runtime single-process" })
  }

  /// Each line alone grants exactly itself.
  @Test(arguments: lines) func oneLineGrantsOnlyItself(_ line: String) throws {
    let all = try Self.effective(PermissionGrant(everythingIn: try Self.request(), bundleDigest: "d"))
    var grant = PermissionGrant(bundleDigest: "d", requested: Set(Self.lines), permissions: [])
    #expect(try Self.effective(grant) == Permissions())
    try grant.grant([line], of: try Self.request())
    let one = try Self.effective(grant)
    #expect(one.lines.count == 1)
    #expect(all.lines.contains(try #require(one.lines.first)))
    try grant.revoke([line], of: try Self.request())
    #expect(try Self.effective(grant) == Permissions())
  }

  @Test func aGrantMayBeNarrowerThanTheRequestAndNeverWider() throws {
    let request = try Self.request()
    var grant = PermissionGrant(everythingIn: request, bundleDigest: "d")
    try grant.grant(["fs ro ${config.path}", "device ro loop", "runtime memory 1000000"], of: request)
    let narrow = try Self.effective(grant)
    #expect(narrow.files.allSatisfy { $0.access == .readOnly })
    #expect(narrow.devices == [DevicePermission(deviceClass: "loop", access: .readOnly)])
    #expect(narrow.runtime.memory == 1_000_000)
    #expect(grant.missing(request).map(\.line) == ["device rw loop", "fs rw ${config.path}"])
    for wider in ["fs rw /srv/keys", "runtime memory 2147483648", "net tcp other.example:443", "net host", "jit", ""] {
      #expect(throws: SandboxError.self, "\(wider)") { try grant.grant([wider], of: request) }
    }
    #expect(try Self.effective(grant) == narrow)
  }

  @Test func whatCanBeDoneWithoutIsNotMissed() throws {
    let request = try Self.request()
    var grant = PermissionGrant(everythingIn: request, bundleDigest: "d")
    try grant.revoke(["fs ro /srv/keys", "runtime memory 1073741824"], of: request)
    #expect(grant.missing(request).isEmpty)
    try grant.revoke(["net tcp array.example:443"], of: request)
    #expect(grant.missing(request).map(\.line) == ["net tcp array.example:443"])
  }

  @Test func moreIsGrowthAndLessIsNot() throws {
    var request = try Self.request()
    let grant = PermissionGrant(everythingIn: request, bundleDigest: "d")
    #expect(grant.growth(request).isEmpty)
    request.files[0].access = .ro
    request.endpoints = []
    request.runtime.memoryMax = 1000
    request.runtime.threads = false
    #expect(grant.growth(request).isEmpty)
    let less = grant.rebound(to: request, bundleDigest: "e")
    #expect(less.bundleDigest == "e")
    #expect(!less.permissions.contains { $0.hasPrefix("net") })
    #expect(
      less.growth(try Self.request()) == [
        "fs rw ${config.path}", "net tcp array.example:443", "runtime memory 1073741824", "runtime threads",
      ])
    request.files[1].access = .rw
    #expect(grant.growth(request) == ["fs rw /srv/keys"])
  }

  @Test func whatWasShownAndRefusedIsNotAskedAgain() throws {
    let request = try Self.request()
    var grant = PermissionGrant(everythingIn: request, bundleDigest: "d")
    try grant.revoke(["fs ro /srv/keys"], of: request)
    #expect(grant.growth(request).isEmpty)
    #expect(grant.rebound(to: request, bundleDigest: "e").growth(request).isEmpty)
  }

  @Test func theHostsNetworkComesWithAWarning() throws {
    var request = PermissionRequest()
    request.hostNetwork = .init(reason: "multicast")
    let item = try #require(PermissionItem.all(of: request).first)
    #expect(item.line == "net host" && item.warning != nil)
    let grant = PermissionGrant(everythingIn: request, bundleDigest: "d")
    #expect(try Permissions(request, grant: grant, config: [:]).network == .host)
    let none = PermissionGrant(bundleDigest: "d", requested: ["net host"], permissions: [])
    #expect(try Permissions(request, grant: none, config: [:]).network == .none)
  }

  @Test func aGrantSurvivesItsText() throws {
    var grant = PermissionGrant(everythingIn: try Self.request(), bundleDigest: "d")
    try grant.revoke(["device rw loop"], of: try Self.request())
    #expect(try PermissionGrant(json: grant.json(), path: .root) == grant)
  }

  @Test(arguments: [
    ("/srv/a/../../etc", "canonical"), ("/etc/berth", "/etc"), ("/", "canonical"), ("relative", "canonical"),
    ("/run/docker.sock", "/run"), ("/var/lib/docker/volumes", "/var/lib/docker"), ("/root/x", "/root"),
    ("/home", "home"), ("/home/ann", "home"), ("/home/ann/.ssh", ".ssh"), ("/mine/state", "/mine/state"),
    ("/mine", "/mine/state"), ("/proc/1", "/proc"),
  ]) func aTemplateLeadsToNoSystemPath(_ value: String, _ reason: String) throws {
    let request = PermissionRequest(
      files: [.init(path: try #require(PathTemplate("${config.path}")), access: .ro, reason: "x")])
    let error = #expect(throws: SandboxError.self) {
      _ = try Permissions(
        request, grant: PermissionGrant(everythingIn: request, bundleDigest: "d"), config: ["path": .string(value)],
        protected: ["/mine/state"])
    }
    #expect(error?.message.contains(reason) == true, "\(String(describing: error))")
  }

  @Test(
    arguments: [
      ("${config.portals}", ["10.0.0.1:3260", "10.0.0.2:3260"], "10.0.0.1:3260,10.0.0.2:3260"),
      ("a,${config.portals},b", ["x,y", "*"], "a,x\\,y,\\*,b"), ("${config.portals}", [], nil),
      ("${config.portals}", ["a", ""], nil), ("pre-${config.portals}", ["a", "b"], nil),
      ("${config.portals}-post", ["a"], nil), ("pre\\,${config.portals}", ["a"], nil),
    ] as [(String, [String], String?)]) func eachValueOfAListIsAnAlternative(
      _ limit: String, _ values: [String], _ expected: String?
    ) throws
  {
    let request = PermissionRequest(
      broker: [.init(operation: "host.block.attach", limits: ["portal": limit], reason: "x")])
    func filled() throws -> String? {
      try Permissions(
        request, grant: PermissionGrant(everythingIn: request, bundleDigest: "d"),
        config: ["portals": .array(values.map(JSON.string))]
      ).broker.first?.limits["portal"]
    }
    if let expected {
      #expect(try filled() == expected)
    } else {
      let error = #expect(throws: SandboxError.self) { try filled() }
      #expect(error?.code == .permissionRefused && error?.message.contains("portals") == true, "\(error as Any)")
    }
  }

  @Test func aProgramTakesNoList() throws {
    let request = PermissionRequest(
      broker: [.init(operation: "host.exec", limits: ["show": "/bin/true ${config.portals}"], reason: "x")])
    let error = #expect(throws: SandboxError.self) {
      _ = try Permissions(
        request, grant: PermissionGrant(everythingIn: request, bundleDigest: "d"), config: ["portals": ["a", "b"]])
    }
    #expect(error?.message.contains("no place for the list") == true, "\(error as Any)")
  }

  /// A bind mount gives a system directory another name; the policy goes by what is there.
  @Test(arguments: [
    ("/srv/etc", true), ("/srv/etc/ssh", true), ("/srv", true), ("/srv/deep", true), ("/srv/other", false),
    ("/mnt/boot/grub", true), ("/mnt/data", false), ("/mnt/half", true), ("/mnt/over", false),
  ]) func bindMountsAreSeenThrough(_ path: String, _ refused: Bool) {
    let mounts = HostMounts(mounts: [
      .init(device: "8:1", root: "/", target: "/"), .init(device: "8:2", root: "/", target: "/boot"),
      .init(device: "8:1", root: "/etc", target: "/srv/etc"),
      .init(device: "8:1", root: "/etc/ssl", target: "/srv/deep/ssl"),
      .init(device: "8:2", root: "/", target: "/mnt/boot"), .init(device: "8:3", root: "/", target: "/mnt/data"),
      .init(device: "8:1", root: "/var", target: "/mnt/half"),
      .init(device: "8:1", root: "/etc", target: "/mnt/over"), .init(device: "8:4", root: "/", target: "/mnt/over"),
    ])
    let result = Result { () throws(SandboxError) in
      try PathPolicy.check(FilePermission(path: path, access: .readOnly), mounts: mounts)
    }
    #expect((try? result.get()) == nil ? refused : !refused, "\(path): \(result)")
  }
}
