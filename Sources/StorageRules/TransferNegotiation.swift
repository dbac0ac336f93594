// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0

/// How two storages agree on a ``TransferFormat``.
public enum TransferNegotiation {
  /// What a transfer wants besides the current data.
  public struct Wish: Sendable, Hashable {
    /// The snapshot whose state is sent; `nil` sends the current state.
    public var snapshot: String?
    /// The snapshot the receiver has already; only what changed since is sent.
    public var baseSnapshot: String?
    /// Whether the snapshots up to that state go along.
    public var withSnapshots: Bool

    public init(snapshot: String? = nil, baseSnapshot: String? = nil, withSnapshots: Bool = false) {
      self.snapshot = snapshot
      self.baseSnapshot = baseSnapshot
      self.withSnapshots = withSnapshots
    }
  }

  /// What a storage that keeps images as files can send of an image, best first.
  public static func fileExports(_ format: VolumeFormat, _ wish: Wish) -> [TransferFormat] {
    wish.snapshot == nil && wish.baseSnapshot == nil ? fileForms(format, wish) : []
  }

  /// What a storage that keeps images as files can receive into an image of this format.
  public static func fileImports(_ format: VolumeFormat, _ wish: Wish) -> [TransferFormat] {
    wish.baseSnapshot == nil ? fileForms(format, wish) : []
  }

  private static func fileForms(_ format: VolumeFormat, _ wish: Wish) -> [TransferFormat] {
    if wish.withSnapshots {
      switch format {
      case .qcow2: [.qcow2Size]
      case .vmdk: [.vmdkSize]
      default: []
      }
    } else {
      format == .subvol ? [.tarSize] : [.rawSize]
    }
  }

  /// The first format of the sender that the receiver takes too, or the one that is wanted if both know it.
  ///
  /// - Throws: `NO_COMMON_FORMAT` naming both lists.
  public static func common(
    exports: [TransferFormat], imports: [TransferFormat], wanted: TransferFormat? = nil
  ) throws(RulesError) -> TransferFormat {
    let accepted = Set(imports)
    guard let format = exports.first(where: { accepted.contains($0) && (wanted ?? $0) == $0 }) else {
      func list(_ formats: [TransferFormat]) -> String {
        formats.isEmpty ? "nothing" : formats.map(\.rawValue).joined(separator: ", ")
      }
      throw RulesError(
        .noCommonFormat,
        (wanted.map { "\(quoted($0.rawValue)) is not known on both sides: " } ?? "")
          + "the source can send \(list(exports)), the target can receive \(list(imports))",
        hint: exports.isEmpty || wanted == nil
          ? "try without snapshots or without a base snapshot" : "leave the format out: the host chooses one")
    }
    return format
  }
}
