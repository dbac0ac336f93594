// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0

internal import CShims

/// One privileged storage operation as a worker carries it out: typed, with targets that the host chose.
///
/// What each member means for which kind is in `berth_broker.h`; the worker checks it again, grants aside.
public struct BrokerOperation: Sendable {
  /// What is done; a worker gets the capabilities of its kind and no more.
  public enum Kind: UInt32, Sendable, CaseIterable {
    case prepare = 1
    case dismiss, loopAttach, loopDetach, mountLocal, mountRemote, unmount, deviceOpen, deviceClose, lvm, btrfs, exec
    case nvmeAttach, nvmeDetach, iscsi, deviceFind, btrfsSend, btrfsReceive
  }

  /// What is done to logical volumes.
  public enum LVM: UInt32, Sendable {
    case group = 1
    case volumes, create, remove, rename, extend, snapshot, merge, activate, deactivate, tag
  }

  /// What is done to btrfs subvolumes.
  public enum Btrfs: UInt32, Sendable {
    case create = 1
    case snapshot, delete, list, set, unstage
  }

  /// What is done to iSCSI sessions.
  public enum ISCSI: UInt32, Sendable {
    case login = 1
    case logout
  }

  public struct Flags: OptionSet, Sendable {
    public var rawValue: UInt32
    public init(rawValue: UInt32) { self.rawValue = rawValue }
    public static let readOnly = Flags(rawValue: BB_F_READ_ONLY.rawValue)
    /// Programs on the mount may be executed.
    public static let exec = Flags(rawValue: BB_F_EXEC.rawValue)
    /// Detach even when busy.
    public static let force = Flags(rawValue: BB_F_FORCE.rawValue)
    public static let wipe = Flags(rawValue: BB_F_WIPE.rawValue)
    /// The owner of the file system's root appears as the plugin.
    public static let mapOwner = Flags(rawValue: BB_F_MAP_OWNER.rawValue)
    /// A stream may hold several snapshots.
    public static let several = Flags(rawValue: BB_F_SEVERAL.rawValue)
    /// Attaching: only tell whether the connection, or the node's disk, is there.
    public static let look = Flags(rawValue: BB_F_LOOK.rawValue)
  }

  /// A mount option; an empty value is a flag.
  public struct Option: Sendable, Hashable {
    public var key: String
    public var value: String
    public init(_ key: String, _ value: String = "") {
      self.key = key
      self.value = value
    }
  }

  /// A granted directory and the path below it; "" is the directory itself.
  public struct Location: Sendable, Hashable {
    public var root: String
    public var path: String
    public init(root: String, path: String) {
      self.root = root
      self.path = path
    }
    static let none = Location(root: "", path: "")
  }

  public var kind: Kind
  public var verb: UInt32
  public var flags: Flags
  /// The plugin's user and group id.
  public var uid: UInt32 = 0
  /// The running plugin's leaf in the control groups; for devices.
  public var sandbox = ""
  /// Bytes.
  public var size: Int64 = 0
  /// Bytes.
  public var offset: Int64 = 0
  public var major: UInt32 = 0
  public var minor: UInt32 = 0
  /// A loop device's number, or a port.
  public var number: UInt32 = 0
  public var location = Location.none
  public var second = Location.none
  /// The host-chosen directory, and the name in it.
  public var place = ""
  public var name = ""
  public var node = ""
  public var source = ""
  public var type = ""
  public var target = ""
  public var label = ""
  public var vg = ""
  public var lv = ""
  public var other = ""
  public var pool = ""
  public var options: [Option] = []
  public var arguments: [String] = []
  /// What the program that is run reads.
  public var input: [UInt8] = []
  /// Standard input in place of `input`, and standard output that is not collected; the caller keeps owning them.
  public var inputDescriptor: Int32?
  public var outputDescriptor: Int32?

  public init(_ kind: Kind, verb: UInt32 = 0, flags: Flags = []) {
    self.kind = kind
    self.verb = verb
    self.flags = flags
  }
}

/// What a worker answered.
public struct BrokerOutcome: Sendable {
  /// The system's error number; 0 when it succeeded.
  public var error: Int32 = 0
  /// What failed; holds no secret.
  public var detail = ""
  /// Exit code of the program that was run; 128 + n for signal n.
  public var status: Int32 = 0
  public var major: UInt32 = 0
  public var minor: UInt32 = 0
  public var number: UInt32 = 0
  public var id: UInt64 = 0
  public var generation: UInt64 = 0
  public var uuid: [UInt8] = []
  public var parent: [UInt8] = []
  public var node = ""
  /// First 16 MiB of what it printed.
  public var output: [UInt8] = []
  /// First 64 KiB of what it said about errors.
  public var errors: [UInt8] = []

  init(_ raw: bb_reply) {
    error = raw.error
    status = raw.status
    (major, minor, number) = (raw.major, raw.minor, raw.number)
    (id, generation) = (raw.id, raw.generation)
    uuid = withUnsafeBytes(of: raw.uuid) { Array($0) }
    parent = withUnsafeBytes(of: raw.parent) { Array($0) }
    node = withUnsafePointer(to: raw) { String(cString: bb_reply_node($0)) }
    detail = withUnsafePointer(to: raw) { String(cString: bb_reply_detail($0)) }
  }
}
