// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0

internal import JSON
internal import Jobs
public import PluginSupervisor
internal import StorageProtocol

/// Operations that move a volume's data.
extension HostOperation {
  /// See ``StorageHost/copy(_:_:to:_:_:_:)``. Gives a ``TransferReport``.
  public static func copy(
    _ storeid: String, _ volname: String, to targetStoreid: String, _ target: ImportTarget? = nil,
    _ options: TransferOptions = TransferOptions()
  ) -> HostOperation {
    let request = request(volname, targetStoreid, target, options.format, options)
    return HostOperation("copy", on: storeid, "copy \(storeid):\(volname) to \(targetStoreid)", request) {
      (host, caller) async throws(StorageError) in
      try await host.copy(storeid, volname, to: targetStoreid, target, options, caller).json()
    }
  }

  /// See ``StorageHost/move(_:_:to:_:_:_:)``. Gives a ``TransferReport``.
  public static func move(
    _ storeid: String, _ volname: String, to targetStoreid: String, _ target: ImportTarget? = nil,
    _ options: TransferOptions = TransferOptions()
  ) -> HostOperation {
    let request = request(volname, targetStoreid, target, options.format, options)
    return HostOperation("move", on: storeid, "move \(storeid):\(volname) to \(targetStoreid)", request) {
      (host, caller) async throws(StorageError) in
      try await host.move(storeid, volname, to: targetStoreid, target, options, caller).json()
    }
  }

  /// See ``StorageHost/import(_:_:format:from:_:_:)``. Gives a ``TransferReport``; for ``StorageHost/attached(_:_:)``.
  public static func `import`(
    _ storeid: String, _ target: ImportTarget, format: String, from source: StreamSource,
    _ options: TransferOptions = TransferOptions()
  ) -> HostOperation {
    let request = request(nil, nil, target, format, options)
    return HostOperation("volume_import", on: storeid, "import a \(format) stream into \(storeid)", request) {
      (host, caller) async throws(StorageError) in
      try await host.import(
        storeid, target, format: format, from: source, options.shown("import", caller.job), caller
      ).json()
    }
  }

  /// See ``StorageHost/export(_:_:format:to:_:_:)``. Gives a ``TransferReport``; for ``StorageHost/attached(_:_:)``.
  public static func export(
    _ storeid: String, _ volname: String, format: String, to sink: StreamSink,
    _ options: TransferOptions = TransferOptions()
  ) -> HostOperation {
    let request = request(volname, nil, nil, format, options)
    return HostOperation("volume_export", on: storeid, "export \(storeid):\(volname) as \(format)", request) {
      (host, caller) async throws(StorageError) in
      try await host.export(
        storeid, volname, format: format, to: sink, options.shown("export", caller.job), caller
      ).json()
    }
  }

  private static func request(
    _ volname: String?, _ targetStoreid: String?, _ target: ImportTarget?, _ format: String?,
    _ options: TransferOptions
  ) -> JSONObject {
    var request = JSONObject()
    request.setOptional("volname", volname)
    request.setOptional("targetStoreid", targetStoreid)
    request.setOptional("target", target?.label)
    request.setOptional("mayRename", target?.mayRename)
    request.setOptional("format", format)
    request.setOptional("snapname", options.snapname)
    request.setOptional("baseSnapshot", options.baseSnapshot)
    request.set("withSnapshots", options.withSnapshots)
    request.setOptional("digest", options.digest?.rawValue)
    request.setOptional("bytesPerSecond", options.bytesPerSecond)
    return request
  }
}

extension TransferOptions {
  /// The same, the bytes that pass shown as the job's progress.
  fileprivate func shown(_ phase: String, _ job: JobHandle?) -> TransferOptions {
    guard let job else { return self }
    var options = self
    options.progress = StreamProgress { job.report(JobProgress(phase: phase, done: $0, unit: "bytes")) }
    return options
  }
}
