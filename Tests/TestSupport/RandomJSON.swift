// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0

public import JSON

/// Random JSON values.
public enum RandomJSON {
  /// A value nested at most `depth` levels.
  public static func value(using generator: inout SeededGenerator, depth: Int = 5) -> JSON {
    switch Int.random(in: 0..<(depth > 0 ? 8 : 6), using: &generator) {
    case 0: return .null
    case 1: return .bool(Bool.random(using: &generator))
    case 2: return .int(integer(using: &generator))
    case 3: return .double(real(using: &generator))
    case 4, 5: return .string(string(using: &generator))
    case 6:
      return .array(
        (0..<Int.random(in: 0..<6, using: &generator)).map { _ in value(using: &generator, depth: depth - 1) })
    default: return .object(object(using: &generator, depth: depth))
    }
  }

  /// An object, now and then with more members than fit a scan.
  public static func object(using generator: inout SeededGenerator, depth: Int = 5) -> JSONObject {
    var object = JSONObject()
    for _ in 0..<(generator.oneIn(10) ? 40 : Int.random(in: 0..<6, using: &generator)) {
      object[string(using: &generator)] = value(using: &generator, depth: depth - 1)
    }
    return object
  }

  /// Small ones, and all sizes up to both ends of the range.
  public static func integer(using generator: inout SeededGenerator) -> Int64 {
    let number = Int64(bitPattern: generator.next())
    return number >> Int64.random(in: 0..<64, using: &generator)
  }

  /// Any finite double.
  public static func real(using generator: inout SeededGenerator) -> Double {
    let number = Double(bitPattern: generator.next())
    return number.isFinite ? number : 0.5
  }

  /// A string of all sorts of characters that JSON allows, NUL left out.
  public static func string(using generator: inout SeededGenerator) -> String {
    var text = ""
    for _ in 0..<Int.random(in: 0..<12, using: &generator) {
      let limit: UInt32 = [0x20, 0x80, 0x80, 0x80, 0x800, 0x11_0000][Int.random(in: 0..<6, using: &generator)]
      if let scalar = UnicodeScalar(UInt32.random(in: 1..<limit, using: &generator)) {
        text.unicodeScalars.append(scalar)
      }
    }
    return text
  }
}
