// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0

/// What a grant of a broker operation may and must limit.
///
/// The one table of their names: a limit that is not here would bind nothing, so whoever reads one refuses it.
public enum BrokerLimits {
  private struct Names {
    var known: Set<String> = []
    /// Without these there is no grant: they name whose things are touched.
    var required: Set<String> = []
  }

  private static let group = Names(known: ["vg"], required: ["vg"])
  private static let volume = Names(known: ["vg", "lv"], required: ["vg", "lv"])
  private static let pooled = Names(known: ["vg", "lv", "thinpool"], required: ["vg", "lv"])
  private static let path = Names(known: ["path"])

  /// Operations that are not here know no limits. Those of `host.exec` are templates, by names of the plugin's choice.
  private static let table: [String: Names] = [
    HostMount.name: Names(known: ["kind", "source", "options", "untrusted"], required: ["kind"]),
    HostLoopAttach.name: path,
    HostLvmReport.name: group,
    HostLvmCreate.name: pooled,
    HostLvmRemove.name: volume,
    HostLvmRename.name: volume,
    HostLvmResize.name: volume,
    HostLvmSnapshot.name: pooled,
    HostLvmMerge.name: volume,
    HostLvmActivate.name: volume,
    HostLvmDeactivate.name: volume,
    HostLvmTag.name: volume,
    HostDeviceOpen.name: Names(known: ["class", "name"]),
    HostBtrfsSubvolumeCreate.name: path,
    HostBtrfsSubvolumeSnapshot.name: path,
    HostBtrfsSubvolumeDelete.name: path,
    HostBtrfsSubvolumeList.name: path,
    HostBtrfsSubvolumeSetReadOnly.name: path,
    HostBtrfsSend.name: path,
    HostBtrfsReceive.name: Names(known: ["path", "maxBytes"]),
    HostBlockAttach.name: Names(known: ["protocol", "portal", "target"], required: ["protocol", "portal"]),
  ]

  /// What is wrong with the limits of a grant, each with the limit that it is about; empty when nothing is.
  ///
  /// - Parameters:
  ///   - operation: a host service, or a family such as `host.lvm.*`, whose limits are those of its members.
  ///   - limits: patterns by name, with or without `${config.…}` in them.
  public static func problems(_ operation: String, _ limits: [String: String]) -> [(name: String, text: String)] {
    if operation == HostExec.name { return [] }
    var names = Names()
    for (service, its) in table where covers(operation, service) {
      names.known.formUnion(its.known)
      names.required.formUnion(its.required)
    }
    // A class of volumes says nothing of whose they are.
    let classes = (limits["class"] ?? "").split(separator: ",")
    if covers(operation, HostDeviceOpen.name), classes.contains(where: { $0.hasPrefix("lvm:") }) {
      names.required.insert("name")
    }
    let known = names.known.isEmpty ? "it knows none" : "it knows \(names.known.sorted().joined(separator: ", "))"
    let strangers = Set(limits.keys).subtracting(names.known).sorted().map { name in
      (name: name, text: "is no limit of \(operation): \(known)")
    }
    let missing = names.required.subtracting(limits.keys).sorted().map { name in
      (name: name, text: "is missing: \(operation) is granted with this limit only")
    }
    return strangers + missing
  }

  private static func covers(_ operation: String, _ service: String) -> Bool {
    operation.hasSuffix(".*") ? service.hasPrefix(operation.dropLast()) : service == operation
  }
}
