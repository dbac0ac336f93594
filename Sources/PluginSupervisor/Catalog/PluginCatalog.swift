// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0

internal import Glibc
public import StorageProtocol

/// The plugins found in some directories, and what is wrong with the others. A snapshot: load again to look again.
///
/// A plugin directory holds one directory a bundle; names that begin with a dot are left alone. No vendor code runs.
public struct PluginCatalog: Sendable, Hashable {
  /// Method profiles this host knows, by name.
  public static let hostProfiles: [String: ProfileRange] = ["pve-storage": ProfileRange(min: 9, max: 15)]

  /// Usable bundles, sorted by id; no two have the same id.
  public let bundles: [PluginBundle]
  /// What cannot be used, and why, sorted by bundle.
  public let problems: [CatalogProblem]
  /// Storage types that several plugins claim; none of them serves these.
  public let ambiguousTypes: Set<String>
  /// Plugins that go on as they were read earlier, by id, because what lies in their place now cannot be used.
  public let kept: [String: CatalogProblem]

  /// What a change of each bundle directory cannot leave as it was, taken before it was read.
  let stamps: [String: String]
  private let byID: [String: Int]
  private let byType: [String: Int]

  /// Sorts checked bundles into a catalog: of several with one id none is used, and a type claimed twice is served by
  /// none, so that nothing shadows anything silently.
  public init(bundles found: [PluginBundle], problems earlier: [CatalogProblem] = []) {
    self.init(bundles: found, problems: earlier, owners: [:], kept: [:], stamps: [:])
  }

  /// - Parameter owners: who keeps a storage type that several claim, by type: the plugin's id.
  init(
    bundles found: [PluginBundle], problems earlier: [CatalogProblem], owners: [String: String],
    kept: [String: CatalogProblem], stamps: [String: String]
  ) {
    var problems = earlier
    let sorted = found.sorted { ($0.id, $0.path) < ($1.id, $1.path) }
    var usable: [PluginBundle] = []
    for (id, group) in Dictionary(grouping: sorted, by: \.id) {
      guard group.count > 1 else {
        usable += group
        continue
      }
      let paths = group.map(\.path)
      for bundle in group {
        let others = paths.filter { $0 != bundle.path }.joined(separator: ", ")
        problems.append(
          CatalogProblem(
            .duplicateID, bundle: bundle.path, file: "manifest.json",
            "the id \(id) is also that of \(others); none of them is used until one is removed"))
      }
    }
    usable.sort { $0.id < $1.id }
    var claims: [String: [Int]] = [:]
    for (place, bundle) in usable.enumerated() {
      for type in bundle.manifest.storageTypes { claims[type.type, default: []].append(place) }
    }
    var byType: [String: Int] = [:]
    var ambiguous: Set<String> = []
    for (type, places) in claims {
      if places.count == 1 {
        byType[type] = places[0]
        continue
      }
      if let owner = owners[type], let place = places.first(where: { usable[$0].id == owner }) {
        byType[type] = place
        for other in places where other != place {
          problems.append(
            CatalogProblem(
              .duplicateType, bundle: usable[other].path, file: "manifest.json",
              "storage type \(type) is served by \(owner) already, which keeps it while the daemon runs; remove one of "
                + "the two: after a restart neither would serve it"))
        }
        continue
      }
      ambiguous.insert(type)
      for place in places {
        let others = places.filter { $0 != place }.map { usable[$0].id }.joined(separator: ", ")
        problems.append(
          CatalogProblem(
            .duplicateType, bundle: usable[place].path, file: "manifest.json",
            "storage type \(type) is also claimed by \(others); nobody serves it until one of them is removed"))
      }
    }
    bundles = usable
    self.problems = problems.sorted {
      ($0.bundle, $0.code.rawValue, $0.message) < ($1.bundle, $1.code.rawValue, $1.message)
    }
    ambiguousTypes = ambiguous
    self.kept = kept
    self.stamps = stamps
    byID = Dictionary(uniqueKeysWithValues: usable.enumerated().map { ($1.id, $0) })
    self.byType = byType
  }

  /// Looks into the directories, on a thread of its own. One that does not exist holds no bundles.
  public static func load(
    _ directories: [String], protocolVersions: ProtocolVersionRange = .supported
  ) async -> PluginCatalog {
    await OwnThread.run { scan(directories, protocolVersions: protocolVersions) }
  }

  /// The plugin with that id.
  public subscript(id: String) -> PluginBundle? { byID[id].map { bundles[$0] } }

  /// The plugin that serves a storage type.
  ///
  /// - Throws: `NOT_SUPPORTED` with the reason: no plugin serves the type, or several claim it.
  public func bundle(forType type: String) throws(StorageError) -> PluginBundle {
    if let place = byType[type] { return bundles[place] }
    if ambiguousTypes.contains(type) {
      let reasons = problems.filter { $0.code == .duplicateType && $0.message.contains("storage type \(type) ") }
      throw StorageError(
        .notSupported, "several plugins claim the storage type \(quoted(type))", outcome: .notStarted,
        hint: reasons.first?.description)
    }
    throw StorageError(
      .notSupported, "no plugin serves the storage type \(quoted(type))", outcome: .notStarted,
      hint: problems.isEmpty
        ? "install a plugin that does; known types are: \(types.joined(separator: ", "))"
        : "\(problems.count) problems were found in plugin directories; `berth plugin list` shows them")
  }

  /// Whether the plugin with that id is the one that serves the type.
  public func serves(_ type: String, _ id: String) -> Bool { byType[type].map { bundles[$0].id == id } ?? false }

  /// Every storage type that can be used, sorted.
  public var types: [String] { byType.keys.sorted() }

  // MARK: Looking

  private static func scan(
    _ directories: [String], protocolVersions: ProtocolVersionRange
  ) -> PluginCatalog {
    var bundles: [PluginBundle] = []
    var problems: [CatalogProblem] = []
    var stamps: [String: String] = [:]
    var seen: Set<String> = []
    for directory in directories {
      guard let listing = opendir(directory) else {
        if errno != ENOENT {
          problems.append(CatalogProblem(.unreadable, bundle: directory, "cannot be listed: \(errnoText(errno))"))
        }
        continue
      }
      let names = directoryNames(listing)
      closedir(listing)
      for name in names where !name.hasPrefix(".") {
        let path = directory + "/" + name
        var status = stat()
        // A plain file beside the bundles (a README) is nobody's bundle; the same bundle by two ways counts once.
        guard stat(path, &status) == 0, status.st_mode & S_IFMT == S_IFDIR else { continue }
        guard seen.insert("\(status.st_dev):\(status.st_ino)").inserted else { continue }
        stamps[path] = PluginBundle.stamp(of: path)
        do throws(CatalogProblem) {
          bundles.append(try PluginBundle.read(path, protocolVersions: protocolVersions))
        } catch {
          problems.append(error)
        }
      }
    }
    return PluginCatalog(bundles: bundles, problems: problems, owners: [:], kept: [:], stamps: stamps)
  }
}
