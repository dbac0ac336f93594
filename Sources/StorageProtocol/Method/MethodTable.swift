// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0

/// The method table: what drives host dispatch, lock enforcement, routes, checks and documents.
public enum MethodTable {
  private static let byName = Dictionary(uniqueKeysWithValues: all.map { ($0.name, $0) })

  /// The method of that name; nil when this version has none.
  public static subscript(name: String) -> MethodDescription? { byName[name] }

  /// Requests a host sends to plugins, lifecycle included.
  public static let hostToPlugin = all.filter {
    $0.kind == .request && $0.annotations.direction == .hostToPlugin && $0.annotations.onWire
  }

  /// Requests and notifications a plugin sends to the host.
  public static let hostServices = all.filter { $0.annotations.direction == .pluginToHost }

  /// Methods a plugin may list in its manifest.
  public static let implementable = hostToPlugin.filter { $0.annotations.group != "lifecycle" }

  /// Methods every plugin must implement.
  public static let required = implementable.filter(\.annotations.required)
}
