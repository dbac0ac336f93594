// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0

/// What is mounted where on the host, to see through bind mounts.
public struct HostMounts: Sendable {
  /// One line of mountinfo: the directory `root` of the file system on `device` appears at `target`.
  public struct Mount: Sendable, Hashable {
    public var device: String
    public var root: String
    public var target: String

    public init(device: String, root: String, target: String) {
      self.device = device
      self.root = root
      self.target = target
    }
  }

  /// A place in a file system, however it is reached.
  struct Location: Hashable {
    var device: String
    var path: String
  }

  /// In the order in which they were mounted: a later one covers an earlier one at the same place.
  var mounts: [Mount]

  public init(mounts: [Mount]) { self.mounts = mounts }

  /// The daemon's own table; empty when `/proc` cannot be read.
  static func current() -> HostMounts {
    HostMounts(
      mounts: ObservedProcess.mountLines(of: "self").map { fields in
        Mount(device: fields.device, root: fields.root, target: fields.target)
      })
  }

  /// Where a path really leads, by the innermost mount on the way; nil when nothing is mounted above it.
  func location(_ path: String) -> Location? {
    var best: Mount?
    for mount in mounts where PathPolicy.isBeneath(path, mount.target) {
      if mount.target.utf8.count >= (best?.target.utf8.count ?? 0) { best = mount }
    }
    guard let best else { return nil }
    let rest = best.target == "/" ? path : String(path.dropFirst(best.target.count))
    let joined = best.root == "/" ? rest : best.root + rest
    return Location(device: best.device, path: joined.isEmpty ? "/" : joined)
  }

  /// The place among `places` that is seen at the path, above it, or in something mounted below it, under another
  /// name; nil when none is.
  func disguise(of path: String, among places: [String]) -> String? {
    let below = mounts.map(\.target).filter { $0 != path && PathPolicy.isBeneath($0, path) }
    let seen = ([path] + below).compactMap(location)
    for place in places {
      // A place on a file system of its own, such as /proc, has no directory above it there: only what is in it counts.
      guard let real = location(place) else { continue }
      for one in seen where one.device == real.device {
        if PathPolicy.isBeneath(one.path, real.path) { return place }
        if real.path != "/", PathPolicy.isBeneath(real.path, one.path) { return place }
      }
    }
    return nil
  }
}
