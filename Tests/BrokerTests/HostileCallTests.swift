// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0

import Glibc
import JSON
import PluginSandbox
import StorageProtocol
import TestSupport
import Testing

@testable import Broker

/// What a hostile plugin asks of the broker, and the honest call beside it that differs in one thing only.
///
/// Honest calls that any machine with root can carry out must succeed beside each attack. Those that want LVM, btrfs or
/// an NFS server pass every check there, and must succeed in a test of their own where there is one. No machine of the
/// tests has an SMB server or an NVMe target: of those two the honest calls come as far as the kernel only.
@Suite(.requires(.root), .timeLimit(.minutes(5)))
struct HostileCallTests {
  struct Case: Sendable, CustomTestStringConvertible {
    var name: String
    var method: String
    var honest: JSONObject
    /// What the attack changes in the honest arguments.
    var change: JSONObject
    var testDescription: String { name }

    /// Whether the honest call wants what not every machine has.
    var wantsMore: Bool {
      method.hasPrefix("host.lvm.") || method.hasPrefix("host.btrfs.") || method.hasPrefix("host.block.")
        || honest["kind"] == "nfs" || honest["kind"] == "cifs"
    }

    init(_ name: String, _ method: String, _ honest: JSONObject, _ change: JSONObject) {
      (self.name, self.method, self.honest, self.change) = (name, method, honest, change)
    }
  }

  static let loop: JSONObject = ["path": "DATA/disk.img"]
  static let mount: JSONObject = ["kind": "loop", "source": "DATA/disk.img", "options": ["fs": "ext4"]]
  static let nfs: JSONObject = ["kind": "nfs", "source": "127.0.0.1:/export", "options": ["vers": "4.2"]]
  static let cifs: JSONObject = ["kind": "cifs", "source": "//127.0.0.1/share", "options": ["username": "a"]]
  static let create: JSONObject = ["vg": "vg0", "lv": "vm-new", "size": 4_194_304, "thinPool": "data", "tags": ["a"]]
  static let tag: JSONObject = ["vg": "vg0", "lv": "vm-1", "add": ["a"]]
  static let subvolume: JSONObject = ["path": "DATA/sub"]
  static let exec: JSONObject = ["template": "say", "arguments": ["word": "hello"]]
  static let block: JSONObject = [
    "protocol": "nvme-tcp", "portals": ["127.0.0.1:4420"], "target": "nqn.2026-01.org.example:a", "wwid": "uuid.1",
  ]

