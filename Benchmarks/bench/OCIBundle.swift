// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0

import BenchSupport
import Glibc
import JSON

/// A container as `runc` and `crun` start it (OCI runtime specification 1.0): the same view of the file system, the same
/// namespaces and limits as our sandbox gives `echo`, and no filter of system calls, which is to their advantage.
struct OCIBundle {
  let path: String
  private let state: String

  /// - Parameters:
  ///   - plugin: the directory to be seen as `/plugin`.
  ///   - environment: what the program finds there.
  init(in directory: String, plugin: String, environment: [String: String]) throws {
    path = directory + "/oci"
    state = directory + "/oci-state"
    for made in [path, path + "/rootfs", state] { mkdir(made, 0o755) }
    for link in ["lib", "lib64", "bin"] { symlink("usr/\(link)", "\(path)/rootfs/\(link)") }
    let text = Array(Self.configuration(plugin: plugin, environment: environment).text().utf8)
    let file = open(path + "/config.json", O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o644)
    defer { close(file) }
    guard file >= 0, write(file, text, text.count) == text.count else {
      throw BenchmarkError("cannot write \(path)/config.json")
    }
  }

  /// What a runtime is started with to run the container under that name.
  func arguments(name: String) -> [String] { ["--root", state, "run", "--bundle", path, name] }

  private static func configuration(plugin: String, environment: [String: String]) -> JSON {
    let none: JSON = []
    func bind(_ source: String, _ target: String) -> JSON {
      [
        "destination": .string(target), "type": "bind", "source": .string(source),
        "options": ["rbind", "ro", "nosuid", "nodev"],
      ]
    }
    let namespaces = ["pid", "network", "ipc", "uts", "mount", "cgroup"].map { type -> JSON in ["type": .string(type)] }
    return [
      "ociVersion": "1.0.2",
      "process": [
        "terminal": false, "user": ["uid": 655_000, "gid": 655_000], "args": ["/plugin/echo", "x"],
        "env": .array(environment.map { .string("\($0.key)=\($0.value)") }), "cwd": "/", "noNewPrivileges": true,
        "capabilities": ["bounding": none, "effective": none, "permitted": none],
      ],
      "root": ["path": "rootfs", "readonly": true], "hostname": "plugin",
      "mounts": [
        bind("/usr", "/usr"), bind(plugin, "/plugin"),
        ["destination": "/proc", "type": "proc", "source": "proc"],
        [
          "destination": "/dev", "type": "tmpfs", "source": "tmpfs",
          "options": ["nosuid", "strictatime", "mode=755", "size=65536k"],
        ],
      ],
      "linux": [
        "namespaces": .array(namespaces),
        "resources": [
          "devices": [["allow": false, "access": "rwm"]], "memory": ["limit": 268_435_456], "pids": ["limit": 64],
        ],
      ],
    ]
  }
}
