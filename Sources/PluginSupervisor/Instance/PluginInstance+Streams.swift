// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0

internal import Glibc
internal import JSON
public import StorageProtocol

extension PluginInstance {
  /// Has the plugin send a volume and moves the bytes to the sink.
  ///
  /// - Parameters:
  ///   - params: makes the request from the stream's place and the digest to ask for.
  ///   - stream: how it is moved; its digest is asked for and compared.
  /// - Returns: what passed; byte count and digest are the plugin's too.
  /// - Throws: as ``call(_:_:context:options:)``, and `STREAM_BROKEN`.
  public nonisolated func exportVolume(
    to sink: StreamSink, stream: StreamOptions = StreamOptions(), context: CallContext = CallContext(),
    options: CallOptions = CallOptions(),
    params: @escaping @Sendable (StreamRef, WireDigestAlgorithm?) -> VolumeExport.Params
  ) async throws(StorageError) -> StreamReport {
    let directory = try await streamDirectory(options)
    do throws(StreamCallError<StorageError>) {
      return try await StreamRelay.export(from: directory, to: sink, options: stream) {
        (reference) -> Result<(VolumeExport.Result, StreamClaim), StorageError> in
        let params = params(reference.wire, stream.digest?.wire)
        do throws(StorageError) {
          let reply = try await self.call(VolumeExport.self, params, context: context, options: options)
          return .success((reply, StreamClaim(bytes: reply.bytes, digest: reply.digest?.local)))
        } catch {
          return .failure(error)
        }
      }.1
    } catch {
      throw StorageError(error, method: VolumeExport.name, name: configuration.name, afterSuccess: .notStarted)
    }
  }

  /// Has the plugin receive a volume from the source.
  ///
  /// - Parameters and errors: as in ``exportVolume(to:stream:context:options:params:)``.
  /// - Returns: the plugin's answer and what passed.
  public nonisolated func importVolume(
    from source: StreamSource, stream: StreamOptions = StreamOptions(), context: CallContext = CallContext(),
    options: CallOptions = CallOptions(),
    params: @escaping @Sendable (StreamRef, WireDigestAlgorithm?) -> VolumeImport.Params
  ) async throws(StorageError) -> (VolumeImport.Result, StreamReport) {
    let directory = try await streamDirectory(options)
    do throws(StreamCallError<StorageError>) {
      return try await StreamRelay.import(into: directory, from: source, options: stream) {
        (reference) -> Result<(VolumeImport.Result, StreamClaim), StorageError> in
        let params = params(reference.wire, stream.digest?.wire)
        do throws(StorageError) {
          let reply = try await self.call(VolumeImport.self, params, context: context, options: options)
          return .success((reply, StreamClaim(bytes: reply.bytes, digest: reply.digest?.local)))
        } catch {
          return .failure(error)
        }
      }
    } catch {
      // The plugin holds it for complete; its contents are not what was sent.
      throw StorageError(error, method: VolumeImport.name, name: configuration.name, afterSuccess: .partial)
    }
  }

  /// The child must run before its FIFO can be given to its user.
  private nonisolated func streamDirectory(_ options: CallOptions) async throws(StorageError) -> StreamDirectory {
    guard let path = configuration.streamsPath else {
      throw StorageError(.notSupported, "\(configuration.name) was started without streams", outcome: .notStarted)
    }
    let child = try await child(
      until: .now + (options.timeout ?? configuration.handshakeTimeout * 3), waitsForRestart: options.waitsForRestart)
    let uid = child.process.uid
    return StreamDirectory(path: path, owner: uid == geteuid() ? nil : uid)
  }
}

extension StreamReference {
  var wire: StreamRef { StreamRef(id: id, path: path) }
}

extension DigestAlgorithm {
  var wire: WireDigestAlgorithm { WireDigestAlgorithm(rawValue: rawValue) }
}

extension WireDigest {
  /// nil when the algorithm is none this host knows; it then counts as missing.
  var local: StreamDigest? {
    DigestAlgorithm(rawValue: algorithm.rawValue).map { StreamDigest(algorithm: $0, value: value) }
  }
}

extension StorageError {
  /// A streaming call's failure.
  ///
  /// - Parameter afterSuccess: what is true when the plugin answered well but the stream was not whole.
  init(_ error: StreamCallError<StorageError>, method: String, name: String, afterSuccess: Outcome) {
    let failure: StreamFailure
    var outcome = afterSuccess
    switch error {
    case .call(let own):
      self = own
      return
    case .stream(let stream):
      failure = stream
      if stream.code == .setup { outcome = .notStarted }
    case .both(let call, let stream):
      if call.code == .pluginUnreapable {
        self = call
        return
      }
      failure = stream
      outcome = call.outcome
    }
    var details: JSONObject = ["bytes": .int(failure.bytes)]
    details.setOptional("expected", failure.expected)
    details["cause"] = .string(failure.code.rawValue)
    self.init(
      failure.code == .cancelled ? .cancelled : failure.code == .setup ? .internalError : .streamBroken,
      "\(method) of \(name): \(failure.description)", outcome: outcome, details: details)
  }
}
