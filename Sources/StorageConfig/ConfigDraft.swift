// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0

public import JSON

/// A change that was checked and not yet written: what a hook is asked about.
public struct ConfigDraft: Sendable {
  public enum Action: String, Sendable, Hashable, CaseIterable {
    case add
    case update
    case remove
  }

  public let action: Action
  public let id: String
  public let type: String
  /// The storage as it is; `nil` when it is being added or cannot be used as it is.
  public let current: ResolvedStorage?
  /// The storage as it will be; `nil` when it is being removed, or stays unusable for another reason than this change.
  public let next: ResolvedStorage?
  /// Typed values of the properties that are set, sensitive ones left out.
  public let set: JSONObject
  /// The properties that are deleted, sensitive ones left out.
  public let delete: [String]
  /// What changes among the sensitive properties.
  public let secrets: SecretChange
  /// The digest of the file the change was checked against.
  public let digest: String

  /// The digest of the file as it will be.
  public var nextDigest: String { file.digest }

  /// The file as it will be.
  let file: StorageConfigFile
}
