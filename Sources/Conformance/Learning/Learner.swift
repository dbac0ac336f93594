// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0

internal import JSON
public import PluginSandbox
internal import PluginSupervisor
internal import StorageProtocol
internal import Synchronization

/// Finds out which permissions a plugin needs, by running it in learning mode: for vendors, never in production.
///
/// Every round runs the plugin with what its manifest asks for and what earlier rounds found, in the real sandbox, until
/// a round finds nothing new: what is proposed is what worked.
public struct Learner: Sendable {
  /// The plugin, its configuration and where to work.
  public var target: Target
  /// Tries every method, with volumes of its own; else only what a storage needs to be looked at.
  public var exercise = false
  /// Most rounds.
  public var rounds = 8
  /// Told what each round found.
  public var progress: @Sendable (_ round: Int, _ found: [String]) -> Void = { _, _ in }
  private let launcher: Launcher

  /// - Parameters:
  ///   - bundle: the plugin's directory.
  ///   - workDirectory: an existing directory, of the file system the plugin wants.
  ///   - launcher: the launcher program; a server starts nothing in learning mode.
  public init(bundle: String, workDirectory: String, launcher program: String, mode: LaunchPlan.Mode, scope: String) {
    launcher = Launcher(transport: .program(path: program), scope: scope, allowsLearning: true)
    target = Target(
      bundle: bundle, workDirectory: workDirectory, launcher: LearningLauncher(launcher, trial: []), mode: mode)
    target.patience = .seconds(60)
  }

  /// Why nothing could be learned.
  public struct Failure: Error, Sendable, CustomStringConvertible {
    /// What, where, what to do.
    public var description: String
  }

  /// Runs the rounds, and takes away what they leave in the control groups.
  public func run() async throws(Failure) -> LearningReport {
    let report: Result<LearningReport, Failure>
    do throws(Failure) { report = .success(try await learn()) } catch { report = .failure(error) }
    try? await launcher.removeLeftovers()
    return try report.get()
  }

  private func learn() async throws(Failure) -> LearningReport {
    let bundle: PluginBundle
    do throws(CatalogProblem) { bundle = try PluginBundle.read(target.bundle) } catch {
      throw Failure(description: "the bundle cannot be used: \(error)")
    }
    let types = bundle.manifest.storageTypes
    guard let type = target.type.map({ bundle.manifest.storageType($0) }) ?? types.first else {
      throw Failure(
        description: "the manifest has no storage type \(target.type ?? "")"
          + "; it has: \(types.map(\.type).joined(separator: ", "))")
    }
    var trial: [LearnedPermission] = []
    var report = LearningReport(bundle: bundle, type: type.type)
    for round in 1...max(rounds, 1) {
      let (reader, unreadable) = try await observe(bundle, type, trial, &report)
      let known = Set(trial.map(\.kind))
      let new = reader.proposals.filter { !known.contains($0.kind) }
      trial += new
      report.take(reader, all: trial, round: round, unreadable: unreadable)
      progress(round, new.map(\.line))
      if new.isEmpty { break }
    }
    return report
  }

  /// One round: the plugin's checks in learning mode.
  private func observe(
    _ bundle: PluginBundle, _ type: StorageTypeManifest, _ trial: [LearnedPermission], _ report: inout LearningReport
  ) async throws(Failure) -> (UseReader, Int) {
    let learning = LearningLauncher(launcher, trial: trial)
    let asked = AskedServices()
    var target = target
    target.launcher = learning
    target.asked = { asked.note($0) }
    var runner = Runner(target: target)
    if !exercise { runner.only = Self.look }
    let run = await runner.run()
    if let problem = learning.problems.first,
      run.results.allSatisfy({ $0.verdict != .passed || $0.check.id == "manifest.valid" })
    {
      throw Failure(description: "the plugin could not be started: \(problem)")
    }
    report.failed = run.results.filter { $0.verdict == .failed || $0.verdict == .broken }
      .map { "\($0.check.id): \($0.message)" }
    var config: JSONObject = [:]
    for (key, value) in target.options { config[key] = .string(value) }
    let uses = learning.observer.uses
    let hasPath = type.configProperties.has("path") && config["path"] == nil
    var reader = UseReader(
      bundle.manifest.permissions, config: config, hasPath: hasPath, work: target.workDirectory)
    reader.read(uses)
    for (method, count) in asked.counts.sorted(by: { $0.key < $1.key }) { reader.asked(method, count) }
    return (reader, uses.unreadable)
  }

  /// What a storage needs to be looked at: start, activation, status, lists.
  private static let look = [
    "lifecycle.", "method.activate_storage.known", "method.status.", "method.list_images.", "method.list_volumes.",
  ]
}

/// Host services that a plugin asked for.
private final class AskedServices: Sendable {
  private let seen = Mutex<[String: Int]>([:])
  var counts: [String: Int] { seen.withLock { $0 } }
  func note(_ method: String) { seen.withLock { $0[method, default: 0] += 1 } }
}
