// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0

public import StorageProtocol

/// A plugin on disk whose manifest and executable have been checked; none of its code has run.
public struct PluginBundle: Sendable, Hashable {
  /// The bundle's directory.
  public var path: String
  public var manifest: PluginManifest
  /// SHA-256 over everything in the bundle: what an administrator's grant is bound to.
  public var digest: String
  /// The protocol version host and plugin will speak, by their ranges.
  public var protocolVersion: ProtocolVersion

  /// Inodes, sizes and times when the digest was taken; nil for a bundle that was not read from disk.
  var stamp: String?

  public init(path: String, manifest: PluginManifest, digest: String, protocolVersion: ProtocolVersion) {
    self.path = path
    self.manifest = manifest
    self.digest = digest
    self.protocolVersion = protocolVersion
  }

  /// The plugin's reverse-DNS id.
  public var id: String { manifest.id }

  /// Reads and checks one bundle. Blocks: for a thread of one's own (``PluginCatalog/load(_:protocolVersions:)`` has one).
  ///
  /// - Throws: the first problem, with the file it is in.
  public static func read(
    _ path: String, protocolVersions: ProtocolVersionRange = .supported
  ) throws(CatalogProblem) -> PluginBundle {
    let files = try BundleFiles(path: path)
    let name = "manifest.json"
    let bytes = try files.read(name, limit: BundleFiles.manifestLimit)
    let manifest: PluginManifest
    do throws(ManifestError) {
      manifest = try PluginManifest(parsing: bytes)
    } catch {
      let shown = error.problems.prefix(5).map { quoted($0.description, limit: 300) }.joined(separator: "; ")
      let more = error.problems.count > 5 ? "; and \(error.problems.count - 5) more" : ""
      let isMethods = error.problems.allSatisfy { $0.pointer.hasPrefix("/methods") }
      throw CatalogProblem(isMethods ? .methodsInvalid : .manifestInvalid, bundle: path, file: name, shown + more)
    }
    let version: ProtocolVersion
    do throws(StorageError) {
      version = try VersionNegotiation.choose(host: protocolVersions, plugin: manifest.protocolVersions)
    } catch {
      throw CatalogProblem(
        .versionUnsupported, bundle: path, file: name, error.message + (error.hint.map { "; \($0)" } ?? ""))
    }
    for (profile, offered) in PluginCatalog.hostProfiles {
      guard let known = manifest.profiles[profile], known.max < offered.min || known.min > offered.max else { continue }
      throw CatalogProblem(
        .versionUnsupported, bundle: path, file: name,
        "the host knows profile \(profile) \(offered.min) to \(offered.max), the plugin \(known.min) to \(known.max)")
    }
    // First, so that a change while the files are read shows later.
    let stamp = try files.stamp()
    let hash = try files.executableHash(manifest.executable)
    guard hash == manifest.sha256 else {
      throw CatalogProblem(
        .hashMismatch, bundle: path, file: manifest.executable,
        "has SHA-256 \(hash), the manifest says \(manifest.sha256): one of the two was changed")
    }
    var bundle = PluginBundle(
      path: path, manifest: manifest, digest: try files.digest(), protocolVersion: version)
    bundle.stamp = stamp
    return bundle
  }

  /// Inodes, sizes and times of everything in a bundle directory; nil when it cannot be looked at. Blocks.
  static func stamp(of path: String) -> String? {
    do throws(CatalogProblem) { return try BundleFiles(path: path).stamp() } catch { return nil }
  }

  /// Looks whether the bundle is still the one that was read: to be asked before each start of its program. Blocks.
  ///
  /// - Throws: when anything in it is another by now.
  func checkUnchanged() throws(CatalogProblem) {
    guard let stamp else { return }
    let files = try BundleFiles(path: path)
    guard try files.stamp() != stamp else { return }
    // Copied back or touched: what counts is what is in it.
    let hash = try files.executableHash(manifest.executable)
    guard hash == manifest.sha256 else {
      throw CatalogProblem(
        .hashMismatch, bundle: path, file: manifest.executable,
        "has SHA-256 \(hash), the manifest says \(manifest.sha256): it was changed while the daemon ran")
    }
    let now = try files.digest()
    guard now == digest else {
      throw CatalogProblem(
        .hashMismatch, bundle: path, "has SHA-256 \(now) as a whole, and had \(digest) when the daemon read it")
    }
  }
}
