// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0

public import JSON

/// The rules of changing the configuration: pure, file in, file out.
public struct ConfigEditor: Sendable {
  public let schema: StorageSchema
  public let file: StorageConfigFile

  public init(schema: StorageSchema, file: StorageConfigFile) {
    self.schema = schema
    self.file = file
  }

  // MARK: Changes

  /// A new storage.
  ///
  /// - Parameters:
  ///   - values: typed or as texts; sensitive properties among them.
  ///   - digest: of the file the caller has seen; `nil` for no check.
  public func add(id: String, type: String, values: JSONObject, digest: String? = nil) throws(ConfigError)
    -> ConfigDraft
  {
    try check(digest, id)
    guard let rules = schema.types[type] else { throw unknownType(type, id) }
    guard file.sections(named: id).isEmpty else {
      throw ConfigError(.exists, "storage \(quoted(id)) exists already", storeid: id)
    }
    let (secrets, lines) = try split(values, rules: rules, id: id)
    for rule in rules.properties.values.sorted(by: { $0.name < $1.name }) where rule.isRequired {
      guard lines[rule.name] != nil || secrets[rule.name] != nil else {
        throw ConfigError(
          .required, "storage \(quoted(id)) of type \(quoted(type)) needs the property \(quoted(rule.name))",
          storeid: id, property: rule.name)
      }
    }
    let new = try file.adding(type: type, id: id, properties: ordered(lines, rules: rules))
    return try draft(
      .add, id: id, type: type, new: new, set: lines, delete: [], secrets: SecretChange(set: secrets), rules: rules)
  }

  /// A change of a storage.
  ///
  /// Of a type that no plugin serves the common options can be changed, and nothing else.
  /// - Parameter deleting: names of properties that go back to their defaults.
  /// - Throws: among others `FIXED_PROPERTY`, `REQUIRED_PROPERTY`, `SET_AND_DELETE`, `DIGEST_CONFLICT`.
  public func update(
    id: String, values: JSONObject, deleting: [String] = [], digest: String? = nil
  ) throws(ConfigError) -> ConfigDraft {
    try change(id: id, values: values, deleting: deleting, digest: digest, mayTouchFixed: false)
  }

  /// The removal of a storage; of all sections, if several have its id.
  public func remove(id: String, digest: String? = nil) throws(ConfigError) -> ConfigDraft {
    try check(digest, id)
    guard let section = file.sections(named: id).first else {
      throw ConfigError(.notFound, "storage \(quoted(id)) does not exist", storeid: id)
    }
    return ConfigDraft(
      action: .remove, id: id, type: section.type, current: schema.resolve(section).usable, next: nil, set: [:],
      delete: [], secrets: SecretChange(), digest: file.digest, file: try file.removing(id: id))
  }

  /// A draft with what a hook wants changed in it. A hook may set fixed properties that are not set yet: it derives them.
  /// What the change itself gives, and what permissions are made of, is the administrator's alone.
  ///
  /// - Parameter granted: properties that permissions are made of, each with one of these permissions.
  /// - Throws: among others `HOOK_OVERREACH`.
  public func patch(
    _ draft: ConfigDraft, set: JSONObject, deleting: [String] = [], secrets: [String: Secret] = [:],
    granted: [String: String] = [:]
  ) throws(ConfigError) -> ConfigDraft {
    guard draft.action != .remove else { return draft }
    // A hook may hand back all it was given: what it did not change is no change, and defaults stay unwritten.
    let set = JSONObject(lastWins: set.filter { isNews($0.key, $0.value, to: draft) }.map { ($0.key, $0.value) })
    // What is deleted already stays so.
    try checkReach(set.map(\.key) + deleting.filter { !draft.delete.contains($0) }, of: draft, granted)
    if let current = draft.current, let rules = schema.types[draft.type],
      let key = (set.map(\.key) + deleting).first(where: { rules.rule($0)?.isFixed == true && current.config.has($0) })
    {
      throw ConfigError(
        .fixed, "the hook would change \(quoted(key)) of storage \(quoted(draft.id)), which is fixed",
        storeid: draft.id, property: key, hint: "report this to the plugin's vendor")
    }
    let patched = try ConfigEditor(schema: schema, file: draft.file).change(
      id: draft.id, values: set, deleting: deleting, digest: nil, mayTouchFixed: true)
    let known = schema.types[draft.type]?.sensitiveProperties ?? []
    if let stranger = secrets.keys.sorted().first(where: { !known.contains($0) }) {
      throw ConfigError(
        .unknownProperty,
        "the hook returned the secret \(quoted(stranger)), which the type \(quoted(draft.type)) does "
          + "not declare sensitive", storeid: draft.id, property: stranger)
    }
    var change = draft.secrets
    change.set.merge(patched.secrets.set) { $1 }
    change.set.merge(secrets) { $1 }
    change.delete.formUnion(patched.secrets.delete)
    change.delete.subtract(change.set.keys)
    var all = draft.set
    for name in patched.delete { all[name] = nil }
    all.merge(patched.set)
    return ConfigDraft(
      action: draft.action, id: draft.id, type: draft.type, current: draft.current, next: patched.next, set: all,
      delete: draft.delete + patched.delete.filter { !draft.delete.contains($0) }, secrets: change,
      digest: draft.digest,
      file: patched.file)
  }

