// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0

internal import ArgumentParser

/// `berth volume`
struct VolumeCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "volume", abstract: "The volumes on the storages: disk images, templates, backups.",
    subcommands: [
      VolumeActivate.self, VolumeAlloc.self, VolumeBase.self, VolumeClone.self, VolumeCopy.self, VolumeDeactivate.self,
      VolumeFree.self, VolumeHasFeature.self, VolumeInfo.self, VolumeList.self, VolumeMap.self, VolumeMove.self,
      VolumeNextName.self, VolumeNotes.self, VolumeParse.self, VolumePath.self, VolumeProtect.self, VolumeRename.self,
      VolumeResize.self, VolumeUnmap.self,
    ])
}
