// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0

import CShims
import Glibc
import Testing

@testable import PluginSandbox

@Suite(.timeLimit(.minutes(5))) struct FuzzTests {
  /// Seconds from `BERTH_FUZZ_SECONDS`, 2 without; the seed is printed, so that a failure can be repeated.
  @Test(.enabled(if: getenv("BERTH_REGENERATE") == nil, "the corpus is being made"))
  func theRequestDecoderSurvivesChangedRequestsUnderTheSanitizers() async throws {
    let fixture = try Fixture()
    let seconds = getenv("BERTH_FUZZ_SECONDS").flatMap { Int(String(cString: $0)) } ?? 2
    let seed = UInt64(bitPattern: berth_realtime_ns())
    let log = fixture.directory + "/fuzz.log"
    let status = await Self.fuzz(
      fixture, "\(seconds) \(seed) \(HostilePlugin.sources)/requests.corpus", log: log)
    let text = SmallFile.read(log) ?? ""
    let new = text.split(separator: "\n").filter { $0.hasPrefix("new: ") }.map { $0.dropFirst("new: ".count) }
    #expect(new == [], "verdicts that the kept corpus lacks: add these lines to Tests/Hostile/requests.corpus")
    #expect(
      status == 0,
      "seed \(seed); where requests changed, make the corpus anew: BERTH_REGENERATE=1 scripts/test theCorpusIsMadeAnew: \(text)"
    )
    let kept = try CoverageTests.text("requests.corpus").split(separator: "\n").filter { !$0.hasPrefix("#") }
    #expect(kept.count >= 36 && text.contains(" \(kept.count) verdicts known"), "\(text)")
  }

  /// What is kept is replayed: a request that is judged in another way than it says there fails the run.
  @Test func aKeptRequestThatIsJudgedAnewFailsTheRun() async throws {
    let fixture = try Fixture()
    let log = fixture.directory + "/fuzz.log"
    let kept = try CoverageTests.text("requests.corpus").split(separator: "\n")
    let sound = try #require(kept.first { $0.hasSuffix("# accepted") }).dropLast("accepted".count)
    let wrong = ["\(sound)scope\n": "now: accepted", "26384 6 4=9\n": "is no request", "": "holds no request"]
    for (corpus, told) in wrong {
      fixture.write("corpus", corpus)
      unlink(log)
      let status = await Self.fuzz(fixture, "0 1 \(fixture.bundle)/corpus", log: log)
      let text = SmallFile.read(log) ?? ""
      #expect(status != 0)
      #expect(text.contains(told), "\(text)")
    }
  }

  @Test(
    .enabled(if: getenv("BERTH_REGENERATE") != nil, "BERTH_REGENERATE: a new corpus, after a change of the request"))
  func theCorpusIsMadeAnew() async throws {
    let fixture = try Fixture()
    let log = fixture.directory + "/fuzz.log"
    _ = await Self.fuzz(fixture, "60 1 -", log: log)
    let text = SmallFile.read(log) ?? ""
    let new = text.split(separator: "\n").filter { $0.hasPrefix("new: ") }.map { $0.dropFirst("new: ".count) + "\n" }
    try #require(new.count >= 36, "\(text)")
    let file = try #require(fopen(HostilePlugin.sources + "/requests.corpus", "w"))
    fputs("# One request for every verdict of the decoder; see fuzz.c.\n" + new.joined(), file)
    fclose(file)
  }

  private static func fuzz(_ fixture: Fixture, _ arguments: String, log: String) async -> Int32 {
    let sources = "\(HostilePlugin.sources)/../../Sources"
    return await Blocking.run {
      system(
        """
        test -x \(fixture.directory)/fuzz || \
        cc -std=gnu17 -g -O1 -w -fsanitize=address,undefined -fno-sanitize-recover=all -I\(sources)/berth-launcher \
        -I\(sources)/CShims/include -o \(fixture.directory)/fuzz \(HostilePlugin.sources)/fuzz.c \
        \(sources)/berth-launcher/request.c \(sources)/CShims/broker.c \(sources)/CShims/launch.c \
        \(sources)/CShims/socket.c >\(log) 2>&1 \
        && \(fixture.directory)/fuzz \(arguments) >>\(log) 2>&1
        """)
    }
  }
}
