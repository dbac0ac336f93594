// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0

import JSON
import StorageConfig
import Testing

@Suite struct ConfigReportTests {
  private let text = """
    # a file of Proxmox VE
    dir: local
    \tpath /var/lib/vz
    \tcontent iso,backup

    pbs: vault
    \tserver 10.0.0.9
    \tdatastore d
    \tpassword hunter2
    \tcontent zork

    lvm: disks
    \tvgname vg
    \tnodes a

    dir: bad
    \tretries many
    """

  @Test func `every section is told with state, values and defaults`() {
    let report = ConfigReport(StorageConfigFile(text), schema: .test, isComplete: false)
    #expect(report.sections.map(\.id) == ["local", "vault", "disks", "bad"])
    #expect(report.sections.map(\.state) == [.usable, .broken, .unjudged, .broken])
    #expect(report.sections[0].config["retries"] == 3)
    #expect(report.sections[0].defaults == ["retries"])
    #expect(report.sections[2].config == ["type": "lvm", "nodes": ["a"]])
    #expect(report.problems.filter { $0.severity == .error }.map(\.line) == [10, 16, 17])
    #expect(report.hasErrors)
    #expect(!String(decoding: report.json().bytes(), as: UTF8.self).contains("hunter2"))
  }

  @Test func `with all plugins at hand a foreign type is an error`() {
    let report = ConfigReport(StorageConfigFile(text), schema: .test, isComplete: true)
    #expect(report.sections.map(\.state) == [.usable, .broken, .broken, .broken])
    #expect(report.sections[2].problems.first?.message.contains("'lvm'") == true)
  }
}
