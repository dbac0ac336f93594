// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0

internal import JSON

extension ManifestReader {
  mutating func permissions(_ value: JSON, _ path: JSONPath, _ properties: Set<String>) -> PermissionRequest {
    guard let object = object(value, path, known: ["fs", "net", "device", "broker", "runtime"]) else {
      return PermissionRequest()
    }
    var request = PermissionRequest()
    request.files = each(object, "fs", path) { (reader, value, path) in reader.file(value, path, properties) }
    if let net = object["net"] {
      let inner = path.appending("net")
      if let members = self.object(net, inner, known: ["endpoints", "host"]) {
        request.endpoints = each(members, "endpoints", inner) { (reader, value, path) in
          reader.endpoint(value, path, properties)
        }
        if let host = members["host"] { request.hostNetwork = hostNetwork(host, inner.appending("host")) }
      }
    }
    request.devices = each(object, "device", path) { (reader, value, path) in
      reader.device(value, path, properties)
    }
    request.broker = each(object, "broker", path) { (reader, value, path) in reader.broker(value, path, properties) }
    if let runtime = object["runtime"] { request.runtime = self.runtime(runtime, path.appending("runtime")) }
    return request
  }

  /// A text that may hold `${config.…}`, each of a property some storage type has.
  private mutating func template(
    _ object: JSONObject, _ key: String, _ path: JSONPath, _ properties: Set<String>
  ) -> PathTemplate? {
    guard let text = text(object, key, path, max: 4096) else { return nil }
    guard let template = PathTemplate(text) else {
      note(path.appending(key), "has a '${' that is not ${config.PROPERTY}")
      return nil
    }
    // `path` is a property every file-based storage may have without declaring it.
    for name in template.properties where !properties.contains(name) && name != "path" {
      note(path.appending(key), "uses ${config.\(name)}, which no storage type has")
    }
    return template
  }

  private mutating func reason(_ object: JSONObject, _ path: JSONPath) -> String {
    text(object, "reason", path, max: 512) ?? ""
  }

  private mutating func isOptional(_ object: JSONObject, _ path: JSONPath) -> Bool {
    optional(object, "optional", path, default: false)
  }

  private mutating func hostNetwork(_ value: JSON, _ path: JSONPath) -> PermissionRequest.HostNetworkRequest? {
    guard let object = object(value, path, known: ["reason", "optional"]) else { return nil }
    return PermissionRequest.HostNetworkRequest(reason: reason(object, path), isOptional: isOptional(object, path))
  }

  private mutating func file(
    _ value: JSON, _ path: JSONPath, _ properties: Set<String>
  ) -> PermissionRequest.FileRequest? {
    guard let object = object(value, path, known: ["path", "access", "reason", "optional"]) else { return nil }
    let template = template(object, "path", path, properties)
    let access: AccessMode? = required(object, "access", path)
    let reason = reason(object, path)
    let isOptional = isOptional(object, path)
    guard let template, let access else { return nil }
    let text = template.description
    let parts = text.split(separator: "/", omittingEmptySubsequences: true)
    if !text.hasPrefix("/") && !text.hasPrefix("${config.") || parts.contains("..") || parts.contains(".") {
      note(path.appending("path"), "must be absolute, or begin with ${config.…}, without '.' and '..'")
    } else if parts.isEmpty {
      note(path.appending("path"), "is the root of the host: nobody gets that")
    }
    return PermissionRequest.FileRequest(path: template, access: access, reason: reason, isOptional: isOptional)
  }

