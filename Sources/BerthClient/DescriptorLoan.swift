// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0

internal import CShims
internal import Glibc
internal import ManagementTypes

/// A descriptor lent to the daemon for one transfer: the daemon reads or writes it itself, and the kernel moves the bytes.
///
/// The loan lasts as long as this object; its end, or this process's, ends the transfer. The descriptor stays the
/// caller's, who must not use it meanwhile; what the daemon changed of its flags is put back.
public final class DescriptorLoan: Sendable {
  /// What stands for the descriptor in a request.
  public let ticket: String
  private let connection: Int32
  private let descriptor: Int32
  private let flags: Int32

  private init(ticket: String, connection: Int32, descriptor: Int32, flags: Int32) {
    self.ticket = ticket
    self.connection = connection
    self.descriptor = descriptor
    self.flags = flags
  }

  deinit {
    close(connection)
    // A daemon that was killed leaves a pipe non-blocking, for everyone who shares it.
    if flags >= 0 { _ = fcntl(descriptor, F_SETFL, flags) }
  }

  /// Lends the descriptor; blocks for a moment.
  /// - Returns: nil when nobody takes it at that socket: the daemon is older, the socket comes from afar, or the
  ///   descriptor is one that the daemon leaves to its owner, such as a device.
  static func make(_ descriptor: Int32, socket: String) -> DescriptorLoan? {
    let connection = berth_connect(socket)
    guard connection >= 0 else { return nil }
    let flags = fcntl(descriptor, F_GETFL)
    var passed = descriptor
    var byte: UInt8 = 0
    let sent = berth_send_descriptors(connection, &byte, 1, &passed, 1)
    guard sent == 1, let line = readLine(connection), !line.hasPrefix("error: ") else {
      close(connection)
      return nil
    }
    return DescriptorLoan(ticket: line, connection: connection, descriptor: descriptor, flags: flags)
  }

  /// One line, at most 512 bytes, without its end; nil when the connection ends before it.
  private static func readLine(_ connection: Int32) -> String? {
    var bytes: [UInt8] = []
    while bytes.count < 512 {
      var byte: UInt8 = 0
      guard berth_read(connection, &byte, 1) == 1 else { return nil }
      if byte == UInt8(ascii: "\n") { return String(decoding: bytes, as: UTF8.self) }
      bytes.append(byte)
    }
    return nil
  }
}

extension Change {
  /// Writes a volume as a stream to a lent descriptor; gives a ``ManagementTypes/TransferView``.
  public static func export(_ volid: String, _ options: ExportOptions, to loan: DescriptorLoan) -> Change {
    Change(.post, APIPath("volumes", volid, "export").options(options).query("descriptor", loan.ticket))
  }

  /// Makes a volume from the stream of a lent descriptor; gives a ``ManagementTypes/TransferView``.
  public static func importVolume(_ storeid: String, _ options: ImportOptions, from loan: DescriptorLoan) -> Change {
    Change(.post, APIPath("storages", storeid, "import").options(options).query("descriptor", loan.ticket))
  }
}

extension APIPath {
  func options(_ options: ExportOptions) -> APIPath {
    query("format", options.format).query("snapshot", options.snapshot).query("base", options.base)
      .query("with-snapshots", options.withSnapshots).query("digest", options.digest)
  }

  func options(_ options: ImportOptions) -> APIPath {
    query("format", options.format).query("name", options.name).query("vmid", options.vmid.map(Int64.init))
      .query("snapshot", options.snapshot).query("base", options.base).query("rename", options.allowRename)
      .query("with-snapshots", options.withSnapshots).query("digest", options.digest)
      .query("image-format", options.imageFormat)
  }
}
