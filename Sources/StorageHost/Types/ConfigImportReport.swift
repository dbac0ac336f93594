// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0

public import JSON

/// What taking over a configuration file did, or would do, section by section.
public struct ConfigImportReport: Sendable, Hashable, JSONEncodable {
  /// One section of the file.
  public struct Section: Sendable, Hashable, JSONEncodable {
    /// What becomes of it.
    public enum Verdict: String, Sendable, Hashable, CaseIterable {
      /// It is taken over and can be used, consent given.
      case usable
      /// It is taken over; somebody has to do something before it can be used, see `next`.
      case waiting
      /// It is taken over and disabled until its errors are repaired.
      case broken
      /// A storage of its id exists: it is left out, or stands in the way of all.
      case exists
      /// The file has its id twice: nothing can be taken over.
      case duplicate
    }

    public var storeid: String
    public var type: String
    /// Of the section's head in the file, counted from 1.
    public var line: Int
    public var verdict: Verdict
    /// Names of the secrets that are stored with it.
    public var secrets: [String]
    /// What is wrong or doubtful, each with its line.
    public var problems: [String]
    /// What to do next; nil when there is nothing to do.
    public var next: String?

    public func json() -> JSON {
      var object = JSONObject()
      object.set("storeid", storeid)
      object.set("type", type)
      object.set("line", line)
      object.set("verdict", verdict.rawValue)
      object.set("secrets", secrets)
      object.set("problems", problems)
      object.setOptional("next", next)
      return .object(object)
    }
  }

  /// In the order of the file.
  public var sections: [Section]
  /// What is wrong outside of its sections.
  public var problems: [String]
  /// Whether nothing was changed because it was only asked for.
  public var isDryRun: Bool
  /// Of the configuration as it is then.
  public var digest: String

  public func json() -> JSON {
    var object = JSONObject()
    object.set("sections", sections)
    object.set("problems", problems)
    object.set("dryRun", isDryRun)
    object.set("digest", digest)
    return .object(object)
  }
}
