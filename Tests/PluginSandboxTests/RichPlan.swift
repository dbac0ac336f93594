// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0

import CShims
import Glibc
import Testing

@testable import PluginSandbox

extension Fixture {
  /// A plan whose start takes every step there is: endpoints of both families, a state image where there are loop
  /// devices, a granted directory of another owner, `/proc`, streams.
  func richPlan(_ executable: String) throws -> LaunchPlan {
    var plan = plan(executable)
    plan.permissions.network = .endpoints([
      NetworkEndpoint(host: "127.0.0.1", port: "4001"), NetworkEndpoint(host: "::1", port: "4001"),
    ])
    plan.permissions.runtime.procSelf = true
    for name in ["storage", "streams"] { mkdir("\(directory)/\(name)", 0o755) }
    plan.permissions.files = [FilePermission(path: directory + "/storage", access: .readWrite)]
    plan.streamsDirectory = directory + "/streams"
    if StateImage.isAvailable() {
      plan.stateImage = directory + "/state.img"
      try StateImage.prepare(directory + "/state.img", size: 16 << 20, owner: plan.uid)
    }
    return plan
  }

  /// Compiles the launcher's own sources as a test wants them; the path of the program.
  func buildLauncher(_ name: String, compiler: String = "cc", _ options: String) async throws -> String {
    let program = "\(directory)/\(name)"
    let sources = "\(HostilePlugin.sources)/../../Sources"
    let built = await Blocking.run {
      system(
        """
        \(compiler) -std=gnu17 -w -I\(sources)/berth-launcher -I\(sources)/CShims/include \(options) -o \(program) \
        \(sources)/berth-launcher/*.c
        """)
    }
    try #require(built == 0, "the launcher does not compile with \(options)")
    return program
  }
}
