// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0

import Glibc
import JSON
import PluginSandbox
import StorageProtocol
import TestSupport
import Testing

@testable import Broker

/// What is not about one argument: races, grants, secrets, time, records.
@Suite(.requires(.root), .timeLimit(.minutes(5)))
struct BrokerTests {
  @Test func aServiceWithoutAGrantIsRefused() async throws {
    try await BrokerFixture.with { fixture in
      fixture.image()
      let params: JSONObject = ["path": .string("\(fixture.data)/disk.img")]
      var permissions = fixture.everything
      permissions.broker = [BrokerPermission("host.unmount")]
      let error = await #expect(throws: StorageError.self) {
        try await fixture.call("host.loop.attach", params, fixture.client("s1", permissions))
      }
      #expect(error?.code == .hostDenied)
      _ = try await fixture.call("host.loop.attach", params)
    }
  }

  @Test func whatTheLauncherMayNotPassOnIsUnavailable() async throws {
    try await BrokerFixture.with { fixture in
      let services = Set(
        MethodTable.hostServices.filter { !["host-core", "host-locks", "host-journal"].contains($0.annotations.group) }
          .map(\.name))
      for service in services { #expect(!Broker.operations(of: service).isEmpty, "\(service)") }
      #expect(await fixture.broker.unavailable(of: services) == [])
      let less = BrokerFixture(
        transport: .program(
          path: "\(BrokerFixture.products)/berth-launcher",
          prefix: ["/usr/bin/setpriv", "--bounding-set=-dac_override"]))
      #expect(await less.broker.unavailable(of: services) == services.subtracting(["host.exec"]))
      #expect(await less.broker.unavailable(of: ["host.exec"]) == [])
      // And so it is: whoever asks all the same is told what is missing.
      let error = await #expect(throws: StorageError.self) {
        try await less.call("host.loop.attach", ["path": .string("\(less.data)/disk.img")])
      }
      #expect(error?.hint?.contains("berth-launcher-broker.conf") == true, "\(String(describing: error))")
      await less.close()
    }
  }

  @Test func aReadOnlyDirectoryGivesReadOnlyDevicesOnly() async throws {
    try await BrokerFixture.with { fixture in
      fixture.image()
      var permissions = fixture.everything
      permissions.files[0].access = .readOnly
      let client = fixture.client("s1", permissions)
      let path: JSON = .string("\(fixture.data)/disk.img")
      let error = await #expect(throws: StorageError.self) {
        try await fixture.call("host.loop.attach", ["path": path], client)
      }
      #expect(error?.code == .hostDenied)
      _ = try await fixture.call("host.loop.attach", ["path": path, "access": "ro"], client)
    }
  }

  @Test func aFileSystemThatThePluginCouldHaveWrittenNeedsAGrantOfItsOwn() async throws {
    try await BrokerFixture.with { fixture in
      fixture.image()
      try await fixture.broker.prepare("\(fixture.run)/s1")
      var permissions = fixture.everything
      permissions.broker[0].limits["untrusted"] = nil
      let params: JSONObject = [
        "kind": "loop", "source": .string("\(fixture.data)/disk.img"), "options": ["fs": "ext4"],
      ]
      let error = await #expect(throws: StorageError.self) {
        try await fixture.call("host.mount", params, fixture.client("s1", permissions))
      }
      #expect(error?.code == .hostDenied)
      _ = try await fixture.call("host.mount", params)
    }
  }

  /// A plugin swaps its file for a link to a host file while it asks: the worker's own walk decides.
  @Test func aLinkSwappedInDuringTheCallIsNeverFollowed() async throws {
    try await BrokerFixture.with { fixture in
      fixture.image(megabytes: 8)
      fixture.image("real.img", megabytes: 8)
      let secret = fixture.directory.file("other/secret.img")
      BrokerFixture.shell("cp '\(fixture.data)/disk.img' '\(secret)'; ln -s '\(secret)' '\(fixture.data)/link.img'")
      let stop = fixture.directory.file("stop")
      let swapper = Task.detached {
        BrokerFixture.shell(
          """
          cd '\(fixture.data)' && while [ ! -e '\(stop)' ]; do
            ln -sfn '\(secret)' t1 && mv -T t1 swap.img; cp --reflink=never real.img t2 && mv -T t2 swap.img
          done
          """)
      }
      var attached = 0
      var refused = 0
      for _ in 0..<40 {
        do {
          let answer = try await fixture.call("host.loop.attach", ["path": .string("\(fixture.data)/swap.img")])
          let device = try #require(answer["device"]?.stringValue).dropFirst("/dev/".count)
          let backing = TestText.read("/sys/block/\(device)/loop/backing_file")
          #expect(backing.hasPrefix("\(fixture.data)/"), "\(backing)")
          _ = try await fixture.call("host.loop.detach", ["loop": try #require(answer["loop"])])
          attached += 1
        } catch { refused += 1 }
      }
      BrokerFixture.shell("touch '\(stop)'")
      _ = await swapper.value
      // Some calls must have met the honest file, or the race was none.
      #expect(attached > 0, "\(refused) refused")
    }
  }

  @Test func aCancelledCallLeavesNothing() async throws {
    try await BrokerFixture.with { fixture in
      var permissions = fixture.everything
      permissions.broker.append(BrokerPermission("host.exec", limits: ["wait": "/usr/bin/sleep 60"]))
      let client = fixture.client("s1", permissions)
      let call = Task {
        try await fixture.call("host.exec", ["template": "wait", "arguments": .object([:])], client)
      }
      try await Task.sleep(for: .milliseconds(300))
      call.cancel()
      let result = await call.result
      #expect(throws: StorageError.self) { try result.get() }
    }
  }

  @Test func aProgramRunsAsThePluginsUserWithoutAnyPower() async throws {
    try await BrokerFixture.with { fixture in
      var permissions = fixture.everything
      permissions.broker.append(
        BrokerPermission(
          "host.exec", limits: ["status": "/usr/bin/cat /proc/self/status", "shadow": "/usr/bin/cat /etc/shadow"]))
      let client = fixture.client("s1", permissions)
      let answer = try await fixture.call("host.exec", ["template": "status", "arguments": .object([:])], client)
      let lines = try #require(answer["stdout"]?.stringValue).split(separator: "\n").map(String.init)
      let uid = BrokerFixture.uid
      #expect(lines.contains("Uid:\t\(uid)\t\(uid)\t\(uid)\t\(uid)"))
      #expect(lines.contains("NoNewPrivs:\t1"))
      for set in ["CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb"] {
        #expect(lines.contains("\(set):\t0000000000000000"), "\(set)")
      }
      let shadow = try await fixture.call("host.exec", ["template": "shadow", "arguments": .object([:])], client)
      #expect(shadow["exitCode"] == 1 && shadow["stdout"] == "")
    }
  }

  @Test func standardInputReachesTheProgramAndStaysOutOfTheRecord() async throws {
    try await BrokerFixture.with { fixture in
      var permissions = fixture.everything
      permissions.broker.append(BrokerPermission("host.exec", limits: ["count": "/usr/bin/wc -c"]))
      let answer = try await fixture.call(
        "host.exec", ["template": "count", "arguments": .object([:]), "stdin": "sesam"],
        fixture.client("s1", permissions))
      #expect(answer["stdout"] == "5\n")
      #expect(!fixture.store.trail.joined().contains("sesam"))
      #expect(fixture.store.trail.count == 1)
    }
  }

  @Test func aDeviceAppearsForThePluginsGroupOnly() async throws {
    try await BrokerFixture.with { fixture in
      fixture.image()
      try await fixture.broker.prepare("\(fixture.run)/s1")
      let loop = try await fixture.call("host.loop.attach", ["path": .string("\(fixture.data)/disk.img")])
      let answer = try await fixture.call(
        "host.device.open", ["class": "loop", "name": try #require(loop["loop"]), "access": "rw"])
      let path = try #require(answer["path"]?.stringValue)
      #expect(path.hasPrefix("\(fixture.run)/s1/dev/loop"))
      var status = stat()
      #expect(stat(path, &status) == 0)
      #expect(status.st_mode == S_IFBLK | 0o660 && status.st_uid == 0 && status.st_gid == BrokerFixture.uid)
    }
  }

  @Test func btrfsSubvolumesAreMadeListedAndRemovedBeneathAGrantedDirectory() async throws {
    try await BrokerFixture.with { fixture in
      fixture.image("pool.img", type: "btrfs", megabytes: 256)
      let pool = fixture.directory.file("pool")
      mkdir(pool, 0o755)
      try #require(BrokerFixture.shell("mount -o loop '\(fixture.data)/pool.img' '\(pool)'") == 0)
      defer { BrokerFixture.shell("umount -l '\(pool)'") }
      var permissions = fixture.everything
      permissions.files.append(FilePermission(path: pool, access: .readWrite))
      let client = fixture.client("s1", permissions)
      func call(_ verb: String, _ params: JSONObject) async throws(StorageError) -> JSONObject {
        let methods = [
          "create": "host.btrfs.subvolume.create", "snapshot": "host.btrfs.subvolume.snapshot",
          "delete": "host.btrfs.subvolume.delete", "list": "host.btrfs.subvolume.list",
          "set_read_only": "host.btrfs.subvolume.set_read_only",
        ]
        return try await fixture.call(methods[verb] ?? verb, params, client)
      }
      let path: JSON = .string("\(pool)/images")
      let made = try await call("create", ["path": path])
      #expect(made["subvolume"]?["path"] == path)
      let again = await #expect(throws: StorageError.self) { try await call("create", ["path": path]) }
      #expect(again?.code == .volumeExists)
      let target: JSON = .string("\(pool)/snap")
      let snapshot = try await call("snapshot", ["path": path, "target": target, "readOnly": true])
      #expect(snapshot["subvolume"]?["readOnly"] == true)
      #expect(snapshot["subvolume"]?["parentUuid"] == made["subvolume"]?["uuid"])
      let list = try await call("list", ["path": .string(pool)])
      let names = list["subvolumes"]?.arrayValue?.compactMap { $0["path"]?.stringValue }.sorted()
      #expect(names == ["\(pool)/images", "\(pool)/snap"])
      _ = try await call("set_read_only", ["path": target, "readOnly": false])
      #expect(mkdir("\(pool)/snap/now-writable", 0o755) == 0)
      let link = "\(pool)/link"
      symlink("\(pool)/images", link)
      await #expect(throws: StorageError.self) { try await call("delete", ["path": .string(link)]) }
      for name in ["snap", "images", "images"] { _ = try await call("delete", ["path": .string("\(pool)/\(name)")]) }
      #expect(access("\(pool)/images", F_OK) != 0)
    }
  }

  @Test func whatIsHalfMadeIsUndoneByTheNextDaemon() async throws {
    try await BrokerFixture.with { fixture in
      try await fixture.broker.prepare("\(fixture.run)/s1")
      var handle = Handle(.mount, fixture.client(), request: "r")
      (handle.place, handle.name) = ("\(fixture.run)/s1/mounts", handle.id)
      mkdir(handle.path, 0o711)
      BrokerFixture.shell("mount -t tmpfs none '\(handle.path)'")
      try #require(MountedPaths.now().contains(handle.path))
      try await fixture.store.put(handle.id, handle.text)
      let successor = BrokerFixture.broker(fixture.launcher, fixture.store)
      try await successor.reconcile(storages: ["s1"], runDirectory: fixture.run)
      #expect(!MountedPaths.now().contains(handle.path))
      #expect(access(handle.path, F_OK) != 0)
    }
  }

  @Test func handlesSurviveBeingWrittenDown() throws {
    var handle = Handle(.attachment, plugin: "p", storeid: "s", holder: "h", request: "a\nb")
    (handle.node, handle.number, handle.target, handle.isHeld) = ("/dev/x", 7, "nqn", true)
    #expect(Handle(text: handle.text) == handle)
    #expect(Handle(text: "{}") == nil && Handle(text: "") == nil)
  }

  @Test(arguments: [
    ("vm-*", "vm-1", true), ("vm-*", "xvm-1", false), ("a,b*", "bc", true), ("a,b*", "c", false), ("*", "", true),
    ("a?c", "abc", true), ("a?c", "ac", false), ("", "x", false),
    ("*a*a*a*a*b", String(repeating: "a", count: 4_000), false), ("a\\*b", "a*b", true), ("a\\*b", "axb", false),
    ("a\\,b", "a,b", true), ("a\\,b", "a", false), ("\\?", "x", false), ("a\\", "a\\", true), ("\\\\*", "\\x", true),
  ])
  func globsMatchWholeNames(_ pattern: String, _ text: String, _ wanted: Bool) {
    #expect(Glob(pattern).matches(text) == wanted)
  }

  @Test(arguments: [
    ("10.0.0.1:/x", "10.0.0.1", "10.0.0.1:/x", true), ("*:/x", "10.0.0.1", "10.0.0.1:/x", false),
    ("10.0.0.1*", "10.0.0.12", "10.0.0.12:/x", false), ("10.0.0.1:/y,*", "10.0.0.1", "10.0.0.1:/x", false),
    ("10.0.0.?:/x", "10.0.0.1", "10.0.0.1:/x", false), ("a:/,10.0.0.1:/*", "10.0.0.1", "10.0.0.1:/x", true),
  ])
  func aGlobSpellsOutWhatNoStarStandsFor(_ pattern: String, _ host: String, _ text: String, _ wanted: Bool) {
    #expect(Glob(pattern).spellsOut(host, of: text) == wanted)
  }

  @Test func aReportOfLvmIsRead() throws {
    let text = """
      {"report":[{"lv":[{"lv_name":"vm-1","lv_size":"4194304","pool_lv":"data","origin":"","data_percent":"1.00",\
      "lv_tags":"a,b","lv_time":"1700000000","lv_active":"active","lv_attr":"Vwi-a-tz--"},\
      {"lv_name":"data","lv_size":"8388608","pool_lv":"","lv_attr":"twi-aotz--"}]}]}
      """
    let volumes = try #require(LvmReport.rows(Array(text.utf8), "lv")).compactMap(LvmReport.volume)
    #expect(volumes.map(\.name) == ["vm-1", "data"])
    #expect(volumes[0].pool == "data" && volumes[0].tags == ["a", "b"] && volumes[0].origin == nil)
    #expect(volumes[0].active == true && volumes[0].ctime == 1_700_000_000 && volumes[1].isThinPool == true)
    #expect(LvmReport.rows(Array("no json".utf8), "lv") == nil)
  }

  /// What this host does not attach, and what it says to do instead.
  static let notOffered: [(change: JSONObject, hint: String)] = [
    (["protocol": "nbd"], "let the plugin's 'path' answer an 'nbd:' address"),
    (["protocol": "fc"], "open it with host.device.open in a class 'by-id:'"),
    (["protocol": "nvme-tcp", "secret": "password"], "let the target know this host by its NQN, /etc/nvme/hostnqn"),
    (["protocol": "nvme-tcp", "portals": ["127.0.0.1:1", "127.0.0.1:2"]], "name one portal"),
    (["protocol": "iscsi", "portals": ["127.0.0.1:1", "127.0.0.1:2"]], "name one portal"),
  ]

  @Test(arguments: 0..<notOffered.count) func anAttachmentThatIsNotOfferedSaysWhatToDo(_ index: Int) async throws {
    try await BrokerFixture.with { fixture in
      let (change, hint) = Self.notOffered[index]
      var params: JSONObject = ["portals": ["127.0.0.1:1"], "target": "a", "wwid": "w"]
      params.merge(change)
      let error = await #expect(throws: StorageError.self) {
        try await fixture.call("host.block.attach", params, attaching(fixture))
      }
      #expect(error?.code == .backendError && error?.outcome == .notStarted, "\(String(describing: error))")
      #expect(error?.hint?.contains(hint) == true, "\(String(describing: error?.hint))")
    }
  }

  @Test(arguments: ["", "geheimnis", "name ", " geheim", "name a geheim", "name ge\nheim", "name gehéim"])
  func whatIsNoChapLoginIsRefusedWithoutBeingTold(_ value: String) async throws {
    try await BrokerFixture.with { fixture in
      let params: JSONObject = [
        "protocol": "iscsi", "portals": ["127.0.0.1:1"], "target": "a", "wwid": "w", "secret": "login",
      ]
      let error = await #expect(throws: StorageError.self) {
        try await fixture.call("host.block.attach", params, attaching(fixture, secret: value))
      }
      #expect(error?.code == .authFailed && error?.outcome == .notStarted, "\(String(describing: error))")
      #expect(value.isEmpty || "\(String(describing: error))".contains(value) == false)
    }
  }

  @Test(arguments: ["127.0.0.1:1", "localhost:1", "[::1]:1", "169.254.169.254:1", "0.0.0.0:1"])
  func aPortalThatOnlyAPatternAdmitsIsAnotherMachines(_ portal: String) async throws {
    try await BrokerFixture.with { fixture in
      let error = await #expect(throws: StorageError.self) {
        try await fixture.call(
          "host.block.attach", ["protocol": "nvme-tcp", "portals": [.string(portal)], "target": "a", "wwid": "w"],
          attaching(fixture, portal: "*:1"))
      }
      #expect(error?.code == .hostDenied && error?.outcome == .notStarted, "\(error as Any)")
    }
  }

  private func attaching(
    _ fixture: BrokerFixture, portal: String = "127.0.0.1:*", secret: String = ""
  ) -> BrokerClient {
    var permissions = fixture.everything
    permissions.broker.append(BrokerPermission("host.block.attach", limits: ["protocol": "*", "portal": portal]))
    let client = fixture.client("s1", permissions)
    return BrokerClient(
      plugin: client.plugin, storeid: client.storeid, holder: client.holder, permissions: permissions, uid: client.uid,
      sandbox: "", directory: client.directory
    ) { _ async throws(StorageError) in secret }
  }

  @Test func theRecordOfAnAttachmentTellsWhoseItsConnectionIs() throws {
    var handle = Handle(.attachment, plugin: "p", storeid: "s1", holder: "s1", request: "r")
    (handle.transport, handle.target, handle.address, handle.port) = ("iscsi", "iqn.a", "10.0.0.1", 3_260)
    (handle.identity, handle.boot, handle.number, handle.isBorrowed) = ("naa.6", "b1", 4, true)
    #expect(Handle(text: handle.text) == handle)

    var other = Handle(.attachment, plugin: "p", storeid: "s2", holder: "s2", request: "r")
    (other.transport, other.target, other.address, other.port, other.boot) = ("iscsi", "iqn.a", "10.0.0.1", 3_260, "b1")
    #expect(other.isOwner(besides: handle) && !handle.isOwner(besides: other) && !other.isOwner(besides: other))
    // Another portal is another connection, and so is whatever there was before the kernel started again.
    other.port = 3_261
    #expect(!other.isOwner(besides: handle))
    (other.port, other.boot) = (3_260, "b0")
    #expect(!other.isOwner(besides: handle))
  }

  @Test func detachingAnAttachmentThatNobodyHasIsSuccess() async throws {
    try await BrokerFixture.with { fixture in
      var permissions = fixture.everything
      permissions.broker.append(BrokerPermission("host.block.detach"))
      _ = try await fixture.call(
        "host.block.detach", ["attachment": "blk-0123456789abcdef0123456789abcdef"], fixture.client("s1", permissions))
    }
  }
}

/// Small files of the kernel's.
enum TestText {
  static func read(_ path: String) -> String {
    guard let file = fopen(path, "re") else { return "" }
    defer { fclose(file) }
    var buffer = [UInt8](repeating: 0, count: 4_096)
    let count = fread(&buffer, 1, buffer.count, file)
    return String(decoding: buffer.prefix(count), as: UTF8.self)
  }
}
