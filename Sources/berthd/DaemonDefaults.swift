// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0

internal import Glibc

/// What holds when an option is not given.
enum DaemonDefaults {
  static let version = "0.1.0"

  /// Where bundles are.
  static let pluginDirectories = ["/usr/lib/berth/plugins", "/usr/local/lib/berth/plugins"]

  /// `/var/lib/berth` for root, else in the user's own state.
  static var stateDirectory: String {
    if geteuid() == 0 { return "/var/lib/berth" }
    if let state = environment("XDG_STATE_HOME") { return state + "/berth" }
    return (environment("HOME") ?? "/tmp") + "/.local/state/berth"
  }

  /// `/run/berth` for root, else in the user's own.
  static var runDirectory: String {
    if geteuid() == 0 { return "/run/berth" }
    if let runtime = environment("XDG_RUNTIME_DIR") { return runtime + "/berth" }
    return stateDirectory + "/run"
  }

  /// The host name up to its first dot.
  static var node: String {
    var name = [CChar](repeating: 0, count: 256)
    guard gethostname(&name, name.count - 1) == 0 else { return "localhost" }
    let full = String(decoding: name.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
    return full.split(separator: ".").first.map(String.init) ?? "localhost"
  }

  private static func environment(_ name: String) -> String? {
    guard let value = getenv(name), value.pointee != 0 else { return nil }
    return String(cString: value)
  }
}
