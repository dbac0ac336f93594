// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0

internal import ArgumentParser
internal import BerthClient
internal import Conformance
internal import Glibc
internal import JSON
internal import PluginSandbox

/// `berth plugin learn`
struct PluginLearn: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "learn", abstract: "Run a plugin in learning mode and propose its manifest's permissions.",
    discussion: """
      For vendors: runs without a daemon, in a sandbox that notes every file, connection and call the plugin tries, \
      and grants for trial what it finds until nothing new turns up. Prints what to add with the evidence, and what is \
      asked for and never used. Only what was exercised can be seen. A daemon never runs a plugin so.
      """)

  @Argument(help: "The plugin's bundle directory.") var bundle: String
  @Option(help: "The storage type to run; the first of the manifest unless given.") var type: String?
  @Option(
    help: ArgumentHelp(
      "A property of the storage, repeatable; 'path' is a fresh directory unless given.", valueName: "name=value"))
  var storageConfig: [KeyValue] = []
  @Flag(help: "Try every method with volumes of its own, not only start, status and lists.") var exercise = false
  @Option(help: "A directory on the file system the plugin wants; a temporary one unless given.") var workDir: String?
  @Option(help: "Most rounds.") var rounds = 8
  @Flag(help: "Print JSON for programs.") var json = false

  func validate() throws {
    if !(1...100).contains(rounds) { throw ValidationError("--rounds takes 1 to 100") }
  }

  func run() async throws {
    Failure.asJSON = json
    let program: String
    do throws(SandboxError) { program = try Launcher.defaultProgram() } catch {
      throw ClientError(.local, error.message, place: bundle, hint: error.hint ?? "")
    }
    let directory = try makeDirectory()
    defer { if workDir == nil { rmdir(directory) } }
    var learner = Learner(
      bundle: bundle, workDirectory: directory, launcher: program, mode: geteuid() == 0 ? .privileged : .unprivileged,
      scope: "learn-\(getpid())")
    learner.exercise = exercise
    learner.rounds = rounds
    learner.target.type = type
    learner.target.options = storageConfig.map { ($0.key, $0.value) }
    if !json {
      learner.progress = { round, found in
        Failure.write("round \(round): \(found.isEmpty ? "nothing new" : found.joined(separator: "; "))\n")
      }
    }
    let report: LearningReport
    do throws(Learner.Failure) { report = try await learner.run() } catch {
      throw ClientError(.local, "\(error)", place: bundle, hint: "mend that first: berth-conformance check says more")
    }
    if json { Output.json(report) } else { Output.write(Array(report.text.utf8)) }
  }

  private func makeDirectory() throws -> String {
    if let workDir {
      guard let real = realpath(workDir, nil) else {
        throw ClientError(.local, "there is no directory \(workDir)", place: workDir, hint: "make it first")
      }
      defer { free(real) }
      return String(cString: real)
    }
    var template = Array("/tmp/berth-learn-XXXXXX".utf8CString)
    guard mkdtemp(&template) != nil else {
      throw ClientError(.local, "no temporary directory can be made", place: "/tmp", hint: "give --work-dir")
    }
    let path = String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
    chmod(path, 0o711)
    return path
  }
}
