// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0

/// How a volume's bytes are laid out. Open: plugins may bring formats of their own.
public struct VolumeFormat: RawRepresentable, Sendable, Hashable, CustomStringConvertible {
  public var rawValue: String

  public init(rawValue: String) {
    self.rawValue = rawValue
  }

  public init(_ rawValue: String) {
    self.rawValue = rawValue
  }

  public var description: String { rawValue }

  public static let raw = VolumeFormat("raw")
  public static let qcow2 = VolumeFormat("qcow2")
  public static let vmdk = VolumeFormat("vmdk")
  /// A directory tree (containers).
  public static let subvol = VolumeFormat("subvol")
  /// A virtual appliance: an archive of a description and disks.
  public static let ova = VolumeFormat("ova")
  /// The description of a virtual appliance whose disks lie beside it.
  public static let ovf = VolumeFormat("ovf")

  /// The formats an image of a directory storage may have.
  public static let images: [VolumeFormat] = [.raw, .qcow2, .vmdk, .subvol]

  /// The format of a disk inside an appliance: `ova+vmdk`.
  public static func insideOVA(_ format: VolumeFormat) -> VolumeFormat { VolumeFormat("ova+\(format.rawValue)") }
}
