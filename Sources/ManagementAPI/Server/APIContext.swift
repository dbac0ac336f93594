// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0

public import Hummingbird
internal import ManagementTypes
internal import NIOCore

/// What a request carries through the router.
public struct APIContext: RequestContext {
  public var coreContext: CoreRequestContextStorage
  /// Who asks; set before any route runs.
  public var peer: Peer?
  let channel: any Channel

  public init(source: ApplicationRequestContextSource) {
    coreContext = CoreRequestContextStorage(source: source)
    channel = source.channel
  }

  /// Refuses: only one JSON parser reads what comes in, and it is not this one.
  public var requestDecoder: NoDecoder { NoDecoder() }
  /// Refuses likewise.
  public var responseEncoder: NoEncoder { NoEncoder() }

  /// Stands where a second JSON parser would.
  public struct NoDecoder: RequestDecoder {
    public func decode<T: Decodable>(
      _ type: T.Type, from request: Request, context: some RequestContext
    ) async throws -> T {
      throw Problem(status: 500, symbol: "INTERNAL", detail: "a route asked for a decoder that is not used here")
    }
  }

  /// Stands where a second JSON writer would.
  public struct NoEncoder: ResponseEncoder {
    public func encode(_ value: some Encodable, from request: Request, context: some RequestContext) throws -> Response
    {
      throw Problem(status: 500, symbol: "INTERNAL", detail: "a route asked for an encoder that is not used here")
    }
  }
}

extension APIContext {
  /// A path parameter, percent-decoded.
  func parameter(_ name: String) throws(Problem) -> String {
    guard let raw = parameters.get(name), let value = APIPath.decode(raw), !value.isEmpty else {
      throw Problem(
        status: 400, symbol: "BAD_REQUEST", detail: "the path's \(name) is empty or badly percent-encoded",
        place: name, hint: "encode it as one segment: a slash in it is %2F, a colon %3A")
    }
    return value
  }

  /// Who asks, for journals and logs.
  var actor: String { peer?.actor ?? "unknown" }
}
