// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0

internal import Glibc
internal import JSON
internal import PluginSandbox
internal import PluginSupervisor
internal import StorageProtocol

/// A fresh storage with the plugin on it: directories, configuration, processes. One check at a time uses it.
final class Bench {
  let target: Target
  let bundle: PluginBundle
  let type: StorageTypeManifest
  let directory: String
  let number: Int
  let storeid = "checked"
  private(set) var scfg: JSONObject = [:]
  private var current: PluginSession?
  private var epoch: Int64 = 0
  private var token: Int64 = 1
  private var names = 0
  private var keys = 0
  /// Lines on standard output that were no messages, of all its sessions.
  private(set) var badLines: [String] = []
  private(set) var leftProcesses = false

  init(_ target: Target, bundle: PluginBundle, type: StorageTypeManifest, number: Int) throws(CheckStop) {
    self.target = target
    self.bundle = bundle
    self.type = type
    self.number = number
    directory = "\(target.workDirectory)/\(getpid())-\(number)"
    for (path, mode) in [("", 0o711), ("/root", 0o755), ("/state", 0o700), ("/streams", 0o711)] {
      guard mkdir(directory + path, mode_t(mode)) == 0 else {
        throw .broken("cannot make \(directory)\(path): errno \(errno)")
      }
      chmod(directory + path, mode_t(mode))
    }
    if let owner {
      // The file system's own owner may stay root: the grant is mounted with the owner mapped.
      chown(directory + "/state", owner, owner)
    }
    scfg["type"] = .string(type.type)
    if type.configProperties.has("path") { scfg["path"] = .string(root) }
    scfg["content"] = .array(type.defaultContent.map { .string($0) })
    for member in type.configProperties {
      if let value = member.value["default"] { scfg[member.key] = value }
    }
    for (key, value) in target.options {
      let kind = type.configProperties[key]?["type"]?.stringValue
      scfg[key] =
        kind == "integer"
        ? Int64(value).map { .int($0) } ?? .string(value)
        : kind == "boolean" ? .bool(["1", "true", "yes", "on"].contains(value)) : .string(value)
    }
  }

  var root: String { directory + "/root" }
  var owner: UInt32? { target.mode == .privileged ? target.firstUID + UInt32(number % 3000) : nil }
  var manifest: PluginManifest { bundle.manifest }
  func has(_ methods: String...) -> Bool { methods.allSatisfy(manifest.implements) }

  func need(_ methods: String...) throws(CheckStop) {
    for method in methods where !manifest.implements(method) {
      throw .skipped("the plugin does not implement \(method)")
    }
  }

  func tearDown() {
    stop()
    Self.removeTree(directory)
  }

  // MARK: Processes

  /// The running plugin, greeted and with its storage active.
  func session() throws(CheckStop) -> PluginSession {
    if let current, !current.outputEnded { return current }
    let session = try launch()
    try greet(session)
    _ = try result("activate_storage")
    return session
  }

  /// A new process to which nothing has been said.
  func launch() throws(CheckStop) -> PluginSession {
    stop()
    epoch += 1
    var plan = LaunchPlan(
      instance: "conformance-\(number)-\(epoch)", mode: target.mode, bundle: bundle.path,
      executable: manifest.executable, permissions: try permissions(), uid: owner ?? geteuid())
    plan.stateDirectory = directory + "/state"
    plan.streamsDirectory = directory + "/streams"
    let launcher = target.launcher
    let ready = plan
    let started: Result<any PluginProcess, SandboxError> = Bridge.wait {
      do throws(SandboxError) {
        let process = try await launcher.launch(ready)
        do throws(SandboxError) {
          try await process.attest()
        } catch {
          _ = try? await process.kill(within: .seconds(5))
          process.close()
          throw error
        }
        return .success(process)
      } catch {
        return .failure(error)
      }
    }
    switch started {
    case .success(let process):
      let session = PluginSession(process, patience: target.patience, asked: target.asked)
      current = session
      return session
    case .failure(let error): throw .broken("the plugin was not started: \(error)")
    }
  }

  private func permissions() throws(CheckStop) -> Permissions {
    do throws(SandboxError) {
      return try Permissions(
        manifest.permissions, grant: PermissionGrant(everythingIn: manifest.permissions, bundleDigest: bundle.digest),
        config: scfg)
    } catch {
      throw .broken("the plugin's permissions cannot be granted: \(error)")
    }
  }

