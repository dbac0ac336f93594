// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0

internal import Glibc
internal import Synchronization

/// Calls that wait for their answers themselves.
///
/// While they do the descriptor is *parked*: kept out of the reactor, since every answer would wake its thread in vain.
/// It stays parked between calls that follow each other closely. A watch on the I/O thread ends that within two of its
/// intervals after the last poll; a call that suspends ends it at once. Only messages nobody asked for can wait so long.
extension Peer {
  /// How often the watch looks, in ns.
  private static let watchInterval: Int64 = 1_000_000

  /// Takes the turn and parks the descriptor for a call that is entered but not sent; `suspend` when it gets neither.
  func beginPolling() -> PollingHabit.Way {
    guard configuration.answerPolling > .zero, calls.count == 1 else { return .suspend }
    let way = habit.choose(now: MonotonicTime.now)
    guard way != .suspend, reactor.pollingPlaces.take() else { return .suspend }
    guard reader.turn.take() else {
      reactor.pollingPlaces.give()
      return .suspend
    }
    guard canPoll else {
      endPolling()
      return .suspend
    }
    reader.polls &+= 1
    if !reader.isParked.load(ordering: .relaxed) {
      reader.isParked.store(true, ordering: .sequentiallyConsistent)
      updateReading()
      watchParking()
    }
    return way
  }

  private var canPoll: Bool {
    reader.hasStarted && !isOver.load(ordering: .acquiring) && !reader.isClosed && !reader.isDecoding
      && !reader.hasEnded && reader.finishing == nil && mayRead
  }

  /// Waits for the answer to the call, with the turn of ``beginPolling()``, and gives the turn back.
  func poll(_ id: Int64, _ way: PollingHabit.Way, isSent: Bool) -> CallTable.Outcome? {
    reader.awaited = id
    if isSent { waitForAnswer(way) }
    let answer = reader.answer
    reader.awaited = nil
    reader.answer = nil
    endPolling()
    return answer
  }

  private func waitForAnswer(_ way: PollingHabit.Way) {
    let start = MonotonicTime.now
    if way == .spin {
      let isHere = spin(until: start + PollingHabit.spinLimit)
      let time = MonotonicTime.now - start
      if !isHere || time > PollingHabit.spinLimit { habit.note(vainSpin: time) }
      if isHere || !canPoll { return }
    }
    let end = start + configuration.answerPolling.nanoseconds
    var left = configuration.answerPolling.nanoseconds
    while left > 0 {
      var wanted = pollfd(fd: reader.descriptor, events: Int16(POLLIN), revents: 0)
      // Whole milliseconds are enough: an answer ends the sleep at once, and coarse timers cost nothing here.
      let count = Glibc.poll(&wanted, 1, Int32((left + 999_999) / 1_000_000))
      let hasRead = count > 0 && readSome()
      if reader.answer != nil { return }
      let isChanged = reader.turn.catchUp()
      if hasRead || isChanged, !canPoll { return }
      left = end - MonotonicTime.now
    }
    habit.miss()
  }

  /// Reads again and again; whether the answer came. Yields meanwhile: the other side may be waiting for this very
  /// processor, and on another one it is better left alone with its end of the pipe.
  private func spin(until end: Int64) -> Bool {
    repeat {
      sched_yield()
      let hasRead = readSome()
      if reader.answer != nil { return true }
      let isChanged = reader.turn.catchUp()
      if hasRead || isChanged, !canPoll { return false }
    } while MonotonicTime.now < end
    return false
  }

  private func endPolling() {
    // Whoever waits for an answer now does not read for itself.
    if calls.count > 0 || !mayRead { unpark() }
    reader.turn.give()
    reactor.pollingPlaces.give()
  }

  /// From any thread: a call is entered that does not poll.
  func endParking() {
    guard reader.isParked.load(ordering: .sequentiallyConsistent) else { return }
    reader.turn.run { [self] in unpark() }
  }

  private func unpark() {
    guard reader.isParked.load(ordering: .relaxed) else { return }
    reader.isParked.store(false, ordering: .sequentiallyConsistent)
    updateReading()
  }

  // MARK: The watch

  private func watchParking() {
    guard !reader.watchesParking else { return }
    reader.watchesParking = true
    lookAtParking(after: reader.polls)
  }

  /// Looks again after the interval, on the I/O thread: without polls since then the descriptor is unparked.
  private func lookAtParking(after polls: Int) {
    _ = reactor.schedule(at: MonotonicTime.now + Self.watchInterval) { [weak self] in
      guard let self else { return }
      // Someone polls at this moment.
      guard reader.turn.take() else { return lookAtParking(after: polls) }
      if !reader.isParked.load(ordering: .relaxed) || reader.isClosed {
        reader.watchesParking = false
      } else if reader.polls != polls {
        lookAtParking(after: reader.polls)
      } else {
        reader.watchesParking = false
        unpark()
      }
      reader.turn.give()
    }
  }
}
