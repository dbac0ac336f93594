// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0

internal import JSON
internal import StorageProtocol

/// Something that a plugin holds on the host: written down before it is made, forgotten after it is gone.
struct Handle: Sendable, Hashable {
  enum Kind: String, Sendable { case mount, loop, device, attachment, stage }

  /// What the plugin calls it; 128 random bits.
  var id: String
  var kind: Kind
  var plugin: String
  var storeid: String
  /// The storage, or the candidate for it, whose process has it.
  var holder: String
  /// The request in canonical form: asking for the same again gives the same handle.
  var request: String
  /// Whether it exists; false: it was being made when this was written.
  var isHeld = false
  /// The host-chosen directory and name, for mounts and device nodes; the granted directory and the path below it of
  /// what a stream is received into.
  var place = ""
  var name = ""
  /// A loop device's number; for an attachment that of its controller or session, plus one, and 0 for not known.
  var number: UInt32 = 0
  var major: UInt32 = 0
  var minor: UInt32 = 0
  /// The device on the host.
  var node = ""
  /// The leaf of the process that a device node was made for.
  var sandbox = ""
  var isReadOnly = false
  /// The protocol and target of an attachment; of a device node the target is what it was opened by.
  var transport = ""
  var target = ""
  var address = ""
  /// What its disk says it is.
  var identity = ""
  var port: UInt32 = 0
  /// Whether an attachment's connection was there before anything of Berth's: not Berth's to end.
  var isBorrowed = false
  /// The kernel's life in which an attachment was made: it does not outlive that.
  var boot = ""

  init(_ kind: Kind, plugin: String, storeid: String, holder: String, request: String) {
    let prefix =
      switch kind {
      case .mount: "mnt"
      case .loop: "loop"
      case .device: "dev"
      case .attachment: "blk"
      case .stage: "rcv"
      }
    let bits = [UInt64.random(in: .min ... .max), UInt64.random(in: .min ... .max)]
    let digits = bits.map { bits in
      let text = String(bits, radix: 16)
      return String(repeating: "0", count: 16 - text.count) + text
    }
    id = "\(prefix)-\(digits.joined())"
    self.kind = kind
    self.plugin = plugin
    self.storeid = storeid
    self.holder = holder
    self.request = request
  }

  /// Where a mount or device node is, inside and outside.
  var path: String { "\(place)/\(name)" }

  /// A new handle for a client's request.
  init(_ kind: Kind, _ client: BrokerClient, request: String) {
    self.init(kind, plugin: client.plugin, storeid: client.storeid, holder: client.holder, request: request)
  }

  /// What an attachment hangs on, a controller or session: one target at one portal.
  var connection: String { "\(transport) \(target) \(address) \(port)" }

  /// Whether this is another attachment by the same connection, one that Berth made.
  func isOwner(besides other: Handle) -> Bool {
    id != other.id && kind == .attachment && connection == other.connection && !isBorrowed && boot == other.boot
  }

  /// Whether an attachment is an iSCSI session, else an NVMe controller.
  var isSession: Bool { transport == BlockProtocol.iscsi.rawValue }

  func belongs(to client: BrokerClient) -> Bool {
    plugin == client.plugin && storeid == client.storeid && holder == client.holder
  }

  /// What the kernel shows of a loop device of this handle.
  var label: String { "berth-\(id)" }

  var text: String {
    var object = JSONObject()
    let texts = [
      "id": id, "kind": kind.rawValue, "plugin": plugin, "storeid": storeid, "request": request, "place": place,
      "name": name, "node": node, "transport": transport, "target": target, "address": address,
      "holder": holder, "boot": boot, "identity": identity, "sandbox": sandbox,
    ]
    for (key, value) in texts.sorted(by: { $0.key < $1.key }) { object[key] = .string(value) }
    for (key, value) in [("number", number), ("major", major), ("minor", minor), ("port", port)] {
      object[key] = .int(Int64(value))
    }
    object["isHeld"] = .bool(isHeld)
    object["isReadOnly"] = .bool(isReadOnly)
    object["isBorrowed"] = .bool(isBorrowed)
    return JSON.object(object).text()
  }

  /// Reads a record; nil for one that a later version wrote differently.
  init?(text: String) {
    guard let json = try? JSON.parse(text), let object = json.objectValue,
      let kind = object["kind"]?.stringValue.flatMap(Kind.init(rawValue:)), let id = object["id"]?.stringValue,
      let plugin = object["plugin"]?.stringValue, let storeid = object["storeid"]?.stringValue,
      let request = object["request"]?.stringValue
    else { return nil }
    self.init(
      kind, plugin: plugin, storeid: storeid, holder: object["holder"]?.stringValue ?? storeid, request: request)
    self.id = id
    func string(_ key: String) -> String { object[key]?.stringValue ?? "" }
    func integer(_ key: String) -> UInt32 { UInt32(clamping: object[key]?.intValue ?? 0) }
    (place, name, node, sandbox) = (string("place"), string("name"), string("node"), string("sandbox"))
    (transport, target, address) = (string("transport"), string("target"), string("address"))
    (number, major, minor, port) = (integer("number"), integer("major"), integer("minor"), integer("port"))
    isHeld = object["isHeld"] == .bool(true)
    isReadOnly = object["isReadOnly"] == .bool(true)
    isBorrowed = object["isBorrowed"] == .bool(true)
    (boot, identity) = (string("boot"), string("identity"))
  }
}