  func initializeParams(protocolRange: (min: String, max: String) = ("1.0", "1.0")) -> JSONObject {
    [
      "protocol": ["min": .string(protocolRange.min), "max": .string(protocolRange.max)],
      "profiles": ["pve-storage": ["min": 9, "max": 15]],
      "host": ["name": "berth-conformance", "version": "1.0", "node": "here"], "hostServices": [],
      "limits": ["maxMessageBytes": .int(4 << 20), "maxInFlight": 16], "streams": ["fifo"],
      "session": ["id": "conformance", "epoch": .int(epoch)], "storeid": .string(storeid),
      "storageType": .string(type.type), "stateDir": "/state", "tmpDir": "/tmp",
    ]
  }

  func greet(_ session: PluginSession) throws(CheckStop) {
    let id = try session.start("initialize", .object(initializeParams()))
    guard case .result = try session.answer(id) else { throw .failed("initialize was refused") }
    try session.notify("initialized", [:])
  }

  /// kill -9 of the running plugin.
  func kill() throws(CheckStop) {
    guard let session = current else { return }
    guard session.kill() else { throw .failed("something of the plugin survives kill -9") }
    stop()
  }

  /// Ends what runs and keeps what it said wrongly.
  func stop() {
    guard let session = current else { return }
    badLines += session.badLines
    session.finish()
    current = nil
  }

  // MARK: Requests

  /// Arguments with the usual members; a mutating call gets a lock and a key.
  func params(_ method: String, _ extra: JSONObject, context changes: JSONObject = [:]) -> JSON {
    var object: JSONObject = ["storeid": .string(storeid), "scfg": .object(scfg)]
    var context: JSONObject = ["timeoutMs": 120_000]
    if let annotations = MethodTable[method]?.annotations, annotations.mutating || annotations.lock != .none {
      token += 1
      let scope = annotations.lock == .none ? "volume" : annotations.lock.rawValue
      context["lock"] = [
        "name": .string("\(scope)/\(storeid)"), "scope": .string(scope), "token": .int(token), "ttlMs": 60_000,
      ]
      if annotations.mutating { context["idempotencyKey"] = .string(key()) }
    }
    for member in changes { context[member.key] = member.value.isNull ? nil : member.value }
    object["context"] = .object(context)
    for member in extra { object[member.key] = member.value }
    return .object(object)
  }

  func key() -> String {
    keys += 1
    return "0190b5c8-0000-7000-8000-\(getpid())-\(number)-\(keys)"
  }

  func start(_ method: String, _ extra: JSONObject = [:], context: JSONObject = [:]) throws(CheckStop) -> Int64 {
    try session().start(method, params(method, extra, context: context))
  }

  func answer(_ method: String, _ extra: JSONObject = [:], context: JSONObject = [:]) throws(CheckStop) -> Answer {
    try finish(method, try start(method, extra, context: context))
  }

  /// The answer to a request that was started, checked against what the protocol says about the method.
  func finish(_ method: String, _ id: Int64, within time: Duration? = nil) throws(CheckStop) -> Answer {
    let answer = try session().answer(id, within: time)
    guard let description = MethodTable[method] else { return answer }
    switch answer {
    case .result(let json):
      do throws(JSONError) {
        _ = try description.normalizedResult(json)
      } catch {
        throw .failed("the result of \(method) does not fit the protocol: \(error)")
      }
    case .error(let fault):
      guard fault.code != .internalError else { throw .failed("\(method) failed inside the plugin: \(fault)") }
      let allowed = description.annotations.errors + [.methodNotFound]
      try require(
        allowed.contains(fault.code), "\(method) may not answer \(fault.code.symbol); it said \(fault)")
    }
    return answer
  }

  @discardableResult
  func result(_ method: String, _ extra: JSONObject = [:], context: JSONObject = [:]) throws(CheckStop) -> JSON {
    switch try answer(method, extra, context: context) {
    case .result(let json): return json
    case .error(let fault): throw .failed("\(method) was refused: \(fault)")
    }
  }

