// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0

/// A text that one of the storage rules refuses, with the reason and, where there is one, the way out.
///
/// Text from outside is quoted and cut to 120 characters before it gets into ``message``.
public struct RulesError: Error, Sendable, Hashable, CustomStringConvertible {
  /// What kind of rule was broken. Open: later rules may add codes.
  public struct Code: RawRepresentable, Sendable, Hashable {
    public var rawValue: String

    public init(rawValue: String) {
      self.rawValue = rawValue
    }

    /// A volume name, storage id or volume id that no grammar reads.
    public static let invalidName = Code(rawValue: "INVALID_NAME")
    /// A name that could leave its place or hide what it is: `..`, a control character, a path too long.
    public static let hostileName = Code(rawValue: "HOSTILE_NAME")
    /// All numbers of a guest are taken.
    public static let noFreeName = Code(rawValue: "NO_FREE_NAME")
    /// A size that is not a whole number of bytes between 0 and 2^63 - 1.
    public static let invalidSize = Code(rawValue: "INVALID_SIZE")
    /// A property string (`key=value,…`) that cannot be read.
    public static let invalidProperty = Code(rawValue: "INVALID_PROPERTY")
    /// A retention setting that contradicts itself.
    public static let invalidRetention = Code(rawValue: "INVALID_RETENTION")
    /// Two storages share no transfer format.
    public static let noCommonFormat = Code(rawValue: "NO_COMMON_FORMAT")
    /// An operation the grammar has no name for, such as a linked clone on plain LVM.
    public static let unsupported = Code(rawValue: "UNSUPPORTED")
    /// A time zone description that cannot be read.
    public static let invalidTimeZone = Code(rawValue: "INVALID_TIME_ZONE")
  }

  public var code: Code
  /// One sentence: what was refused and why.
  public var message: String
  /// One sentence: what to write instead; `nil` when the message says it.
  public var hint: String?

  public init(_ code: Code, _ message: String, hint: String? = nil) {
    self.code = code
    self.message = message
    self.hint = hint
  }

  public var description: String {
    hint.map { "\(message); \($0)" } ?? message
  }
}

/// Quotes text from outside for an error message: control characters escaped, cut to 120 characters.
func quoted(_ text: some StringProtocol) -> String {
  var result = "'"
  var count = 0
  for scalar in text.unicodeScalars {
    if count == 120 {
      result += "…"
      break
    }
    count += 1
    let hidden =
      scalar.properties.generalCategory == .control || scalar.properties.generalCategory == .format
      || scalar.properties.generalCategory == .lineSeparator
      || scalar.properties.generalCategory == .paragraphSeparator
    result += hidden ? "\\u{\(String(scalar.value, radix: 16))}" : String(scalar)
  }
  return result + "'"
}
