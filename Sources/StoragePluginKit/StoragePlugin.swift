// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0

public import StorageProtocol

/// A storage plugin: facts, handlers, and a loop that serves them.
///
/// ```swift
/// var plugin = StoragePlugin(PluginFacts(id: "org.example.tiny", version: "1.0"))
/// plugin.on(QueryStatus.self) { params, call in
///   .init(total: 100, used: 1, available: 99, active: true)
/// }
/// await plugin.run()
/// ```
///
/// Standard output belongs to the protocol: ``run()`` moves it away before anything else, so `print` ends in the host's
/// log. A handler throws ``StorageError`` to fail with a symbol of the error table; any other error becomes
/// INTERNAL_ERROR with outcome `unknown`. The kit answers what every plugin must: version negotiation, requests before
/// `initialize` or after `shutdown`, unknown methods, arguments that do not fit, features it does not know, stale
/// fencing tokens, and repeated idempotency keys.
public struct StoragePlugin: Sendable {
  /// Serves one method; throws what failed.
  public typealias Handler<Method: StorageMethod> =
    @Sendable (Method.Params, PluginCall) async throws -> Method.Result

  public var facts: PluginFacts
  /// Features a host may require of a request (`context.require`).
  public var features: Set<String> = []
  /// Told what `initialize` agreed on, before the first request.
  public var onInitialize: (@Sendable (Initialize.Params) -> Void)?
  private(set) var handlers: [String: any MethodHandler] = [:]

  public init(_ facts: PluginFacts) {
    self.facts = facts
  }

  /// Serves the method with the handler; the last one given counts.
  ///
  /// - Precondition: the method is one a plugin implements (``MethodTable/implementable``).
  public mutating func on<Method: StorageMethod>(_ method: Method.Type, _ handler: @escaping Handler<Method>) {
    precondition(
      method.annotations.direction == .hostToPlugin && method.annotations.onWire
        && method.annotations.group != "lifecycle", "\(method.name) is not for plugins to implement")
    handlers[method.name] = TypedHandler<Method>(handler: handler)
  }

  /// Methods it implements, sorted.
  public var methods: [String] { handlers.keys.sorted() }
}
