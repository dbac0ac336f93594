// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0

internal import HTTPTypes
internal import Hummingbird
internal import ManagementTypes
internal import StorageHost

extension Caller {
  /// Who asks, with the request's idempotency key and trace context.
  init(_ request: Request, _ context: APIContext) throws(Problem) {
    let trace = HTTPField.Name("traceparent").flatMap { request.headers[$0] }
    self.init(
      actor: context.actor, idempotencyKey: try request.idempotencyKey(),
      traceparent: trace.flatMap { (1...128).contains($0.utf8.count) ? $0 : nil })
  }
}
