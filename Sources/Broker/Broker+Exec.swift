// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0

internal import PluginSandbox
internal import StorageProtocol

extension Broker {
  /// Runs a program from the grant as the plugin's own user: it lends the host's view, not root's power. Each limit of the
  /// grant is a template by its name.
  func exec(_ params: HostExec.Params, _ service: GrantedService) async throws(StorageError) -> HostExec.Result {
    let client = service.client
    let text = client.permissions.broker.filter { $0.covers(service.method) }
      .compactMap { $0.limits[params.template] }.first
    guard let text, let template = ExecTemplate(text) else {
      throw .denied("template \(ForeignText.quoted(params.template)) is not granted to '\(client.storeid)'")
    }
    var operation = BrokerOperation(.exec)
    operation.uid = client.uid
    operation.arguments = try template.filled(params.arguments)
    operation.input = Array((params.stdin ?? "").utf8)
    let outcome = try await perform(operation, service.method, storeid: client.storeid)
    if outcome.error != 0 {
      var error = failure(outcome, service.method)
      error.code = .backendError
      throw error
    }
    return HostExec.Result(
      exitCode: Int(outcome.status), stdout: Self.text(outcome.output, 1 << 20),
      stderr: Self.text(outcome.errors, 64 << 10)
    )
  }

  /// At most that many characters of what it printed; bytes that are no text are replaced.
  private static func text(_ bytes: [UInt8], _ limit: Int) -> String {
    String(String(decoding: bytes.prefix(limit), as: UTF8.self).unicodeScalars.prefix(limit).map(Character.init))
  }
}
