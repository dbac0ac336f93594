// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0

internal import ArgumentParser
internal import JSON
internal import StorageProtocol
internal import StorageRules

/// `berth volume parse`: answers without a daemon.
struct VolumeParse: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "parse", abstract: "Read volume names as a storage would; needs no daemon.",
    discussion: "The exit code is 1 when a name is refused.")

  @Option(help: "The grammar: directory, lvm, lvmthin, zfspool or rbd.") var grammar = "directory"
  @Option(help: "A plugin's manifest.json: its grammar and patterns instead.") var manifest: String?
  @Option(help: "With --manifest: the storage type, unless it has only one.") var type: String?
  @Flag(help: "Print JSON for programs.") var json = false
  @Argument(help: "The names, without `storage:`.") var names: [String]

  func validate() throws {
    guard VolumeGrammar(named: grammar) != nil else {
      let known = VolumeGrammar.allCases.map(\.rawValue).joined(separator: ", ")
      throw ValidationError("there is no grammar '\(grammar)'; there are: \(known)")
    }
  }

  /// The grammar and patterns to read by: those of a manifest, or the chosen grammar alone.
  private func rules() throws -> (grammar: VolumeGrammar, patterns: [VolumeNamePattern]) {
    guard let manifest else { return (VolumeGrammar(named: grammar) ?? .directory, []) }
    let bytes = try ConfigCheck.bytes(manifest)
    let plugin: PluginManifest
    do throws(ManifestError) { plugin = try PluginManifest(parsing: bytes) } catch {
      throw ValidationError("\(manifest): \(error)")
    }
    let types = plugin.storageTypes
    guard let chosen = type.map({ name in types.first { $0.type == name } }) ?? (types.count == 1 ? types[0] : nil)
    else {
      throw ValidationError("say which with --type: \(types.map(\.type).joined(separator: ", "))")
    }
    guard let grammar = chosen.volumeNames.flatMap(VolumeGrammar.init(named:)) else {
      throw ValidationError("type '\(chosen.type)' names no grammar: its plugin parses names itself")
    }
    return (grammar, chosen.volumeNamePatterns)
  }

  func run() throws {
    let (grammar, patterns) = try rules()
    var table = Table([
      .init("NAME"), .init("TYPE"), .init("VMID", .right), .init("FORMAT"), .init("BASE"),
      .init("REASON", flexible: true),
    ])
    var refused = false
    for text in names {
      var object: JSONObject = ["text": .string(text)]
      do throws(RulesError) {
        let name = try VolumeName(parsing: text, grammar: grammar, patterns: patterns)
        object.set("type", name.type.rawValue)
        object.set("name", name.name)
        object.setOptional("vmid", name.vmid)
        object.setOptional("basename", name.basename)
        object.setOptional("basevmid", name.basevmid)
        object.set("isBase", name.isBase)
        object.set("format", name.format.rawValue)
        table.add([
          text, name.type.rawValue, name.vmid.map(String.init) ?? "-", name.format.rawValue,
          name.basename ?? (name.isBase ? "(is one)" : "-"), "",
        ])
      } catch {
        refused = true
        object.set("refused", error.message)
        object.set("code", error.code.rawValue)
        table.add([text, "-", "-", "-", "-", error.message])
      }
      if json { Output.write(JSON.object(object).bytes() + [UInt8(ascii: "\n")]) }
    }
    if !json { table.print() }
    if refused { throw ExitCode(ExitStatus.failed.rawValue) }
  }
}
