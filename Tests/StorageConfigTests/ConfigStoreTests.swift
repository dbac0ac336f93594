// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0

import Glibc
import JSON
import StorageConfig
import StorageRules
import TestSupport
import Testing

@Suite(.timeLimit(.minutes(2))) struct ConfigStoreTests {
  @Test func `a storage is added, changed and removed`() async throws {
    try await withTemporaryDirectory { directory in
      let store = try await ConfigStore.open(directory: directory, schema: .test)
      #expect(store.snapshot.entries.isEmpty)
      try await store.add(id: "local", type: "dir", values: ["path": "/var/lib/vz", "content": "iso,images"])
      #expect(store.snapshot.file.text == "dir: local\n\tpath /var/lib/vz\n\tcontent images,iso\n")
      #expect(try store.snapshot.storage("local").content == [.images, .iso])
      try await store.update(id: "local", values: ["disable": true], deleting: ["content"])
      #expect(store.snapshot.file.text == "dir: local\n\tdisable\n\tpath /var/lib/vz\n")
      let again = try await ConfigStore.open(directory: directory + "/", schema: .test)
      #expect(again.snapshot.digest == store.snapshot.digest)
      #expect(try again.snapshot.storage("local").isDisabled)
      try await store.remove(id: "local")
      #expect(try await again.read().entries.isEmpty)
    }
  }

  @Test func `a secret never reaches the file`() async throws {
    try await withTemporaryDirectory { directory in
      let store = try await ConfigStore.open(directory: directory, schema: .test)
      let draft = try await store.add(
        id: "san", type: "array", values: ["server": "10.0.0.1", "password": "hunter2"]
      ) { draft in
        #expect(draft.secrets.set["password"]?.value == "hunter2")
        #expect(!"\(draft)".contains("hunter2"))
        return HookResult(secrets: ["key": Secret("generated")])
      }
      #expect(!String(reflecting: draft).contains("hunter2"))
      #expect(!store.snapshot.file.text.contains("hunter2"))
      #expect(store.snapshot.file.text == "array: san\n\tserver 10.0.0.1\n")
      #expect(try await store.secrets.secret("password", of: "san") == Secret("hunter2"))
      #expect(try await store.secrets.secret("key", of: "san") == Secret("generated"))
      #expect(mode("\(directory)/secrets") == 0o700)
      #expect(mode("\(directory)/secrets/san.json") == 0o600)
      try await store.remove(id: "san")
      #expect(try await store.secrets.secrets(of: "san").isEmpty)
    }
  }

  @Test func `an existing file is taken over byte for byte`() async throws {
    try await withTemporaryDirectory { directory in
      let store = try await ConfigStore.open(directory: directory, schema: .test)
      try await store.add(id: "own", type: "dir", values: ["path": "/own"])
      let foreign = "# from Proxmox VE\ndir: local\n\tpath /var/lib/vz\n\nrbd: ceph\n\tpool rbd\n\tkrbd 1\n"
      let merged = try await store.merge(StorageConfigFile(foreign))
      #expect(merged.file.text == "dir: own\n\tpath /own\n\n" + foreign)
      #expect(merged.entries.map(\.id) == ["own", "local", "ceph"])
      #expect(merged["ceph"]?.usable == nil)
      #expect(try await store.read().digest == merged.digest)
      try await store.update(id: "local", values: ["shared": false])
      #expect(store.snapshot.file.text.contains("rbd: ceph\n\tpool rbd\n\tkrbd 1\n"))
      let error = await #expect(throws: ConfigError.self) { try await store.merge(StorageConfigFile("dir: local\n")) }
      #expect(error?.code == .exists)
      await #expect(throws: ConfigError.self) { try await store.merge(StorageConfigFile("dir: x1\n"), digest: "00") }
    }
  }
}
