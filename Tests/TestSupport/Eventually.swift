// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0

/// Whether the condition comes true, asking again and again; for what another thread or process brings about.
///
/// The time is how long a loaded machine may take, not how long it should take: keep it generous.
public func eventually(
  within time: Duration = .seconds(30), _ condition: () async throws -> Bool
) async rethrows -> Bool {
  let clock = ContinuousClock()
  let end = clock.now + time
  var pause = Duration.milliseconds(1)
  while try await !condition() {
    guard clock.now < end else { return false }
    try? await clock.sleep(for: pause)
    pause = min(pause * 2, .milliseconds(50))
  }
  return true
}
