// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0

internal import JSON
internal import StorageProtocol

/// Serves one method, types erased.
protocol MethodHandler: Sendable {
  func serve(_ json: JSON, _ call: PluginCall) async throws(StorageError) -> JSON
}

/// A handler with its method: reads the arguments, writes the result, translates what is thrown.
struct TypedHandler<Method: StorageMethod>: MethodHandler {
  let handler: StoragePlugin.Handler<Method>

  func serve(_ json: JSON, _ call: PluginCall) async throws(StorageError) -> JSON {
    let params: Method.Params
    do throws(JSONError) {
      params = try Method.Params(json: json, path: .root)
    } catch {
      throw StorageError(.invalidParams, error, outcome: .notStarted)
    }
    let result: Method.Result
    do {
      result = try await handler(params, call)
    } catch {
      throw HandlerFailure.translate(error, method: Method.name)
    }
    return result.json()
  }
}
