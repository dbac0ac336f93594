// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0

internal import ArgumentParser

/// `berth volume`
struct VolumeCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "volume", abstract: "The volumes on the storages: disk images, templates, backups.",
    subcommands: [
      VolumeAlloc.self, VolumeBase.self, VolumeClone.self, VolumeCopy.self, VolumeFree.self, VolumeInfo.self,
      VolumeList.self, VolumeMove.self, VolumeNextName.self, VolumeNotes.self, VolumeParse.self, VolumePath.self,
      VolumeProtect.self, VolumeRename.self, VolumeResize.self,
    ])
}
