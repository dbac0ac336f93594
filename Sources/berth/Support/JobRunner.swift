// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0

internal import ArgumentParser
internal import BerthClient
internal import JSON
internal import ManagementTypes

/// What makes it safe to repeat a change.
struct KeyOptions: ParsableArguments {
  @Option(help: "A key that makes it safe to repeat this very request.") var idempotencyKey: String?
}

/// How a command that makes a change goes on.
struct JobOptions: ParsableArguments {
  @Flag(help: "Do not wait: print the job's id and return.")
  var detach = false
  @OptionGroup var key: KeyOptions
}

/// Makes changes on behalf of a command: waits for each and shows how far it is, or leaves it to itself.
enum JobRunner {
  /// Seconds after which a change that goes on shows its progress.
  private static let patience: Int64 = 1

  /// Makes the change and prints what it gave, or only the job's id when detached.
  /// - Parameter text: the result for people; nothing is printed for an empty one.
  static func run(
    _ change: Change, client: BerthClient, global: GlobalOptions, options: JobOptions,
    text: (JSON) -> String = { _ in "" }
  ) async throws(ClientError) {
    let begun = try await client.begin(
      change, wait: options.detach ? 0 : patience, idempotencyKey: options.key.idempotencyKey)
    switch begun {
    case .running(let job) where options.detach:
      if global.json { Output.json(job) } else { Output.line(job.id) }
    case .running(let job): show(try await wait(for: job, client: client, global: global).result ?? .null, global, text)
    case .done(let result): show(result, global, text)
    }
  }

  /// Makes the change and gives its result, showing how far it is meanwhile.
  /// - Parameter total: what a progress that names no total of its own is part of.
  static func result<Answer: JSONDecodable>(
    of change: Change, client: BerthClient, global: GlobalOptions, key: String? = nil, total: Int64? = nil,
    as type: Answer.Type = Answer.self
  ) async throws(ClientError) -> Answer {
    let json: JSON
    switch try await client.begin(change, wait: patience, idempotencyKey: key) {
    case .done(let result): json = result
    case .running(let job):
      json = try await wait(for: job, client: client, global: global, total: total).result ?? .null
    }
    do { return try Answer(json: json) } catch {
      throw ClientError(.badAnswer, "the daemon's answer is not understood: \(error)", place: client.socket)
    }
  }

  /// Shows a job's progress until it ends.
  /// - Throws: what it failed with.
  static func wait(
    for job: JobView, client: BerthClient, global: GlobalOptions, total: Int64? = nil
  ) async throws(ClientError) -> JobView {
    let bar = ProgressBar(quiet: global.json)
    let result: Result<JobView, ClientError>
    do { result = .success(try await client.wait(for: job) { bar.show($0, total: total) }) } catch {
      result = .failure(error)
    }
    bar.clear()
    return try result.get()
  }

  private static func show(_ result: JSON, _ global: GlobalOptions, _ text: (JSON) -> String) {
    if global.json {
      if !result.isNull { Output.json(result) }
      return
    }
    let text = text(result)
    if !text.isEmpty { Output.line(text) }
  }

  /// The id of the volume a change made.
  static func volid(_ result: JSON) -> String { Failure.clean(result["volid"]?.stringValue ?? "") }
}
