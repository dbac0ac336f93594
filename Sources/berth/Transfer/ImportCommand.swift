// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0

internal import ArgumentParser
internal import BerthClient
internal import Glibc
internal import JSON
internal import ManagementTypes
internal import NIOPosix

/// `berth import`
struct ImportCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "import", abstract: "Make a volume from a stream; its id is printed.",
    discussion: """
      The stream is one that `berth export` (or Proxmox VE) wrote, in the same format. What it becomes is named with \
      --vmid (the host chooses the name) or --name. A stream that breaks off leaves no volume. \
      With --base it brings the volume --name, which has that snapshot, to the sender's state.
      """)

  @OptionGroup var global: GlobalOptions
  @Argument(help: "The storage.") var storage: String
  @Argument(help: "The stream format, such as raw+size.") var format: String
  @Argument(help: "The file to read; - is standard input.") var file: String
  @Option(help: "The guest that will own it.") var vmid: Int?
  @Option(help: "Its name: 100/vm-100-disk-0.raw, as in a volume id.") var name: String?
  @Flag(help: "Take another name when that one exists.") var allowRename = false
  @Option(help: "The snapshot the stream ends with.") var snapshot: String?
  @Option(help: "The snapshot an incremental stream starts from.") var base: String?

  @Option(help: "With --vmid: the image format, such as qcow2, in place of the storage's default.")
  var imageFormat: String?
  @Option(help: "Compute and compare this digest: crc32 or sha256.") var digest: String?
  @Flag(help: "The stream carries snapshots, as qcow2+size does.") var withSnapshots = false
  @OptionGroup var key: KeyOptions

  func validate() throws {
    if vmid == nil && name == nil { throw ValidationError("give --vmid or --name: what is the volume to be called?") }
    if imageFormat != nil && name != nil {
      throw ValidationError("--image-format is for --vmid: a --name says its format by itself")
    }
    if file == "-" && isatty(STDIN_FILENO) == 1 {
      throw ValidationError("standard input is a terminal: name a file or pipe one in")
    }
  }

  private var options: ImportOptions {
    ImportOptions(
      format: format, name: name, vmid: vmid, snapshot: snapshot, base: base, allowRename: allowRename,
      withSnapshots: withSnapshots, digest: digest, imageFormat: imageFormat)
  }

  /// Reads the file and sends it, to a daemon that takes no descriptor.
  private func relay(_ client: BerthClient, from fd: Int32, total: Int64?) async throws -> TransferView {
    let bar = ProgressBar(quiet: global.json)
    defer { bar.clear() }
    let pool = NIOThreadPool(numberOfThreads: 1)
    pool.start()
    let source = ByteSource(fd: fd, name: file, pool: pool) { bar.show("import", done: $0, total: total) }
    return try await client.importVolume(storage, options, from: source, idempotencyKey: key.idempotencyKey)
  }

  func run() async throws {
    let report = try await global.with { client in
      let fd = file == "-" ? STDIN_FILENO : open(file, O_RDONLY | O_CLOEXEC)
      guard fd >= 0 else {
        throw ClientError(
          .local, "cannot read the file: \(String(cString: strerror(errno)))", place: file,
          hint: "name a file you may read")
      }
      var info = stat()
      let total: Int64? = fstat(fd, &info) == 0 && info.st_mode & S_IFMT == S_IFREG ? Int64(info.st_size) : nil
      do {
        guard let loan = await client.lend(fd) else { return try await relay(client, from: fd, total: total) }
        // The daemon reads itself; ending this command takes the descriptor back and so ends the import.
        return try await JobRunner.result(
          of: .importVolume(storage, options, from: loan), client: client, global: global, key: key.idempotencyKey,
          total: total,
          as: TransferView.self)
      } catch { throw error as? ClientError ?? ClientError(.local, "\(error)", place: file) }
    }
    if global.json { Output.json(report) } else { Output.line(report.volid) }
  }
}
