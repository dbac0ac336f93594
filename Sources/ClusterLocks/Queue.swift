// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0

/// A first-in, first-out queue that also gives up elements from its middle.
struct Queue<Element: Sendable>: Sequence, Sendable {
  private var elements: [Element] = []
  private var head = 0

  var isEmpty: Bool { head == elements.count }
  var count: Int { elements.count - head }

  mutating func append(_ element: Element) { elements.append(element) }

  mutating func popFirst() -> Element? {
    guard !isEmpty else { return nil }
    defer {
      head += 1
      // Popped elements are let go in bulk: the cost of a pop stays constant on average.
      if head > 32, head * 2 > elements.count {
        elements.removeFirst(head)
        head = 0
      }
    }
    return elements[head]
  }

  /// Takes out the first element that fits; the order of the others stays.
  mutating func remove(where fits: (Element) -> Bool) -> Element? {
    elements[head...].firstIndex(where: fits).map { elements.remove(at: $0) }
  }

  func makeIterator() -> IndexingIterator<ArraySlice<Element>> { elements[head...].makeIterator() }
}
