// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0

import CShims
import Glibc
import Testing

@testable import PluginSandbox

@Suite(.timeLimit(.minutes(5))) struct FuzzTests {
  /// Seconds from `BERTH_FUZZ_SECONDS`, 2 without; the seed is printed, so that a failure can be repeated.
  @Test func theRequestDecoderSurvivesChangedRequestsUnderTheSanitizers() async throws {
    let fixture = try Fixture()
    let seconds = getenv("BERTH_FUZZ_SECONDS").flatMap { Int(String(cString: $0)) } ?? 2
    let seed = UInt64(bitPattern: berth_realtime_ns())
    let sources = "\(HostilePlugin.sources)/../../Sources"
    let log = fixture.directory + "/fuzz.log"
    let status = await Blocking.run {
      system(
        """
        cc -std=gnu17 -g -O1 -w -fsanitize=address,undefined -fno-sanitize-recover=all -I\(sources)/berth-launcher \
        -I\(sources)/CShims/include -o \(fixture.directory)/fuzz \(HostilePlugin.sources)/fuzz.c \
        \(sources)/berth-launcher/request.c \(sources)/CShims/broker.c \(sources)/CShims/launch.c \
        \(sources)/CShims/socket.c >\(log) 2>&1 \
        && \(fixture.directory)/fuzz \(seconds) \(seed) \(HostilePlugin.sources)/requests.corpus >>\(log) 2>&1
        """)
    }
    let text = SmallFile.read(log) ?? ""
    #expect(text.contains("verdicts known"))
    // A verdict that the kept corpus lacks: add the line to Tests/Hostile/requests.corpus.
    for line in text.split(separator: "\n") where line.hasPrefix("new: ") { print(line) }
    #expect(status == 0, "seed \(seed): \(SmallFile.read(log) ?? "")")
  }
}
