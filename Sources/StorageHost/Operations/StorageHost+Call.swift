// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0

public import JSON
internal import Jobs
public import StorageProtocol

extension StorageHost {
  /// Calls any plugin-side method of the protocol by name, with the same checks, locks and journal as the operations
  /// above: the way for rare methods and for facades that speak the protocol's own names.
  ///
  /// Methods the host gives a meaning of its own (`alloc_image`, …) go to that operation: names are chosen, not taken.
  /// - Parameters:
  ///   - storeid: the storage; for definition methods the argument `type` may name the storage type instead.
  ///   - arguments: the method's own, without `storeid` and `scfg`.
  /// - Returns: the result in the protocol's shape.
  public func call(
    _ method: String, on storeid: String?, _ arguments: JSONObject = [:], _ caller: Caller
  ) async throws(StorageError) -> JSONObject {
    guard let description = MethodTable[method], let route = CallTable.routes[method] else {
      throw .refused(.methodNotFound, "there is no method \(Quoted(method))", hint: "see protocol/v1/reference.md")
    }
    if case .definition(let answer) = route {
      if arguments["type"] == nil, let storeid {
        try InputChecks.storeid(storeid)
        return try await answer(self, try configuredType(storeid))
      }
      return try await answer(self, try arguments.text("type"))
    }
    guard let storeid else {
      throw .refused(.invalidParams, "\(method) is a question to a storage", hint: "say which", field: "storeid")
    }
    try InputChecks.storeid(storeid)
    try InputChecks.arguments(arguments)
    switch route {
    case .definition: return [:]
    case .operation(let operation): return try await operation(self, storeid, arguments, caller)
    case .question:
      let storage = try await registry.storage(storeid)
      let params = try normalized(description, storage, arguments)
      return try await storage.call(method, params, CallRun(caller))
    case .nodeLocal:
      return try await nodeLocal(
        method, storeid, try arguments.text("volname"), arguments["snapname"]?.stringValue,
        arguments["hints"]?.objectValue ?? [:], caller)
    case .refused(let code, let why): throw .refused(code, "\(method): \(why)", hint: nil)
    }
  }

  /// The arguments as the method reads them; what does not fit never reaches a plugin.
  private func normalized(
    _ description: MethodDescription, _ storage: Storage, _ arguments: JSONObject
  ) throws(StorageError) -> JSONObject {
    do throws(JSONError) {
      var params = try description.normalizedParams(.object(storage.parameters(arguments))).object()
      params["storeid"] = nil
      params["scfg"] = nil
      return params
    } catch { throw StorageError(.invalidParams, error, outcome: .notStarted) }
  }
}

extension StorageHost {
  /// Whether a method changes what a storage holds: such a call belongs into a job, see ``HostOperation/call(_:_:_:)``.
  public static func isChange(_ method: String) -> Bool { MethodTable[method]?.annotations.mutating == true }

  /// Whether ``call(_:on:_:_:)`` knows the method: the host's column of the coverage table.
  public static func isReachable(_ method: String) -> Bool { CallTable.routes[method] != nil }
}
