// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0

internal import ArgumentParser
internal import BerthClient
internal import JSON
internal import ManagementTypes

/// `berth plugin rescan`
struct PluginRescan: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "rescan",
    abstract: "Look at the plugin directories again and put in force what is there.",
    discussion: """
      Operations under way finish with the version they began with; the next one starts the new one. A bundle that \
      cannot be used disturbs nobody: an earlier version that is in use goes on. berthd does the same on SIGHUP. The \
      exit code is 1 when something is left for you to look at.
      """)

  @OptionGroup var global: GlobalOptions

  func run() async throws {
    let changes = try await global.with { client in try await client.rescanPlugins() }
    if global.json {
      Output.json(ListOf(changes))
    } else {
      var table = Table([
        .init("PLUGIN"), .init("CHANGE"), .init("VERSION"), .init("STORAGES", flexible: true),
        .init("PATH", flexible: true),
      ])
      for change in changes {
        table.add([
          change.plugin ?? "-", change.change, Self.version(change),
          change.storages.map { $0.state == "usable" ? $0.storeid : "\($0.storeid) (\($0.state))" }
            .joined(separator: ", "),
          change.path,
        ])
      }
      table.print()
      for change in changes {
        if let problem = change.problem {
          Output.line("refused: \(Failure.clean(problem))")
          if let hint = change.hint { Output.line("  next: \(Failure.clean(hint))") }
        }
        for storage in change.storages where storage.message != nil {
          Output.line(Failure.clean(storage.message ?? ""))
          if let hint = storage.hint { Output.line("  next: \(Failure.clean(hint))") }
        }
      }
    }
    let isLeft = changes.contains { change in
      change.problem != nil || change.storages.contains { $0.state == "consent" || $0.state == "disabled" }
    }
    if isLeft { throw ExitCode(ExitStatus.failed.rawValue) }
  }

  /// `1.0.0 -> 1.1.0`, or the one that is in force.
  private static func version(_ change: PluginChangeView) -> String {
    let now = change.version ?? "-"
    guard let earlier = change.earlierVersion, earlier != now else { return now }
    return "\(earlier) -> \(now)"
  }
}
