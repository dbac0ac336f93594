// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0

/// What a volume is, as its name tells: the first part of what a volume name parses to.
///
/// `rootdir` and `none` are content types only: containers keep their root in volumes of type ``images``.
public enum VolumeType: String, Sendable, Hashable, CaseIterable {
  case images
  case iso
  case vztmpl
  case backup
  case snippets
  case `import`

  /// The content type a storage must allow to hold such a volume (`images` may also stand for `rootdir`).
  public var contentType: ContentType {
    switch self {
    case .images: .images
    case .iso: .iso
    case .vztmpl: .vztmpl
    case .backup: .backup
    case .snippets: .snippets
    case .import: .import
    }
  }

  /// The directory below a storage's path where such volumes stand unless `content-dirs` says otherwise.
  public var defaultSubdirectory: String { contentType.defaultSubdirectory ?? "" }
}
