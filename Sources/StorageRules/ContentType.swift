// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0

/// What an administrator lets a storage hold: the values of the `content` option.
public enum ContentType: String, Sendable, Hashable, CaseIterable, Comparable {
  case images
  case rootdir
  case vztmpl
  case iso
  case backup
  case snippets
  case `import`
  /// Nothing at all; cannot be combined with others.
  case none

  /// The directory below a storage's path where this content stands by default; `nil` for ``none``.
  public var defaultSubdirectory: String? {
    switch self {
    case .images: "images"
    case .rootdir: "private"
    case .vztmpl: "template/cache"
    case .iso: "template/iso"
    case .backup: "dump"
    case .snippets: "snippets"
    case .import: "import"
    case .none: nil
    }
  }

  /// Alphabetical, so that lists render the same each time.
  public static func < (left: ContentType, right: ContentType) -> Bool { left.rawValue < right.rawValue }

  /// Reads a `content` value: a list of types, `none` only alone.
  ///
  /// - Throws: `INVALID_PROPERTY` naming the element that is no content type.
  public static func parseList(_ text: String) throws(RulesError) -> Set<ContentType> {
    var result: Set<ContentType> = []
    for element in ListText.split(text) {
      guard let type = ContentType(rawValue: element) else {
        throw RulesError(
          .invalidProperty, "\(quoted(element)) is no content type",
          hint: "the content types are \(allCases.map(\.rawValue).joined(separator: ", "))")
      }
      result.insert(type)
    }
    if result.contains(.none), result.count > 1 {
      throw RulesError(.invalidProperty, "content 'none' cannot be combined with other content types")
    }
    return result
  }
}
