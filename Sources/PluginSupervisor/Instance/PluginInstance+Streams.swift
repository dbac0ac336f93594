// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0

internal import Glibc
public import JSON
public import StorageProtocol

extension PluginInstance {
  /// Has the plugin send a stream (`volume_export` and its like) and moves the bytes to the sink.
  ///
  /// - Parameters:
  ///   - params: the arguments without `context`, `stream` and `digest`, which are set here.
  ///   - stream: how it is moved; its digest is asked for and compared.
  /// - Returns: the plugin's answer and what passed; byte count and digest were found equal.
  /// - Throws: as ``call(_:_:context:options:)``, and `STREAM_BROKEN`.
  public nonisolated func export(
    _ method: String, _ params: JSONObject, to sink: StreamSink,
    stream: StreamOptions = StreamOptions(), context: CallContext = CallContext(),
    options: CallOptions = CallOptions()
  ) async throws(StorageError) -> (JSON, StreamReport) {
    let directory = try await streamDirectory(options)
    let (options, life) = watched(options)
    do throws(StreamCallError<StorageError>) {
      return try await StreamRelay.export(from: directory, to: sink, options: stream, life: life) { reference in
        await self.streamCall(method, params, reference, stream, context, options)
      }
    } catch {
      throw StorageError(error, method: method, name: configuration.name, afterSuccess: .notStarted)
    }
  }

  /// Has the plugin receive a stream (`volume_import` and its like) from the source.
  ///
  /// - Parameters, result and errors: as in ``export(_:_:to:stream:context:options:)``.
  public nonisolated func `import`(
    _ method: String, _ params: JSONObject, from source: StreamSource,
    stream: StreamOptions = StreamOptions(), context: CallContext = CallContext(),
    options: CallOptions = CallOptions()
  ) async throws(StorageError) -> (JSON, StreamReport) {
    let directory = try await streamDirectory(options)
    let (options, life) = watched(options)
    do throws(StreamCallError<StorageError>) {
      return try await StreamRelay.import(into: directory, from: source, options: stream, life: life) { reference in
        await self.streamCall(method, params, reference, stream, context, options)
      }
    } catch {
      // The plugin holds it for complete; its contents are not what was sent.
      throw StorageError(error, method: method, name: configuration.name, afterSuccess: .partial)
    }
  }

  /// The options with the call's signs of life noted for its stream.
  private nonisolated func watched(_ options: CallOptions) -> (CallOptions, SignsOfLife) {
    let life = SignsOfLife()
    var watched = options
    watched.onProgress = { progress in
      life.note()
      options.onProgress?(progress)
    }
    return (watched, life)
  }

  private nonisolated func streamCall(
    _ method: String, _ params: JSONObject, _ reference: StreamReference, _ stream: StreamOptions,
    _ context: CallContext, _ options: CallOptions
  ) async -> Result<(JSON, StreamClaim), StorageError> {
    var params = params
    params["stream"] = reference.wire.json()
    if let digest = stream.digest { params["digest"] = digest.wire.json() }
    do throws(StorageError) {
      let reply = try await call(method, params, context: context, options: options)
      do throws(JSONError) {
        let members = try reply.object()
        let bytes: Int64 = try members.required("bytes")
        let digest: WireDigest? = try members.optional("digest")
        return .success((reply, StreamClaim(bytes: bytes, digest: digest?.local)))
      } catch {
        return .failure(
          StorageError(
            .resultInvalid, "the result of \(method) by \(configuration.name) is wrong: \(error)", outcome: .unknown))
      }
    } catch {
      return .failure(error)
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
    let code: Code =
      switch failure.code {
      case .cancelled: .cancelled
      case .setup: .internalError
      case .callerFull: .noSpace
      default: .streamBroken
      }
    self.init(
      code, "\(method) of \(name): \(failure.description)", outcome: outcome,
      hint: code == .noSpace ? "free space where the stream is written, or write elsewhere" : nil, details: details)
  }
}