  static let cases: [Case] = [
    Case("loop: ..", "host.loop.attach", loop, ["path": "DATA/../other/secret.img"]),
    Case("loop: .", "host.loop.attach", loop, ["path": "DATA/./disk.img"]),
    Case("loop: double slash", "host.loop.attach", loop, ["path": "DATA//disk.img"]),
    Case("loop: not absolute", "host.loop.attach", loop, ["path": "disk.img"]),
    Case("loop: outside", "host.loop.attach", loop, ["path": "OTHER/secret.img"]),
    Case("loop: a sibling with the same beginning", "host.loop.attach", loop, ["path": "DATA-2/disk.img"]),
    Case("loop: a system file", "host.loop.attach", loop, ["path": "/etc/shadow"]),
    Case("loop: a link in the granted directory", "host.loop.attach", loop, ["path": "DATA/link.img"]),
    Case("loop: a linked directory", "host.loop.attach", loop, ["path": "DATA/linkdir/secret.img"]),
    Case("loop: a hard link", "host.loop.attach", loop, ["path": "DATA/hard.img"]),
    Case("loop: a directory", "host.loop.attach", loop, ["path": "DATA/directory"]),
    Case("loop: a FIFO", "host.loop.attach", loop, ["path": "DATA/fifo"]),
    Case("loop: a device node", "host.loop.attach", loop, ["path": "DATA/node"]),
    Case("loop: the granted directory itself", "host.loop.attach", loop, ["path": "DATA"]),
    Case("loop: a newline", "host.loop.attach", loop, ["path": "DATA/a\nb"]),
    Case("loop: NUL", "host.loop.attach", loop, ["path": "DATA/disk.img\0.txt"]),
    Case("loop: a negative offset", "host.loop.attach", loop, ["offset": -512]),
    Case(
      "loop: an overflowing range", "host.loop.attach", loop, ["offset": 9_223_372_036_854_775_296, "sizeLimit": 512]),
    Case("loop: an odd offset", "host.loop.attach", loop, ["offset": 1]),
    Case("mount: no such kind", "host.mount", mount, ["kind": "overlay"]),
    Case("mount: /proc", "host.mount", mount, ["kind": "proc", "source": "proc"]),
    Case("mount: suid", "host.mount", mount, ["options": ["fs": "ext4", "suid": ""]]),
    Case("mount: dev", "host.mount", mount, ["options": ["fs": "ext4", "dev": ""]]),
    Case("mount: exec is not granted", "host.mount", mount, ["options": ["fs": "ext4", "exec": ""]]),
    Case("mount: context=", "host.mount", mount, ["options": ["fs": "ext4", "context": "system_u:object_r:t"]]),
    Case(
      "mount: another journal device", "host.mount", mount, ["options": ["fs": "ext4", "journal_path": "/dev/sda"]]),
    Case("mount: an option in an option", "host.mount", mount, ["options": ["fs": "ext4", "data": "ordered,suid"]]),
    Case("mount: a flag with a value", "host.mount", mount, ["options": ["fs": "ext4", "noatime": "x,dev"]]),
    Case("mount: a guessed file system", "host.mount", mount, ["options": JSON.object([:])]),
    Case("mount: a file system of the kernel's attack surface", "host.mount", mount, ["options": ["fs": "ntfs"]]),
    Case("mount: a linked image", "host.mount", mount, ["source": "DATA/link.img"]),
    Case("mount: a device of the host", "host.mount", mount, ["kind": "device", "source": "/dev/vda"]),
    Case("mount: a foreign loop device", "host.mount", mount, ["kind": "device", "source": "/dev/loop0"]),
    Case("nfs: another server", "host.mount", nfs, ["source": "127.0.0.2:/export"]),
    Case("nfs: another export", "host.mount", nfs, ["source": "127.0.0.1:/secret"]),
    Case("nfs: a comma in the source", "host.mount", nfs, ["source": "127.0.0.1:/export,sec=none"]),
    Case("nfs: a newline in the source", "host.mount", nfs, ["source": "127.0.0.1:/export\nx"]),
    Case("nfs: .. in the export", "host.mount", nfs, ["source": "127.0.0.1:/export/.."]),
    Case("nfs: the address is the host's", "host.mount", nfs, ["options": ["addr": "10.0.0.1"]]),
    Case("nfs: -o injection", "host.mount", nfs, ["options": ["vers": "4.2,suid,dev"]]),
    Case("cifs: the password in an option", "host.mount", cifs, ["options": ["password": "x"]]),
    Case("cifs: a credentials file", "host.mount", cifs, ["options": ["credentials": "/etc/shadow"]]),
    Case("cifs: another owner", "host.mount", cifs, ["options": ["uid": "0"]]),
    Case("cifs: another share", "host.mount", cifs, ["source": "//127.0.0.1/other"]),
    Case("lvm: another group", "host.lvm.create", create, ["vg": "vg1"]),
    Case("lvm: a name outside the pattern", "host.lvm.create", create, ["lv": "root"]),
    Case("lvm: another pool", "host.lvm.create", create, ["thinPool": "system"]),
    Case("lvm: a path as a name", "host.lvm.create", create, ["lv": "vm-1/../root"]),
    Case("lvm: an option as a group", "host.lvm.create", create, ["vg": "--config"]),
    Case("lvm: a negative size", "host.lvm.create", create, ["size": -1]),
    Case("lvm: outside of every pool", "host.lvm.create", create, ["thinPool": .null]),
    Case("lvm: no size", "host.lvm.create", create, ["size": 0]),
    Case("lvm: an option as a tag", "host.lvm.create", create, ["tags": ["--addtag"]]),
    Case("lvm: a blank in a tag", "host.lvm.tag", tag, ["add": ["a b"]]),
    Case("lvm: a newline in a tag", "host.lvm.tag", tag, ["remove": ["a\n"]]),
    Case(
      "lvm: rename out of the pattern", "host.lvm.rename", ["vg": "vg0", "lv": "vm-new", "target": "vm-2"],
      ["target": "root"]),
    Case("lvm: report of another group", "host.lvm.report", ["vg": "vg0"], ["vg": "system"]),
    Case("lvm: remove outside the pattern", "host.lvm.remove", ["vg": "vg0", "lv": "vm-2"], ["lv": "swap"]),
    Case("lvm: shrink to nothing", "host.lvm.resize", ["vg": "vg0", "lv": "vm-1", "size": 8_388_608], ["size": 0]),
    Case("lvm: activate another group", "host.lvm.activate", ["vg": "vg0", "lv": "vm-1"], ["vg": "vg1"]),
    Case("lvm: deactivate the root", "host.lvm.deactivate", ["vg": "vg0", "lv": "vm-1"], ["lv": "root"]),
    Case(
      "lvm: snapshot into another name", "host.lvm.snapshot", ["vg": "vg0", "lv": "vm-1", "target": "vm-1-s"],
      ["target": "data"]),
    Case(
      "lvm: merge of a foreign snapshot", "host.lvm.merge", ["vg": "vg0", "lv": "vm-1", "snapshot": "vm-1-s"],
      ["snapshot": "root-snap"]),
    Case("btrfs: ..", "host.btrfs.subvolume.create", subvolume, ["path": "DATA/../other/sub"]),
    Case("btrfs: through a link", "host.btrfs.subvolume.create", subvolume, ["path": "DATA/linkdir/sub"]),
    Case(
      "btrfs: a snapshot elsewhere", "host.btrfs.subvolume.snapshot", ["path": "DATA/sub", "target": "DATA/snap"],
      ["target": "OTHER/snap"]),
    Case("btrfs: outside", "host.btrfs.subvolume.delete", subvolume, ["path": "OTHER/sub"]),
    Case("exec: another template", "host.exec", exec, ["template": "sh"]),
    Case("exec: an option as a value", "host.exec", exec, ["arguments": ["word": "--help"]]),
    Case("exec: outside the pattern", "host.exec", exec, ["arguments": ["word": "good bye"]]),
    Case("exec: a value more", "host.exec", exec, ["arguments": ["word": "hello", "more": "x"]]),
    Case("exec: a newline", "host.exec", exec, ["arguments": ["word": "hello\n"]]),
    Case("block: another portal", "host.block.attach", block, ["portals": ["10.0.0.1:4420"]]),
    Case(
      "block: another portal besides", "host.block.attach", block, ["portals": ["127.0.0.1:4420", "10.0.0.1:4420"]]),
    Case("block: a newline in the identity", "host.block.attach", block, ["wwid": "uuid.1\n"]),
    Case("block: another target", "host.block.attach", block, ["target": "nqn.2026-01.org.example:b"]),
    Case("block: another protocol", "host.block.attach", block, ["protocol": "iscsi"]),
    Case(
      "device: another class", "host.device.open", ["class": "loop", "name": "OWN-LOOP", "access": "ro"],
      ["class": "block:/dev/*"]),
    Case(
      "device: no handle", "host.device.open", ["class": "loop", "name": "OWN-LOOP", "access": "ro"],
      ["name": "loop0"]),
    Case(
      "device: a foreign handle", "host.device.open", ["class": "loop", "name": "OWN-LOOP", "access": "ro"],
      ["name": "FOREIGN-LOOP"]),
    Case("detach: a foreign handle", "host.loop.detach", ["loop": "OWN-LOOP"], ["loop": "FOREIGN-LOOP"]),
    Case("unmount: a loop's handle", "host.loop.detach", ["loop": "OWN-LOOP"], ["loop": "../s2"]),
  ]

