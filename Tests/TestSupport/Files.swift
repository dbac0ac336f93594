// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0

public import Glibc

/// The bytes of a file; a test that needs it cannot go on without.
public func readFile(_ path: String) -> [UInt8] {
  let descriptor = open(path, O_RDONLY | O_CLOEXEC)
  guard descriptor >= 0 else { fatalError("\(path): \(String(cString: strerror(errno)))") }
  defer { close(descriptor) }
  var bytes: [UInt8] = []
  while true {
    let count = withUnsafeTemporaryAllocation(byteCount: 65_536, alignment: 1) { buffer in
      let count = read(descriptor, buffer.baseAddress, buffer.count)
      if count > 0 { bytes.append(contentsOf: buffer[..<count]) }
      return count
    }
    guard count != 0 else { return bytes }
    guard count > 0 || errno == EINTR else { fatalError("\(path): \(String(cString: strerror(errno)))") }
  }
}

/// Makes or replaces a file.
public func writeFile(_ path: String, _ bytes: some Collection<UInt8>, mode: mode_t = 0o644) {
  let descriptor = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, mode)
  guard descriptor >= 0 else { fatalError("\(path): \(String(cString: strerror(errno)))") }
  defer { close(descriptor) }
  var rest = Array(bytes)[...]
  while !rest.isEmpty {
    let count = rest.withUnsafeBytes { write(descriptor, $0.baseAddress, $0.count) }
    guard count > 0 || errno == EINTR else { fatalError("\(path): \(String(cString: strerror(errno)))") }
    rest = rest.dropFirst(max(0, count))
  }
}
