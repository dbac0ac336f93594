// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0

internal import Glibc
internal import PluginSupervisor
internal import StorageProtocol

/// Runs the checks against one plugin.
public struct Runner: Sendable {
  public var target: Target
  /// Only checks of these levels; all when empty.
  public var levels: Set<Check.Level> = []
  /// Only checks whose id begins with one of these; all when empty.
  public var only: [String] = []
  /// Called after each check, for people who wait.
  public var progress: @Sendable (CheckResult) -> Void = { _ in }

  public init(target: Target) { self.target = target }

  /// The checks that apply to a manifest, in the order they run.
  static func checks(_ manifest: PluginManifest, type: StorageTypeManifest) -> [Check] {
    Check.lifecycle + Check.framing + Check.methods(manifest) + Check.images(type) + Check.templates + Check.snapshots
      + Check.streams(type) + Check.robust
  }

  /// Runs everything. Returns when all is done; nothing of the plugin is left running and no directory behind.
  public func run() async -> Report {
    await Bridge.blocking { runBlocking() }
  }

  private func isWanted(_ check: Check) -> Bool {
    (levels.isEmpty || levels.contains(check.level)) && (only.isEmpty || only.contains { check.id.hasPrefix($0) })
  }

  private func runBlocking() -> Report {
    signal(SIGPIPE, SIG_IGN)
    let clock = ContinuousClock()
    let begin = clock.now
    var report = Report(bundle: target.bundle)
    let manifestCheck = Check(
      "manifest.valid", "The bundle's manifest is complete and true", clause: "Manifest", level: .core
    ) { (_) throws(CheckStop) in }
    func note(_ check: Check, _ verdict: CheckResult.Verdict, _ message: String, _ time: Duration) {
      let result = CheckResult(check: check, verdict: verdict, message: message, time: time)
      report.results.append(result)
      progress(result)
    }
    let bundle: PluginBundle
    do throws(CatalogProblem) {
      bundle = try PluginBundle.read(target.bundle)
    } catch {
      note(manifestCheck, .failed, "\(error)", clock.now - begin)
      return report
    }
    report.plugin = bundle.id
    report.version = bundle.manifest.version
    report.digest = bundle.digest
    guard let type = target.type.map({ bundle.manifest.storageType($0) }) ?? bundle.manifest.storageTypes.first else {
      note(manifestCheck, .failed, "the manifest has no storage type \(target.type ?? "")", clock.now - begin)
      return report
    }
    note(manifestCheck, .passed, "", clock.now - begin)
    var badLines: [String] = []
    /// The check without which nothing else can be tried.
    var undoing: Check?
    let shared = SharedBench(target: target, bundle: bundle, type: type)
    for (number, check) in Self.checks(bundle.manifest, type: type).enumerated() {
      guard isWanted(check) else {
        report.partial.insert(check.level)
        continue
      }
      if let undoing {
        note(check, .skipped, "not tried, because of \(undoing.id)", .zero)
        continue
      }
      let start = clock.now
      guard start - begin < target.budget else {
        note(check, .failed, "not reached: the run took longer than \(target.budget)", .zero)
        continue
      }
      do throws(CheckStop) {
        let isShared = check.id.hasPrefix("method.") || check.id.hasPrefix("framing.")
        let bench =
          try isShared ? shared.bench(number) : Bench(target, bundle: bundle, type: type, number: number)
        defer {
          if !isShared {
            bench.tearDown()
            badLines += bench.badLines
          }
        }
        do throws(CheckStop) {
          try check.body(bench)
        } catch {
          // What a failed check left behind must not be blamed on the next one.
          if isShared { badLines += shared.discard() }
          throw error
        }
        note(check, .passed, "", clock.now - start)
      } catch {
        let verdict: CheckResult.Verdict =
          switch error.kind {
          case .failed: .failed
          case .skipped: .skipped
          case .broken: .broken
          }
        note(check, verdict, error.message, clock.now - start)
        if check.isDecisive, error.kind == .broken || error.isSilence { undoing = check }
      }
    }
    badLines += shared.discard()
    let clean = Check(
      "framing.clean-output", "Standard output carries nothing but the protocol", clause: "Framing", level: .core
    ) { (_) throws(CheckStop) in }
    if !isWanted(clean) {
      report.partial.insert(clean.level)
    } else if let undoing, badLines.isEmpty {
      note(clean, .skipped, "not tried, because of \(undoing.id)", .zero)
    } else {
      let first = badLines.first.map { "\(badLines.count) lines were no messages; the first: \($0)" }
      note(clean, first == nil ? .passed : .failed, first ?? "", .zero)
    }
    report.time = clock.now - begin
    return report
  }
}

/// The bench of the checks that change nothing: one process serves many of them.
private final class SharedBench {
  private let target: Target
  private let bundle: PluginBundle
  private let type: StorageTypeManifest
  private var current: Bench?

  init(target: Target, bundle: PluginBundle, type: StorageTypeManifest) {
    self.target = target
    self.bundle = bundle
    self.type = type
  }

  func bench(_ number: Int) throws(CheckStop) -> Bench {
    if let current { return current }
    let bench = try Bench(target, bundle: bundle, type: type, number: number)
    current = bench
    return bench
  }

  /// Ends it; gives the lines that were no messages.
  func discard() -> [String] {
    guard let bench = current else { return [] }
    current = nil
    bench.tearDown()
    return bench.badLines
  }
}
