// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0

internal import ArgumentParser
internal import BerthClient
internal import CShims
internal import Glibc
internal import JSON
internal import StorageConfig

/// `berth config check`: answers without a daemon.
struct ConfigCheck: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "check", abstract: "Check a storage.cfg: sections, order, digest, every fault with its line.",
    discussion: """
      Needs no daemon. Without the plugins' schemas types and properties are not judged, only the file's grammar. The \
      exit code is 1 when there is an error.
      """)

  @Argument(help: "The file; - is standard input.") var file: String
  @Flag(help: "Print JSON for programs.") var json = false

  func run() throws {
    Failure.asJSON = json
    let config = StorageConfigFile(parsing: try Self.bytes(file))
    if json {
      Output.json(
        [
          "digest": .string(config.digest),
          "sections": .array(config.sections.map { ["storeid": .string($0.id), "type": .string($0.type)] }),
          "problems": .array(config.problems.map(Self.json)),
        ] as JSON)
    } else {
      Output.line("digest \(config.digest)")
      for section in config.sections { Output.line("\(section.type): \(section.id)") }
      for problem in config.problems {
        Output.line(
          "\(file):\(problem.line.map(String.init) ?? "-"): \(problem.severity.rawValue): \(Failure.clean(problem.message))"
        )
      }
    }
    if config.problems.contains(where: { $0.severity == .error }) { throw ExitCode(ExitStatus.failed.rawValue) }
  }

  private static func json(_ problem: ConfigProblem) -> JSON {
    var object: JSONObject = ["severity": .string(problem.severity.rawValue), "message": .string(problem.message)]
    object.setOptional("line", problem.line)
    object.setOptional("storeid", problem.storeid)
    object.setOptional("property", problem.property)
    return .object(object)
  }

  /// Everything in a file or on standard input.
  static func bytes(_ file: String) throws(ClientError) -> [UInt8] {
    let fd = file == "-" ? STDIN_FILENO : open(file, O_RDONLY | O_CLOEXEC)
    guard fd >= 0 else {
      throw ClientError(
        .local, "cannot read the file: \(String(cString: strerror(errno)))", place: file,
        hint: "name a file you may read")
    }
    var bytes: [UInt8] = []
    var part = [UInt8](repeating: 0, count: 64 << 10)
    while true {
      let count = berth_read(fd, &part, part.count)
      guard count >= 0 else {
        throw ClientError(.local, "cannot read the file: \(String(cString: strerror(Int32(-count))))", place: file)
      }
      if count == 0 { return bytes }
      bytes += part[..<count]
    }
  }
}
