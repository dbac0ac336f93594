// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0

internal import ArgumentParser

/// `berth job`
struct JobCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "job", abstract: "Work that takes long: copies, moves and what else runs by itself.",
    subcommands: [JobCancel.self, JobList.self, JobLog.self, JobShow.self, JobWait.self])
}
