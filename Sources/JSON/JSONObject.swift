// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0

/// The members of a JSON object, in the order they were read or added; each name once.
///
/// Lookup scans small objects (most messages) and goes through an index in large ones. Two objects are equal when
/// they have the same members in whatever order.
public struct JSONObject: Sendable {
  /// A name with its value.
  public struct Member: Sendable, Hashable {
    public var key: String
    public var value: JSON

    public init(key: String, value: JSON) {
      self.key = key
      self.value = value
    }
  }

  /// Up to this many members a scan beats hashing.
  static let indexThreshold = 12

  private(set) var members: [Member]
  /// Place of each name in `members`; empty while there are at most `indexThreshold` members.
  private var index: [String: Int]

  /// An object without members.
  public init() {
    members = []
    index = [:]
  }

  /// The pairs as members; a name given twice keeps its first place and its last value.
  public init(lastWins pairs: some Sequence<(String, JSON)>) {
    self.init()
    for (key, value) in pairs { self[key] = value }
  }

  /// The members as given, or the first name that occurs twice.
  static func unique(_ members: [Member], mayRepeat: Bool) -> Result<JSONObject, DuplicateKey> {
    var object = JSONObject()
    object.members = members
    if members.count > indexThreshold {
      object.index.reserveCapacity(members.count)
      for (place, member) in members.enumerated() {
        if object.index.updateValue(place, forKey: member.key) != nil { return .failure(DuplicateKey(key: member.key)) }
      }
    } else if mayRepeat {
      for (place, member) in members.enumerated() where members[..<place].contains(where: { $0.key == member.key }) {
        return .failure(DuplicateKey(key: member.key))
      }
    }
    return .success(object)
  }

  struct DuplicateKey: Error { var key: String }

  private func place(of key: String) -> Int? {
    index.isEmpty ? members.firstIndex { $0.key == key } : index[key]
  }

  /// The value of the member; nil when there is none. Assigning nil removes the member.
  public subscript(key: String) -> JSON? {
    get { place(of: key).map { members[$0].value } }
    set {
      switch (place(of: key), newValue) {
      case (let place?, let value?): members[place].value = value
      case (let place?, nil):
        members.remove(at: place)
        reindex()
      case (nil, let value?): append(Member(key: key, value: value))
      case (nil, nil): break
      }
    }
  }

  /// Adds a member of a new name.
  mutating func append(_ member: Member) {
    members.append(member)
    if !index.isEmpty {
      index[member.key] = members.count - 1
    } else if members.count > Self.indexThreshold {
      reindex()
    }
  }

  /// Makes room for that many members.
  public mutating func reserveCapacity(_ count: Int) { members.reserveCapacity(count) }

  private mutating func reindex() {
    index.removeAll(keepingCapacity: true)
    guard members.count > Self.indexThreshold else { return }
    for (place, member) in members.enumerated() { index[member.key] = place }
  }

  /// Whether a member of that name exists, `null` included.
  public func has(_ key: String) -> Bool { place(of: key) != nil }

  /// The names, in order.
  public var keys: [String] { members.map(\.key) }

  /// Adds the members of the other object; where both have a name the other's value is taken.
  public mutating func merge(_ other: JSONObject) {
    for member in other.members { self[member.key] = member.value }
  }

  /// The same members sorted by the bytes of their names.
  public var sorted: JSONObject {
    var copy = self
    copy.members.sort { $0.key.utf8.lexicographicallyPrecedes($1.key.utf8) }
    copy.reindex()
    return copy
  }
}

extension JSONObject: RandomAccessCollection {
  public var startIndex: Int { 0 }
  public var endIndex: Int { members.count }
  public subscript(position: Int) -> Member { members[position] }
}

extension JSONObject: Hashable {
  public static func == (left: JSONObject, right: JSONObject) -> Bool {
    left.count == right.count && left.allSatisfy { right[$0.key] == $0.value }
  }

  public func hash(into hasher: inout Hasher) {
    // Order must not matter: combine the members' own hashes commutatively.
    hasher.combine(count)
    hasher.combine(reduce(0) { $0 ^ $1.hashValue })
  }
}

extension JSONObject: ExpressibleByDictionaryLiteral {
  public init(dictionaryLiteral elements: (String, JSON)...) { self.init(lastWins: elements) }
}
