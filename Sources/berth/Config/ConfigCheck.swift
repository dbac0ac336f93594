// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0

internal import ArgumentParser
internal import BerthClient
internal import CShims
internal import Glibc
internal import JSON
internal import StorageConfig
internal import StorageProtocol

/// `berth config check`: answers without a daemon.
struct ConfigCheck: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "check", abstract: "Check a storage.cfg: sections, order, digest, every fault with its line.",
    discussion: """
      Needs no daemon. With --plugin-dir each section is judged by the schema of the plugin that serves its type; \
      without it only by the file's grammar and the options all types share. Secrets are never shown. The exit code is 1 \
      when there is an error.
      """)

  @Argument(help: "The file; - is standard input.") var file: String
  @Option(help: "A directory of plugin bundles whose manifests say what is right; may be given several times.")
  var pluginDir: [String] = []
  @Flag(help: "Print JSON for programs.") var json = false

  func run() throws {
    Failure.asJSON = json
    let report = ConfigReport(
      StorageConfigFile(parsing: try Self.bytes(file)), schema: try schema(), isComplete: !pluginDir.isEmpty)
    if json {
      Output.json(report)
    } else {
      Output.line("digest \(report.digest)")
      for section in report.sections { Self.show(section) }
      for problem in report.problems {
        Output.line(
          "\(file):\(problem.line.map(String.init) ?? "-"): \(problem.severity.rawValue): "
            + Failure.clean("\(problem.storeid.map { "storage \($0): " } ?? "")\(problem.message)"))
      }
    }
    if report.hasErrors { throw ExitCode(ExitStatus.failed.rawValue) }
  }

  private static func show(_ section: ConfigReport.Section) {
    Output.line(Failure.clean("\(section.type): \(section.id)") + " (line \(section.line), \(section.state.rawValue))")
    for member in section.config where member.key != "type" {
      let isDefault = section.defaults.contains(member.key) ? " (default)" : ""
      let value = member.value.stringValue ?? String(decoding: member.value.bytes(), as: UTF8.self)
      Output.line("    \(member.key) \(Failure.clean(value))\(isDefault)")
    }
  }

  /// The types of all bundles in the given directories.
  private func schema() throws -> StorageSchema {
    var manifests: [PluginManifest] = []
    for directory in pluginDir {
      for bundle in try Self.names(directory) {
        let path = "\(directory)/\(bundle)/manifest.json"
        guard access(path, R_OK) == 0 else { continue }
        do {
          manifests.append(try PluginManifest(json: try JSON.parse(Self.bytes(path))))
        } catch {
          // One bad bundle does not keep the others from judging.
          Failure.write("warning: \(path): \(Failure.clean("\(error)"))\n")
        }
      }
    }
    let (schema, problems) = StorageSchema.reading(manifests)
    for problem in problems { Failure.write("warning: \(Failure.clean(problem.description))\n") }
    return schema
  }

  private static func names(_ directory: String) throws(ClientError) -> [String] {
    guard let stream = opendir(directory) else {
      throw ClientError(
        .local, "cannot list the directory: \(String(cString: strerror(errno)))", place: directory,
        hint: "name a directory of plugin bundles")
    }
    defer { closedir(stream) }
    var names: [String] = []
    while let entry = readdir(stream) {
      names.append(withUnsafeBytes(of: entry.pointee.d_name) { String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self) })
    }
    return names.filter { !$0.hasPrefix(".") }.sorted()
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
