// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0

/// Runs classic BPF as the kernel would for one system call; knows what filters may contain and nothing more.
struct FilterInterpreter {
  struct Instruction {
    var code: UInt16
    var yes: UInt8
    var no: UInt8
    var constant: UInt32
  }

  enum Fault: Error { case badInstruction(UInt16), ranOff, badOffset(UInt32) }

  let program: [Instruction]

  init(_ bytes: [UInt8]) {
    program = stride(from: 0, to: bytes.count, by: 8).map { start in
      var constant: UInt32 = 0
      for place in (4..<8).reversed() { constant = constant << 8 | UInt32(bytes[start + place]) }
      let code = UInt16(bytes[start]) | UInt16(bytes[start + 1]) << 8
      return Instruction(code: code, yes: bytes[start + 2], no: bytes[start + 3], constant: constant)
    }
  }

  /// The filter's verdict.
  func run(number: UInt32, architecture: UInt32, arguments: [UInt64]) throws -> UInt32 {
    var data: [UInt32] = [number, architecture, 0, 0]
    for argument in arguments {
      data += [UInt32(truncatingIfNeeded: argument), UInt32(truncatingIfNeeded: argument >> 32)]
    }
    var accumulator: UInt32 = 0
    var place = 0
    while place < program.count {
      let one = program[place]
      place += 1
      switch one.code {
      case 0x20:
        guard one.constant % 4 == 0, Int(one.constant / 4) < data.count else { throw Fault.badOffset(one.constant) }
        accumulator = data[Int(one.constant / 4)]
      case 0x54: accumulator &= one.constant
      case 0x05: place += Int(one.constant)
      case 0x15: place += Int(accumulator == one.constant ? one.yes : one.no)
      case 0x25: place += Int(accumulator > one.constant ? one.yes : one.no)
      case 0x35: place += Int(accumulator >= one.constant ? one.yes : one.no)
      case 0x45: place += Int(accumulator & one.constant != 0 ? one.yes : one.no)
      case 0x06: return one.constant
      default: throw Fault.badInstruction(one.code)
      }
    }
    throw Fault.ranOff
  }
}
