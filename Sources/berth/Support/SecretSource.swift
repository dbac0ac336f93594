// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0

internal import ArgumentParser
internal import BerthClient
internal import CShims
internal import Glibc

/// A secret of a storage and where its value comes from: never the command line, which every user can read in the
/// process list. `NAME` asks on the terminal, `NAME=@FILE` reads a file, `NAME=-` reads standard input.
struct SecretSource: ExpressibleByArgument, Sendable {
  enum Source: Sendable, Hashable {
    case prompt
    case file(String)
    case input
  }

  var name: String
  var source: Source

  init?(argument: String) {
    guard let separator = argument.firstIndex(of: "=") else {
      guard !argument.isEmpty else { return nil }
      name = argument
      source = .prompt
      return
    }
    name = String(argument[..<separator])
    let rest = argument[argument.index(after: separator)...]
    guard !name.isEmpty else { return nil }
    if rest == "-" {
      source = .input
    } else if rest.first == "@", rest.count > 1 {
      source = .file(String(rest.dropFirst()))
    } else {
      return nil
    }
  }

  /// Most bytes of a secret.
  static let limit = 64 << 10

  /// The value; one line end at its end is taken off.
  func read() throws(ClientError) -> String {
    switch source {
    case .prompt: return try ask()
    case .input: return try read(STDIN_FILENO, "standard input")
    case .file(let path):
      let fd = open(path, O_RDONLY | O_CLOEXEC)
      guard fd >= 0 else {
        throw ClientError(
          .local, "cannot open the file with the secret \(name): \(String(cString: strerror(errno)))", place: path,
          hint: "name a file you may read")
      }
      defer { close(fd) }
      return try read(fd, path)
    }
  }

  private func read(_ fd: Int32, _ place: String) throws(ClientError) -> String {
    var bytes: [UInt8] = []
    var part = [UInt8](repeating: 0, count: 4_096)
    while true {
      let count = berth_read(fd, &part, part.count)
      guard count >= 0 else {
        throw ClientError(
          .local, "cannot read the secret \(name): \(String(cString: strerror(Int32(-count))))", place: place)
      }
      if count == 0 { break }
      bytes += part[..<count]
      guard bytes.count <= Self.limit else {
        throw ClientError(.local, "the secret \(name) has more than \(Self.limit) bytes", place: place)
      }
    }
    return try text(bytes, place)
  }

  private func text(_ bytes: [UInt8], _ place: String) throws(ClientError) -> String {
    var bytes = bytes
    if bytes.last == UInt8(ascii: "\n") { bytes.removeLast() }
    guard !bytes.isEmpty, let text = String(validating: bytes, as: UTF8.self) else {
      throw ClientError(.local, "the secret \(name) is empty or no UTF-8", place: place)
    }
    return text
  }

  private func ask() throws(ClientError) -> String {
    let fd = open("/dev/tty", O_RDWR | O_CLOEXEC)
    guard fd >= 0 else {
      throw ClientError(
        .local, "there is no terminal to ask for the secret \(name) on", place: "--secret \(name)",
        hint: "give it as --secret \(name)=@FILE, or on standard input with --secret \(name)=-")
    }
    defer { close(fd) }
    var old = termios()
    guard tcgetattr(fd, &old) == 0 else { throw ClientError(.local, "the terminal does not answer", place: "/dev/tty") }
    var quiet = old
    quiet.c_lflag &= ~tcflag_t(ECHO)
    tcsetattr(fd, TCSAFLUSH, &quiet)
    defer { tcsetattr(fd, TCSAFLUSH, &old) }
    _ = Output.writeAll(Array("\(name): ".utf8), to: fd)
    var bytes: [UInt8] = []
    var byte: UInt8 = 0
    while berth_read(fd, &byte, 1) == 1, byte != UInt8(ascii: "\n"), bytes.count < Self.limit { bytes.append(byte) }
    _ = Output.writeAll([UInt8(ascii: "\n")], to: fd)
    return try text(bytes, "/dev/tty")
  }
}

extension [SecretSource] {
  /// All values by name.
  func values() throws(ClientError) -> [String: String] {
    var values: [String: String] = [:]
    for secret in self { values[secret.name] = try secret.read() }
    return values
  }
}
