// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0

internal import ArgumentParser
internal import Conformance
internal import Glibc
internal import PluginSandbox
internal import PluginSupervisor

struct CheckCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "check", abstract: "Starts a plugin in the sandbox and tries every requirement.",
    discussion: """
      Exit status: 0 the plugin conforms, 1 it does not, 2 the checker could not do its work.
      As root every layer of the sandbox is in force, otherwise the weaker unprivileged one.
      """)

  @Option(help: "The plugin's bundle directory.")
  var plugin: String

  @Option(help: "The storage type to check; the first of the manifest unless given.")
  var type: String?

  @Option(help: "A configuration property, KEY=VALUE; may be repeated. 'path' is set by the checker.")
  var option: [String] = []

  @Option(help: "A directory on the file system the plugin wants; a temporary one unless given.")
  var workDir: String?

  @Option(help: "Only this level: core, images, template, snapshot, stream, robust; may be repeated.")
  var level: [String] = []

  @Option(help: "Only checks whose id begins so; may be repeated.")
  var only: [String] = []

  @Option(help: "Form of the report on standard output: text, junit, tap, json.")
  var format = "text"

  @Option(help: "Longest wait for one step, in seconds.")
  var patience = 30

  @Option(help: "Longest run of everything, in seconds.")
  var budget = 1800

  @Flag(help: "List the checks' verdicts on standard error as they come.")
  var verbose = false

  func validate() throws {
    for name in level where Check.Level(rawValue: name) == nil { throw ValidationError("there is no level '\(name)'") }
    guard Report.Format(rawValue: format) != nil else { throw ValidationError("there is no format '\(format)'") }
    for text in option where !text.contains("=") { throw ValidationError("'\(text)' is not KEY=VALUE") }
    guard patience > 0, budget > 0 else { throw ValidationError("times must be positive") }
  }

  func run() async throws {
    let isRoot = geteuid() == 0
    let program: String
    do throws(SandboxError) {
      program = try Launcher.defaultProgram()
    } catch {
      complain("\(error)")
      throw ExitCode(2)
    }
    let directory: String
    if let workDir {
      directory = workDir
    } else {
      var template = Array("/tmp/berth-conformance-XXXXXX".utf8CString)
      guard mkdtemp(&template) != nil else {
        complain("no temporary directory can be made: errno \(errno)")
        throw ExitCode(2)
      }
      directory = String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
      chmod(directory, 0o711)
    }
    defer { if workDir == nil { rmdir(directory) } }
    let launcher = SandboxLauncher(Launcher(transport: .program(path: program), scope: "conformance-\(getpid())"))
    var target = Target(
      bundle: plugin, workDirectory: directory, launcher: launcher, mode: isRoot ? .privileged : .unprivileged)
    target.type = type
    target.options = option.map { text in
      let parts = text.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
      return (String(parts[0]), String(parts[1]))
    }
    target.patience = .seconds(patience)
    target.budget = .seconds(budget)
    var runner = Runner(target: target)
    runner.levels = Set(level.compactMap { Check.Level(rawValue: $0) })
    runner.only = only
    if verbose {
      runner.progress = { result in
        complain("\(result.verdict.rawValue) \(result.check.id)\(result.message.isEmpty ? "" : ": ")\(result.message)")
      }
    }
    let report = await runner.run()
    if !only.isEmpty, report.results.count == 1, report.exitStatus == 0 {
      complain(
        "no check\(level.isEmpty ? "" : " of that level") has an id that begins with \(only.joined(separator: ", ")); "
          + "--verbose without --only shows all ids, --level takes \(Check.Level.allCases.map(\.rawValue).joined(separator: ", "))"
      )
      throw ExitCode(2)
    }
    try? await launcher.removeLeftovers()
    // Checked in `validate`.
    print(report.rendered(Report.Format(rawValue: format) ?? .text), terminator: "")
    if report.exitStatus != 0 { throw ExitCode(report.exitStatus) }
  }
}

/// A line on standard error.
private func complain(_ text: String) {
  var line = Array((text + "\n").utf8)
  _ = write(2, &line, line.count)
}