  @Test func thereAreEnoughOfThem() { #expect(Self.cases.count >= 40) }

  @Test(arguments: cases)
  func theAttackIsRefusedAndTheHonestCallIsNot(_ one: Case) async throws {
    try await BrokerFixture.with { fixture in
      let handles = try await prepare(fixture)
      let client = fixture.client("s1", permissions(fixture))
      var attack = one.honest
      attack.merge(one.change)
      let before = fixture.store.count
      let mounted = fixture.mounted
      let error = await #expect(throws: StorageError.self) {
        try await fixture.call(one.method, filled(attack, fixture, handles), client)
      }
      #expect(
        error.map { [.hostDenied, .invalidParams].contains($0.code) } == true,
        "\(one.name): \(String(describing: error))")
      #expect(fixture.store.count == before, "a refused call left a record")
      #expect(fixture.mounted == mounted)
      do {
        _ = try await fixture.call(one.method, filled(one.honest, fixture, handles), client)
      } catch let error as StorageError {
        // The call came as far as the kernel or the tool, which may be missing here.
        let isPassed = one.wantsMore && error.code != .hostDenied && error.code != .invalidParams
        #expect(isPassed, "honest \(one.name): \(error)")
      }
    }
  }

  private static func isTheGuest(_ what: String, _ isThere: Bool) -> Requirement {
    Requirement(isThere && access("/berth/lib.sh", R_OK) == 0, "needs \(what) on a machine for tests, the guest")
  }

  /// The different honest calls of one kind, in their order; each must succeed.
  private func succeed(_ kind: String, _ fixture: BrokerFixture, _ permissions: Permissions) async throws {
    var seen: Set<String> = []
    for one in Self.cases where one.method.hasPrefix(kind) && (one.honest["kind"] ?? "nfs") == "nfs" {
      guard seen.insert("\(one.method) \(JSON.object(one.honest).text())").inserted else { continue }
      do {
        _ = try await fixture.call(one.method, filled(one.honest, fixture, [:]), fixture.client("s1", permissions))
      } catch { Issue.record("\(one.method) \(JSON.object(one.honest).text()): \(error)") }
    }
    #expect(!seen.isEmpty)
  }

  @Test(.requires(isTheGuest("LVM", Requirement.find("lvm") != nil && access("/dev/mapper/control", F_OK) == 0)))
  func honestCallsOnVolumesSucceed() async throws {
    try await BrokerFixture.with { fixture in
      let image = fixture.directory.file("vg.img")
      let made = BrokerFixture.shell(
        """
        truncate -s 512M '\(image)' && vgcreate -y vg0 "$(losetup -f --show '\(image)')" &&
        lvcreate -y --type thin-pool -L 128M -n data vg0 && lvcreate -y -V 4M -n vm-1 --thinpool data vg0 &&
        lvchange -an vg0/vm-1
        """)
      try #require(made == 0)
      try await succeed("host.lvm.", fixture, permissions(fixture))
      BrokerFixture.shell("vgremove -y -f vg0; losetup -d \"$(losetup -j '\(image)' | cut -d: -f1)\"")
    }
  }

  @Test(.requires(.program("mkfs.btrfs"))) func honestCallsOnSubvolumesSucceed() async throws {
    try await BrokerFixture.with { fixture in
      let image = fixture.directory.file("pool.img")
      let made = BrokerFixture.shell(
        "truncate -s 256M '\(image)' && mkfs.btrfs -q '\(image)' && mount -o loop '\(image)' '\(fixture.data)'")
      try #require(made == 0)
      defer { BrokerFixture.shell("umount -l '\(fixture.data)'") }
      try await succeed("host.btrfs.", fixture, permissions(fixture))
    }
  }

  @Test(.requires(isTheGuest("an NFS server", Requirement.find("rpc.nfsd") != nil)))
  func honestMountsOfAServerSucceed() async throws {
    // Where anything at all is exported as the root (`fsid=0`), other paths have no root to be found from.
    let made = BrokerFixture.shell(
      """
      exportfs -ua; mkdir -p /export && { mountpoint -q /proc/fs/nfsd || mount -t nfsd nfsd /proc/fs/nfsd; } &&
      exportfs -o rw,insecure,no_subtree_check,fsid=1 127.0.0.1:/export && rpc.nfsd -N 3 2 && rpc.mountd -N 3
      """)
    try #require(made == 0)
    try await BrokerFixture.with { fixture in
      try await fixture.broker.prepare("\(fixture.run)/s1")
      try await succeed("host.mount", fixture, permissions(fixture))
    }
    BrokerFixture.shell("rpc.nfsd 0; exportfs -u 127.0.0.1:/export")
  }

  /// The files that attacks name, and loop devices of two storages.
  private func prepare(_ fixture: BrokerFixture) async throws -> [String: String] {
    fixture.image()
    fixture.image("own.img", megabytes: 8)
    let data = fixture.data
    let other = fixture.directory.file("other")
    BrokerFixture.shell(
      """
      cd '\(fixture.directory.path)' && cp data/own.img other/secret.img && cp data/own.img data/foreign.img
      mkdir data-2 data/directory && cp data/own.img data-2/disk.img
      ln -s '\(other)/secret.img' data/link.img; ln -s '\(other)' data/linkdir; ln other/secret.img data/hard.img
      mkfifo data/fifo; mknod data/node b 7 0
      """)
    for storeid in ["s1", "s2"] { try await fixture.broker.prepare("\(fixture.run)/\(storeid)") }
    var handles: [String: String] = [:]
    for (storeid, file, name) in [("s1", "own.img", "OWN-LOOP"), ("s2", "foreign.img", "FOREIGN-LOOP")] {
      let answer = try await fixture.call(
        "host.loop.attach", ["path": .string("\(data)/\(file)")], fixture.client(storeid, permissions(fixture)))
      handles[name] = try #require(answer["loop"]?.stringValue)
    }
    return handles
  }

  private func permissions(_ fixture: BrokerFixture) -> Permissions {
    var permissions = fixture.everything
    permissions.broker += [
      BrokerPermission("host.mount", limits: ["kind": "nfs", "source": "127.0.0.1:/export"]),
      BrokerPermission("host.mount", limits: ["kind": "cifs", "source": "//127.0.0.1/share"]),
      BrokerPermission("host.exec", limits: ["say": "/usr/bin/echo {word:hel*}"]),
      BrokerPermission(
        "host.block.*",
        limits: ["protocol": "nvme-tcp", "portal": "127.0.0.1:4420", "target": "nqn.2026-01.org.example:a"]),
    ]
    return permissions
  }

  /// The arguments with the fixture's paths and handles in place of their names.
  private func filled(_ params: JSONObject, _ fixture: BrokerFixture, _ handles: [String: String]) -> JSONObject {
    var result = params
    for member in params {
      guard case .string(var text) = member.value else { continue }
      if text.hasPrefix("DATA") { text = fixture.data + text.dropFirst(4) }
      if text.hasPrefix("OTHER") { text = fixture.directory.file("other") + text.dropFirst(5) }
      result[member.key] = .string(handles[text] ?? text)
    }
    return result
  }
}