  // MARK: Details

  /// Whether a value that a hook hands back means another one than the draft has.
  private func isNews(_ key: String, _ value: JSON, to draft: ConfigDraft) -> Bool {
    guard let known = draft.next?.config[key] else { return true }
    if known == value { return false }
    do throws(ValueFault) {
      return try schema.types[draft.type]?.rule(key)?.typed(value) != known
    } catch {
      return true
    }
  }

  private func checkReach(
    _ keys: [String], of draft: ConfigDraft, _ granted: [String: String]
  ) throws(ConfigError) {
    for key in keys {
      var error = ConfigError(
        .hookOverreach, "", storeid: draft.id, property: key, hint: "report this to the plugin's vendor")
      if let permission = granted[key] {
        error.message =
          "the plugin would change \(quoted(key)) of storage \(quoted(draft.id)), of which its permission "
          + "\(quoted(permission)) is made: only the administrator may set it"
        error.hint = "set \(quoted(key)) yourself, or report this to the plugin's vendor"
        throw error
      }
      guard draft.set.has(key) || draft.delete.contains(key) else { continue }
      error.message =
        "the plugin would overwrite \(quoted(key)) of storage \(quoted(draft.id)), which this change itself "
        + (draft.set.has(key) ? "gives" : "deletes")
      throw error
    }
  }

  private func change(
    id: String, values: JSONObject, deleting: [String], digest: String?, mayTouchFixed: Bool
  ) throws(ConfigError) -> ConfigDraft {
    try check(digest, id)
    let section = try file.only(id)
    let rules = schema.types[section.type] ?? StorageTypeSchema(unjudged: section.type)
    if rules.isOpen, let own = (values.map(\.key) + deleting).first(where: { rules.rule($0) == nil }) {
      throw notCommon(own, section.type, id)
    }
    if let both = deleting.first(where: { values.has($0) }) {
      throw ConfigError(
        .setAndDelete, "\(quoted(both)) of storage \(quoted(id)) is both set and deleted", storeid: id, property: both)
    }
    let (secrets, lines) = try split(values, rules: rules, id: id)
    var new = file
    for key in lines.keys.sorted() {
      guard let texts = lines[key], let rule = rules.rule(key) else { continue }
      let old = section[key]
      if rule.isFixed, !mayTouchFixed, !isSame(rule, old, texts) {
        throw ConfigError(
          .fixed, "\(quoted(key)) of storage \(quoted(id)) is fixed: it is set when the storage is added",
          storeid: id, property: key, hint: "remove the storage and add it anew")
      }
      // A value that means the same keeps its spelling: no line changes without need.
      if !isSame(rule, old, texts) { new = try new.setting(key, to: flagged(key, texts), in: id) }
    }
    // A sensitive property may stand in the file by mistake; set anew it moves to where it belongs.
    for key in secrets.keys.sorted() { new = try new.setting(key, to: [], in: id) }
    var deleted: [String] = []
    var deletedSecrets: Set<String> = []
    for key in deleting {
      let rule = rules.rule(key)
      if rule == nil, section[key].isEmpty {
        throw ConfigError(
          .unknownProperty, "storage \(quoted(id)) of type \(quoted(section.type)) has no property \(quoted(key))",
          storeid: id, property: key)
      }
      if let rule, rule.isRequired {
        throw ConfigError(
          .required, "\(quoted(key)) of storage \(quoted(id)) is required and cannot be deleted", storeid: id,
          property: key)
      }
      if let rule, rule.isFixed, !mayTouchFixed {
        throw ConfigError(
          .fixed, "\(quoted(key)) of storage \(quoted(id)) is fixed and cannot be deleted", storeid: id, property: key)
      }
      if rule?.isSensitive == true { deletedSecrets.insert(key) } else { deleted.append(key) }
      new = try new.setting(key, to: [], in: id)
    }
    return try draft(
      .update, id: id, type: section.type, new: new, set: lines, delete: deleted,
      secrets: SecretChange(set: secrets, delete: deletedSecrets), rules: rules)
  }

