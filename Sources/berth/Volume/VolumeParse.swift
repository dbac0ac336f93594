// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0

internal import ArgumentParser
internal import JSON
internal import StorageRules

/// `berth volume parse`: answers without a daemon.
struct VolumeParse: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "parse", abstract: "Read volume names as a storage would; needs no daemon.",
    discussion: "The exit code is 1 when a name is refused.")

  @Option(help: "The grammar: directory, lvm, lvmthin, zfspool or rbd.") var grammar = "directory"
  @Flag(help: "Print JSON for programs.") var json = false
  @Argument(help: "The names, without `storage:`.") var names: [String]

  func validate() throws {
    guard VolumeGrammar(named: grammar) != nil else {
      let known = VolumeGrammar.allCases.map(\.rawValue).joined(separator: ", ")
      throw ValidationError("there is no grammar '\(grammar)'; there are: \(known)")
    }
  }

  func run() throws {
    guard let grammar = VolumeGrammar(named: grammar) else { return }
    var table = Table([
      .init("NAME"), .init("TYPE"), .init("VMID", .right), .init("FORMAT"), .init("BASE"),
      .init("REASON", flexible: true),
    ])
    var refused = false
    for text in names {
      var object: JSONObject = ["text": .string(text)]
      do throws(RulesError) {
        let name = try VolumeName(parsing: text, grammar: grammar)
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
