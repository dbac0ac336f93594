// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0

internal import Glibc
internal import JSON
public import Logging
internal import Synchronization

/// Copies of the bundles in force whose program has greeted the host: one a plugin, `<directory>/<id>/<digest>/`.
///
/// What lies in the plugin directory may be replaced, half-replaced or gone when the plugin has to start again; then it is
/// started from its copy, which is checked like any bundle. A copy that was cut off by a crash has another digest than it
/// says and counts for nothing.
public final class BundleStore: Sendable {
  private struct State {
    /// The digest in force of each plugin; others are not kept.
    var inForce: [String: String] = [:]
    /// Digests that are kept, being copied, or could not be.
    var settled: Set<String> = []
    /// Why there is no copy, by digest.
    var problems: [String: String] = [:]
    /// The digest that was kept last of each plugin.
    var previous: [String: String] = [:]
  }

  private static let recordName = "good.json"

  public let directory: String
  private let logger: Logger
  private let state = Mutex(State())
  /// Whoever writes or removes copies: none is made of a plugin that goes meanwhile.
  private let writing = Mutex(())

  public init(directory: String, logger: Logger) {
    self.directory = directory
    self.logger = logger
  }

  // MARK: Looking

  /// The copies there are, each as the bundle it is a copy of: at its first path.
  public func load() async -> [PluginBundle] {
    await OwnThread.run { [self] in directoryNames(at: directory).compactMap(loadCopy) }
  }

  /// The copy of one plugin's bundle.
  public func load(_ id: String) async -> PluginBundle? { await OwnThread.run { [self] in loadCopy(id) } }

  /// The digest of a plugin's copy, without a look at what is in it.
  public func digest(of id: String) async -> String? { await OwnThread.run { [self] in record(of: id)?.digest } }

  private func loadCopy(_ id: String) -> PluginBundle? {
    guard let (digest, origin) = record(of: id), var bundle = read(id, digest) else { return nil }
    bundle.path = origin
    return bundle
  }

  /// Where a copy of exactly this bundle lies; nil when there is none. Blocks.
  func place(of bundle: PluginBundle) -> String? { read(bundle.id, bundle.digest)?.path }

  /// Why a bundle has no copy, as far as it was tried.
  func problem(of bundle: PluginBundle) -> String? { state.withLock { $0.problems[bundle.digest] } }

  // MARK: Keeping

  /// Says which bundles are in force; copies of plugins that are gone are removed.
  public func setInForce(_ bundles: [PluginBundle]) async {
    let inForce = Dictionary(bundles.map { ($0.id, $0.digest) }) { first, _ in first }
    state.withLock {
      $0.inForce = inForce
      // One that comes back is looked at anew: its copy may be gone, or no longer the one to start from.
      $0.settled.formIntersection(inForce.values)
    }
    await OwnThread.run { [self] in
      writing.withLock { _ in
        for id in directoryNames(at: directory) where state.withLock({ $0.inForce[id] }) == nil {
          removeTree("\(directory)/\(id)")
        }
      }
    }
  }

  /// Keeps a bundle whose program has greeted the host, unless that is done or another one is in force. Blocks.
  func keep(_ bundle: PluginBundle) { writing.withLock { _ in keepAlone(bundle) } }

  private func keepAlone(_ bundle: PluginBundle) {
    let isNew = state.withLock { state in
      state.inForce[bundle.id] == bundle.digest && state.settled.insert(bundle.digest).inserted
    }
    let isThere = isNew && read(bundle.id, bundle.digest) != nil
    guard isNew, !isThere || record(of: bundle.id)?.digest != bundle.digest else { return }
    do throws(CatalogProblem) {
      try isThere ? write(bundle) : copy(bundle)
    } catch {
      state.withLock { $0.problems[bundle.digest] = error.description }
      logger.warning(
        "no copy of the bundle is kept: should it be changed or removed, its plugin cannot start again",
        metadata: ["plugin": "\(bundle.id)", "problem": "\(error)"])
    }
  }