  @discardableResult
  func fault(
    _ method: String, _ extra: JSONObject = [:], context: JSONObject = [:], _ codes: StorageError.Code...
  ) throws(CheckStop) -> Fault {
    switch try answer(method, extra, context: context) {
    case .result(let json):
      throw .failed(
        "\(method) succeeded (\(json.text().prefix(120))) where \(Self.list(codes)) was due"
      )
    case .error(let fault):
      try require(
        codes.isEmpty || codes.contains(fault.code), "\(method) answered \(fault); due was \(Self.list(codes))")
      return fault
    }
  }

  private static func list(_ codes: [StorageError.Code]) -> String {
    codes.isEmpty ? "an error" : codes.map(\.symbol).joined(separator: " or ")
  }

  // MARK: Volumes

  static let vmid: Int64 = 9001

  /// A name nothing has yet, in the storage's grammar.
  func freshName(_ format: String, vmid: Int64 = Bench.vmid, prefix: String? = nil) -> String {
    names += 1
    let stem = "\(prefix ?? (format == "subvol" ? "subvol" : "vm"))-\(vmid)-disk-\(names)"
    return type.volumeNames == "directory" ? "\(vmid)/\(stem).\(format)" : stem
  }

  func size(_ format: String) -> Int64 { format == "subvol" ? 0 : target.volumeSize }

  func alloc(_ format: String? = nil, context: JSONObject = [:]) throws(CheckStop) -> String {
    let format = format ?? type.defaultFormat
    let name = freshName(format)
    try result("alloc_image", allocation(name, format), context: context)
    return name
  }

  func allocation(_ name: String, _ format: String, size: Int64? = nil) -> JSONObject {
    [
      "vmid": .int(Bench.vmid), "format": .string(format), "volname": .string(name),
      "size": .int(size ?? self.size(format)),
    ]
  }

  /// Every image the plugin lists.
  func images(_ extra: JSONObject = [:]) throws(CheckStop) -> [JSON] {
    var found: [JSON] = []
    var cursor: JSON?
    for _ in 0..<10_000 {
      var extra = extra
      if let cursor { extra["cursor"] = cursor }
      let page = try result("list_images", extra)
      found += page["volumes"]?.arrayValue ?? []
      cursor = page["nextCursor"]
      if cursor == nil { return found }
    }
    throw .failed("list_images never comes to its last page")
  }

  func imageNames(_ extra: JSONObject = [:]) throws(CheckStop) -> [String] {
    try images(extra).compactMap { $0["volname"]?.stringValue }
  }

  func exists(_ name: String) throws(CheckStop) -> Bool {
    switch try answer("volume_size_info", ["volname": .string(name)]) {
    case .result: return true
    case .error(let fault) where fault.code == .volumeNotFound: return false
    case .error(let fault): throw .failed("volume_size_info cannot tell whether \(name) exists: \(fault)")
    }
  }

  /// Checks an error's claim about what was left behind against what the storage says.
  func requireTruth(_ fault: Fault, about name: String, after what: String) throws(CheckStop) {
    let there = try exists(name)
    switch fault.outcome {
    case "not_started", "rolled_back":
      try require(!there, "\(what) says \(fault.outcome), but \(name) exists")
    case "completed": try require(there, "\(what) says completed, but \(name) does not exist")
    default: throw .failed("\(what) left \(fault.outcome): the protocol wants done or as if never begun")
    }
    let listed = try imageNames().contains(name)
    try require(listed == there, "\(name) is \(listed ? "" : "not ")listed but \(there ? "" : "does not ")exist")
  }

  // MARK: Streams

  func stream(_ direction: StreamEnd.Direction, source: [UInt8] = []) throws(CheckStop) -> StreamEnd {
    names += 1
    let stream = try StreamEnd(direction, path: "\(directory)/streams/s\(names)", source: source, owner: owner)
    try session().streams.append(stream)
    return stream
  }

  static func removeTree(_ path: String) {
    var status = stat()
    guard lstat(path, &status) == 0 else { return }
    if status.st_mode & S_IFMT == S_IFDIR, let listing = opendir(path) {
      while let entry = readdir(listing) {
        let name = withUnsafePointer(to: &entry.pointee.d_name) { pointer in
          pointer.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
        }
        if name != ".", name != ".." { removeTree("\(path)/\(name)") }
      }
      closedir(listing)
    }
    if remove(path) != 0, status.st_mode & S_IFMT == S_IFDIR { rmdir(path) }
  }
}