  private mutating func endpoint(
    _ value: JSON, _ path: JSONPath, _ properties: Set<String>
  ) -> PermissionRequest.EndpointRequest? {
    guard let object = object(value, path, known: ["host", "port", "reason", "optional"]) else { return nil }
    let host = template(object, "host", path, properties)
    var port: String?
    if case .int(let number)? = object["port"] {
      port = String(number)
      if !(1...65_535).contains(number) { note(path.appending("port"), "must be between 1 and 65535") }
    } else if let text = template(object, "port", path, properties) {
      port = text.description
      if text.properties.isEmpty, Int(text.description).map((1...65_535).contains) != true {
        note(path.appending("port"), "must be a port number or ${config.PROPERTY}")
      }
    }
    let reason = reason(object, path)
    let isOptional = isOptional(object, path)
    guard let host, let port else { return nil }
    return PermissionRequest.EndpointRequest(
      host: host.description, port: port, reason: reason, isOptional: isOptional)
  }

  private mutating func device(
    _ value: JSON, _ path: JSONPath, _ properties: Set<String>
  ) -> PermissionRequest.DeviceRequest? {
    guard let object = object(value, path, known: ["class", "access", "reason", "optional"]) else { return nil }
    let name = template(object, "class", path, properties)
    let access: AccessMode? = required(object, "access", path)
    let reason = reason(object, path)
    let isOptional = isOptional(object, path)
    guard let name, let access else { return nil }
    return PermissionRequest.DeviceRequest(
      class: name.description, access: access, reason: reason, isOptional: isOptional)
  }

  private mutating func broker(
    _ value: JSON, _ path: JSONPath, _ properties: Set<String>
  ) -> PermissionRequest.BrokerRequest? {
    guard let object = object(value, path, known: ["operation", "limits", "reason", "optional"]) else { return nil }
    let operation = text(object, "operation", path, max: 64)
    let limits: [String: String] = optional(object, "limits", path, default: [:])
    let reason = reason(object, path)
    let isOptional = isOptional(object, path)
    guard let operation else { return nil }
    let request = PermissionRequest.BrokerRequest(
      operation: operation, limits: limits, reason: reason, isOptional: isOptional)
    let known = MethodTable.hostServices.contains { service in
      request.covers(service.name) && !["host-core", "host-locks", "host-journal"].contains(service.annotations.group)
    }
    if !known, refusesUnknown {
      note(path.appending("operation"), "\(ForeignText.quoted(operation)) is no broker operation, such as host.mount")
    }
    for problem in BrokerLimits.problems(operation, limits) where known {
      note(path.appending("limits").appending(problem.name), problem.text)
    }
    for (name, text) in limits.sorted(by: { $0.key < $1.key }) {
      guard let template = PathTemplate(text) else {
        note(path.appending("limits").appending(name), "has a '${' that is not ${config.PROPERTY}")
        continue
      }
      for property in template.properties where !properties.contains(property) && property != "path" {
        note(path.appending("limits").appending(name), "uses ${config.\(property)}, which no storage type has")
      }
    }
    return request
  }

  private mutating func runtime(_ value: JSON, _ path: JSONPath) -> PermissionRequest.RuntimeRequest {
    var runtime = PermissionRequest.RuntimeRequest()
    let known: Set<String> = ["procSelf", "jit", "btrfs", "threads", "memoryMax", "pidsMax", "stateSize", "tmpSize"]
    guard let object = object(value, path, known: known) else { return runtime }
    runtime.procSelf = optional(object, "procSelf", path, default: false)
    runtime.jit = optional(object, "jit", path, default: false)
    runtime.btrfs = optional(object, "btrfs", path, default: false)
    runtime.threads = optional(object, "threads", path, default: true)
    runtime.memoryMax = size(object, "memoryMax", path)
    runtime.pidsMax =
      attempt { () throws(JSONError) in
        try object.optionalInteger("pidsMax", 1...65_536, at: path) as Int?
      } ?? nil
    runtime.stateSize = size(object, "stateSize", path)
    runtime.tmpSize = size(object, "tmpSize", path)
    return runtime
  }

  private mutating func size(_ object: JSONObject, _ key: String, _ path: JSONPath) -> ByteCount? {
    attempt { () throws(JSONError) in try object.optionalInteger(key, 0...Int64.max, at: path) as ByteCount? } ?? nil
  }
}