  private func draft(
    _ action: ConfigDraft.Action, id: String, type: String, new: StorageConfigFile, set: [String: [String]],
    delete: [String], secrets: SecretChange, rules: StorageTypeSchema
  ) throws(ConfigError) -> ConfigDraft {
    let before = file.sections(named: id).first.map(schema.resolve)
    let after = schema.resolve(try new.only(id))
    if case .broken(let broken) = after {
      // What was broken before may stay broken, so that it can be repaired step by step; nothing new may break.
      let known = Set((before?.problems ?? []).map(\.message))
      if let fresh = broken.problems.first(where: { $0.severity == .error && !known.contains($0.message) }) {
        throw ConfigError(
          fresh.message.contains("required property") ? .required : .invalidValue,
          "storage \(quoted(id)): \(fresh.message)", storeid: id, property: fresh.property)
      }
    }
    var typed: JSONObject = [:]
    for key in set.keys.sorted() { typed[key] = try value(set[key] ?? [], key, rules, id) }
    return ConfigDraft(
      action: action, id: id, type: type, current: before?.usable, next: after.usable, set: typed, delete: delete,
      secrets: secrets, digest: file.digest, file: new)
  }

  /// Takes sensitive properties out, checks the others, and turns them into the lines of the file.
  private func split(
    _ values: JSONObject, rules: StorageTypeSchema, id: String
  ) throws(ConfigError) -> (secrets: [String: Secret], lines: [String: [String]]) {
    var secrets: [String: Secret] = [:]
    var lines: [String: [String]] = [:]
    for member in values {
      guard let rule = rules.rule(member.key) else {
        throw ConfigError(
          .unknownProperty, "the type \(quoted(rules.type)) has no property \(quoted(member.key))", storeid: id,
          property: member.key, hint: "its own are \(rules.properties.keys.sorted().joined(separator: ", "))")
      }
      let texts: [String]
      do throws(ValueFault) {
        texts = try rule.texts(member.value)
      } catch {
        throw ConfigError(
          .invalidValue, "the value of \(quoted(member.key)) \(error.reason)", storeid: id, property: member.key)
      }
      if rule.isSensitive {
        secrets[member.key] = Secret(texts.joined())
      } else {
        lines[member.key] = texts
      }
    }
    return (secrets, lines)
  }

  private func value(
    _ texts: [String], _ key: String, _ rules: StorageTypeSchema, _ id: String
  ) throws(ConfigError) -> JSON {
    do throws(ValueFault) {
      return try rules.rule(key)?.typed(lines: texts) ?? .null
    } catch {
      throw ConfigError(.invalidValue, "the value of \(quoted(key)) \(error.reason)", storeid: id, property: key)
    }
  }

  /// Whether lines in the file mean what new texts mean.
  private func isSame(_ rule: PropertyRule, _ old: [ConfigSection.Property], _ texts: [String]) -> Bool {
    do throws(ValueFault) {
      return try rule.typed(lines: old.map(\.value)) == rule.typed(lines: texts)
    } catch {
      return false
    }
  }

  /// `disable` is written as a key alone when true, as Proxmox VE does.
  private func flagged(_ key: String, _ texts: [String]) -> [String?] {
    key == "disable" && texts == ["1"] ? [nil] : texts
  }

  /// `disable`, then the required properties, then the others, each by name.
  private func ordered(_ lines: [String: [String]], rules: StorageTypeSchema) -> [(key: String, value: String?)] {
    func rank(_ key: String) -> Int { key == "disable" ? 0 : rules.rule(key)?.isRequired == true ? 1 : 2 }
    return lines.keys.sorted { (rank($0), $0) < (rank($1), $1) }.flatMap { key in
      flagged(key, lines[key] ?? []).map { (key: key, value: $0) }
    }
  }

  private func check(_ digest: String?, _ id: String) throws(ConfigError) {
    do throws(ConfigError) {
      try Self.check(digest, of: file)
    } catch {
      var named = error
      named.storeid = id
      throw named
    }
  }

  /// - Throws: `DIGEST_CONFLICT` naming both digests.
  static func check(_ digest: String?, of file: StorageConfigFile) throws(ConfigError) {
    guard let digest, digest.lowercased() != file.digest else { return }
    throw ConfigError(
      .digestConflict,
      "the configuration changed since it was read: its digest was \(quoted(digest)) and is '\(file.digest)' now",
      hint: "read it again and repeat the change")
  }

  private func notCommon(_ property: String, _ type: String, _ id: String) -> ConfigError {
    ConfigError(
      .unknownType,
      "no plugin serves the type \(quoted(type)): \(quoted(property)) of storage \(quoted(id)) cannot be changed without "
        + "its plugin, which alone knows what it means", storeid: id, property: property,
      hint: "put the plugin back, then: berth plugin rescan; without it these can be changed: "
        + CommonOptions.rules.values.filter { !$0.isFixed }.map(\.name).sorted().joined(separator: ", "))
  }

  private func unknownType(_ type: String, _ id: String) -> ConfigError {
    let known = schema.types.keys.sorted().joined(separator: ", ")
    return ConfigError(
      .unknownType, "no plugin serves the type \(quoted(type))", storeid: id,
      hint: known.isEmpty ? "no plugin is installed" : "installed are \(known)")
  }
}
