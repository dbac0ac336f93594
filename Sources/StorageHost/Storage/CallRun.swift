// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0

internal import Jobs
internal import StorageProtocol

/// How one call to a plugin is made: everything that goes into its context, and its deadline.
struct CallRun: Sendable {
  /// The lease a mutating call runs under.
  struct Lock: Sendable {
    var name: String
    var scope: String
    var token: UInt64
    var ttl: Duration
  }

  var actor: String
  var timeout: Duration?
  var idempotencyKey: String?
  /// The key under which the operation called the plugin: for sending the very same request again.
  var firstKey: String?
  var lock: Lock?
  var traceparent: String?
  /// Only a look at the storage, which does not keep its process from being idle.
  var isLook = false
  /// Takes progress reports and stderr-worthy remarks of the operation.
  var job: JobHandle?

  init(_ caller: Caller) {
    actor = caller.actor
    timeout = caller.timeout
    traceparent = caller.traceparent
    job = caller.job
  }

  static let host = CallRun(.host)

  /// The same for a question on the side: no lock, no key, the method's own deadline.
  var question: CallRun {
    var run = self
    run.lock = nil
    run.idempotencyKey = nil
    run.timeout = nil
    run.job = nil
    return run
  }
}
