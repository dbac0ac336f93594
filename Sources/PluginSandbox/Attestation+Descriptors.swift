// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0

import Glibc

extension Attestation {
  /// What the plugin was started with is its three pipes and nothing else: what the set-up saw at the last moment, when
  /// nothing of the plugin had run yet.
  mutating func checkKeptDescriptors(_ process: SandboxedProcess) {
    let report = process.report
    let pipes = [process.standardInput, process.standardOutput, process.standardError].map { end in
      var status = stat()
      return fstat(end, &status) == 0 ? UInt64(status.st_ino) : 0
    }
    for (number, inode) in pipes.enumerated()
    where !report.kept.contains(SetUpReport.Kept(number: Int32(number), kind: "pipe", inode: inode)) {
      differences.append("descriptor \(number) was not its pipe when the plugin began")
    }
    for kept in report.kept where kept.number > 2 {
      differences.append("descriptor \(kept.number), a \(kept.kind), was open when the plugin began")
    }
    if report.keptCount > report.kept.count {
      differences.append("\(report.keptCount) descriptors were open when the plugin began")
    }
  }

  /// Of what a plugin that already runs has open, every file must lie on one of its mounts; what has no name (pipes,
  /// sockets, memory) is then of its own making, or ``checkKeptDescriptors(_:)`` tells of it. It may have put one of its
  /// files in the place of its pipes, so that nothing it starts reads or writes messages; what else stands there, such
  /// as a socket, is nothing it was started with. Its children may have closed those three, as daemons do.
  ///
  /// Whoever may not look relies on what the set-up saw.
  mutating func checkDescriptors(_ one: ObservedProcess, _ role: String) {
    guard let descriptors = one.descriptors else { return }
    let mounts = Set(one.mounts.map(\.id))
    for descriptor in descriptors {
      let (number, target) = (descriptor.number, descriptor.target)
      if !target.hasPrefix("/") {
        if number <= 2, role == "plugin", !target.hasPrefix("pipe:") {
          differences.append("\(role): descriptor \(number) is \(target), not a pipe")
        }
      } else if !target.hasPrefix("/memfd:"), !(descriptor.mount.map(mounts.contains) ?? false) {
        differences.append("\(role): descriptor \(number) leads to \(target) outside the sandbox")
      }
    }
  }
}
