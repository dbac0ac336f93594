// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0

internal import CJansson
internal import Glibc

/// A tree as libjansson reads it, freed with this value; never leaves the thread that parsed it.
struct JSONDocument: ~Copyable {
  private let root: UnsafeMutablePointer<json_t>

  init(_ bytes: UnsafeRawBufferPointer) throws(JSONError) {
    _ = Self.seeded
    var error = json_error_t()
    let flags = Int(JSON_REJECT_DUPLICATES) | Int(JSON_DECODE_ANY)
    guard let text = bytes.baseAddress, bytes.count > 0 else { throw JSONError(.syntax, "the text is empty") }
    // libjansson takes a NUL byte after the value for the end of the text and ignores what follows.
    guard memchr(text, 0, bytes.count) == nil else { throw JSONError(.nul, "the text holds a NUL byte") }
    guard let root = json_loadb(text.assumingMemoryBound(to: CChar.self), bytes.count, flags, &error) else {
      throw JSONError(error)
    }
    self.root = root
  }

  deinit { json_decref(root) }

  /// Seeds the hash of object names once, before any thread can race for it.
  private static let seeded: Void = json_object_seed(0)

  func value(limits: JSONLimits) throws(JSONError) -> JSON {
    try Self.convert(root, depth: 0, limits: limits)
  }

  private static func convert(
    _ node: UnsafeMutablePointer<json_t>, depth: Int, limits: JSONLimits
  ) throws(JSONError) -> JSON {
    switch node.pointee.type {
    case JSON_NULL: return .null
    case JSON_TRUE: return .bool(true)
    case JSON_FALSE: return .bool(false)
    case JSON_INTEGER: return .int(Int64(json_integer_value(node)))
    case JSON_REAL: return .double(json_real_value(node))
    case JSON_STRING: return .string(string(json_string_value(node), json_string_length(node)))
    case JSON_ARRAY: return try array(node, depth: depth + 1, limits: limits)
    default: return try object(node, depth: depth + 1, limits: limits)
    }
  }

  private static func array(
    _ node: UnsafeMutablePointer<json_t>, depth: Int, limits: JSONLimits
  ) throws(JSONError) -> JSON {
    guard depth <= limits.maxDepth else { throw .tooDeep(limits) }
    let count = json_array_size(node)
    var elements: [JSON] = []
    elements.reserveCapacity(count)
    for place in 0..<count {
      guard let element = json_array_get(node, place) else { break }
      elements.append(try convert(element, depth: depth, limits: limits))
    }
    return .array(elements)
  }

  private static func object(
    _ node: UnsafeMutablePointer<json_t>, depth: Int, limits: JSONLimits
  ) throws(JSONError) -> JSON {
    guard depth <= limits.maxDepth else { throw .tooDeep(limits) }
    var members: [JSONObject.Member] = []
    members.reserveCapacity(json_object_size(node))
    var isASCII = true
    var iterator = json_object_iter(node)
    while let current = iterator {
      guard let element = json_object_iter_value(current) else { break }
      let bytes = UnsafeRawBufferPointer(
        start: json_object_iter_key(current), count: json_object_iter_key_len(current))
      isASCII = isASCII && bytes.allSatisfy { $0 < 0x80 }
      let key = String(decoding: bytes, as: UTF8.self)
      members.append(JSONObject.Member(key: key, value: try convert(element, depth: depth, limits: limits)))
      iterator = json_object_iter_next(node, current)
    }
    // libjansson has refused names equal byte by byte; ours are also equal when Unicode says so.
    switch JSONObject.unique(members, mayRepeat: !isASCII) {
    case .success(let object): return .object(object)
    case .failure: throw JSONError(.duplicateKey, "an object holds the same name twice")
    }
  }

  private static func string(_ start: UnsafePointer<CChar>?, _ count: Int) -> String {
    String(decoding: UnsafeRawBufferPointer(start: start, count: count), as: UTF8.self)
  }
}

extension JSONError {
  fileprivate static func tooDeep(_ limits: JSONLimits) -> JSONError {
    JSONError(.tooDeep, "nested more than \(limits.maxDepth) levels deep")
  }

  /// The parser's fault, in our words: its own text quotes the input.
  fileprivate init(_ error: json_error_t) {
    let place = "line \(error.line), column \(error.column)"
    var error = error
    switch withUnsafePointer(to: &error, { json_error_code($0) }) {
    case json_error_invalid_utf8: self.init(.utf8, "invalid UTF-8 at \(place)")
    case json_error_null_character, json_error_null_byte_in_key: self.init(.nul, "NUL in a string at \(place)")
    case json_error_duplicate_key: self.init(.duplicateKey, "an object holds the same name twice, at \(place)")
    case json_error_numeric_overflow: self.init(.numberRange, "number out of range at \(place)")
    case json_error_stack_overflow: self.init(.tooDeep, "nested too deep at \(place)")
    case json_error_premature_end_of_input: self.init(.syntax, "the text ends too early, at \(place)")
    case json_error_end_of_input_expected: self.init(.syntax, "something follows the value at \(place)")
    default: self.init(.syntax, "no valid JSON at \(place)")
    }
  }
}
