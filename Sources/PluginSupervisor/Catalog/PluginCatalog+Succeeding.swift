// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0

internal import StorageProtocol

extension PluginCatalog {
  /// This catalog as the successor of another one in a host that goes on: what was usable stays so until there is
  /// something usable in its place, or nothing at all.
  ///
  /// A bundle that cannot be read or is not right, or whose id a second one has too, leaves the plugin that was read
  /// before in ``kept``. A type that a second plugin claims stays with the plugin that serves it.
  /// - Parameter isRunning: whether the earlier one is this daemon's own, and not what an earlier daemon left: whose
  ///   types are not decided by it.
  public func succeeding(_ earlier: PluginCatalog, isRunning: Bool = true) -> PluginCatalog {
    var usable = bundles
    var kept: [String: CatalogProblem] = [:]
    for old in earlier.bundles where self[old.id] == nil {
      guard !bundles.contains(where: { $0.path == old.path }),
        let problem = problems.first(where: { $0.bundle == old.path || old.path.hasPrefix($0.bundle + "/") })
      else { continue }
      usable.append(old)
      kept[old.id] = problem
    }
    var owners: [String: String] = [:]
    for type in isRunning ? earlier.types : [] {
      do throws(StorageError) { owners[type] = try earlier.bundle(forType: type).id } catch { continue }
    }
    // Who claims what is judged anew, with the kept ones among them.
    return PluginCatalog(
      bundles: usable, problems: problems.filter { $0.code != .duplicateType }, owners: owners, kept: kept,
      stamps: stamps)
  }

  /// The same without the bundles somebody else finds fault with.
  public func refusing(_ fault: (PluginBundle) -> CatalogProblem?) -> PluginCatalog {
    let faults = bundles.compactMap(fault)
    guard !faults.isEmpty else { return self }
    return PluginCatalog(
      bundles: bundles.filter { bundle in !faults.contains { $0.bundle == bundle.path } },
      problems: problems.filter { $0.code != .duplicateType } + faults, owners: [:], kept: kept, stamps: stamps)
  }

  /// Looks whether a bundle directory is as it was when this catalog was loaded; reads no file, on a thread of its own.
  public func isCurrent(_ path: String) async -> Bool {
    let stamp = stamps[path]
    return await OwnThread.run { PluginBundle.stamp(of: path) == stamp }
  }
}