  private func copy(_ bundle: PluginBundle) throws(CatalogProblem) {
    let home = "\(directory)/\(bundle.id)"
    let (draft, place) = ("\(home)/.\(bundle.digest)", "\(home)/\(bundle.digest)")
    mkdir(directory, 0o750)
    chmod(directory, 0o750)  // whatever the umask: a launcher of our group has to get in
    mkdir(home, 0o755)
    chmod(home, 0o755)
    removeTree(draft)
    removeTree(place)
    do throws(CatalogProblem) {
      try BundleFiles(path: bundle.path).copy(to: draft)
      let digest = try BundleFiles(path: draft).digest()
      guard digest == bundle.digest else {
        throw CatalogProblem(.hashMismatch, bundle: bundle.path, "was changed while it was copied")
      }
      guard rename(draft, place) == 0 else {
        throw CatalogProblem(.unreadable, bundle: place, "cannot be written: \(errnoText(errno))")
      }
      try write(bundle)
    } catch {
      removeTree(draft)
      throw error
    }
    // Not the one before: whoever still runs it may have to start it again until he is done.
    let kept = [bundle.digest, Self.recordName, previous(bundle.id)]
    for name in directoryNames(at: home) where !kept.contains(name) { removeTree("\(home)/\(name)") }
    state.withLock { $0.previous[bundle.id] = bundle.digest }
    logger.debug("a copy of the bundle is kept", metadata: ["plugin": "\(bundle.id)", "digest": "\(bundle.digest)"])
  }

  private func previous(_ id: String) -> String? { state.withLock { $0.previous[id] } }

  // MARK: Details

  /// Which copy of a plugin is the good one, and what it is a copy of.
  private func record(of id: String) -> (digest: String, origin: String)? {
    let path = "\(directory)/\(id)/\(Self.recordName)"
    guard let file = Descriptor.open(path, O_RDONLY | O_NOFOLLOW) else { return nil }
    var bytes = [UInt8](repeating: 0, count: 16 << 10)
    let count = Glibc.read(file.raw, &bytes, bytes.count)
    guard count > 0, let json = try? JSON.parse(Array(bytes[..<count])), let digest = json["digest"]?.stringValue,
      let origin = json["path"]?.stringValue
    else { return nil }
    return (digest, origin)
  }

  /// Notes that the copy of this bundle is the good one.
  private func write(_ bundle: PluginBundle) throws(CatalogProblem) {
    let home = "\(directory)/\(bundle.id)"
    let (draft, place) = ("\(home)/.\(Self.recordName)", "\(home)/\(Self.recordName)")
    let bytes = (["digest": .string(bundle.digest), "path": .string(bundle.path)] as JSON).bytes()
    let file = Descriptor(open(draft, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o644))
    guard file.raw >= 0, Glibc.write(file.raw, bytes, bytes.count) == bytes.count, fsync(file.raw) == 0,
      rename(draft, place) == 0
    else { throw CatalogProblem(.unreadable, bundle: place, "cannot be written: \(errnoText(errno))") }
  }

  /// The copy with that digest, if it is whole.
  private func read(_ id: String, _ digest: String) -> PluginBundle? {
    guard !id.contains("/"), !digest.contains("/") else { return nil }
    do throws(CatalogProblem) {
      let bundle = try PluginBundle.read("\(directory)/\(id)/\(digest)")
      return bundle.digest == digest && bundle.id == id ? bundle : nil
    } catch { return nil }
  }
}

/// Removes a directory with all that is in it, or a file. Blocks.
func removeTree(_ path: String) {
  var status = stat()
  guard lstat(path, &status) == 0 else { return }
  guard status.st_mode & S_IFMT == S_IFDIR else {
    unlink(path)
    return
  }
  guard let listing = opendir(path) else { return }
  var names: [String] = []
  while let entry = readdir(listing) {
    let name = withUnsafeBytes(of: &entry.pointee.d_name) { String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self) }
    if name != ".", name != ".." { names.append(name) }
  }
  closedir(listing)
  for name in names { removeTree("\(path)/\(name)") }
  rmdir(path)
}
