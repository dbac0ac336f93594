// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0

import PluginSandbox
import Testing

@Suite struct SandboxLayersTests {
  @Test func everyLayerHasItsOwnBitAndName() {
    let bits = SandboxLayers.names.map(\.0.rawValue)
    #expect(Set(bits).count == bits.count)
    #expect(Set(SandboxLayers.names.map(\.1)).count == bits.count)
    #expect(SandboxLayers(rawValue: bits.reduce(0, |)).labels.count == bits.count)
  }
}
