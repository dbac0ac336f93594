// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0

import Glibc
import JSON
import StorageConfig
import Synchronization
import TestSupport
import Testing

@Suite(.timeLimit(.minutes(3))) struct ConfigStoreFaultTests {
  private struct HookFailed: Error {}

  @Test func `a hook that fails leaves everything as it was`() async throws {
    try await withTemporaryDirectory { directory in
      let store = try await ConfigStore.open(directory: directory, schema: .test)
      try await store.add(id: "a1", type: "array", values: ["server": "nas", "password": "old"])
      let digest = store.snapshot.digest
      await #expect(throws: HookFailed.self) {
        try await store.update(id: "a1", values: ["password": "new", "nodes": "x"]) { _ in throw HookFailed() }
      }
      #expect(try await store.read().digest == digest)
      #expect(try await store.secrets.secret("password", of: "a1") == Secret("old"))
    }
  }

  @Test func `a hook's patch the schema refuses is undone`() async throws {
    try await withTemporaryDirectory { directory in
      let store = try await ConfigStore.open(directory: directory, schema: .test)
      let undone = Flag()
      await #expect(throws: ConfigError.self) {
        try await store.add(id: "a1", type: "dir", values: ["path": "/a"]) { _ in
          HookResult(set: ["retries": "many"])
        } undo: { draft in
          #expect(draft.id == "a1")
          undone.raise()
        }
      }
      #expect(undone.isRaised)
      #expect(try await store.read().entries.isEmpty)
    }
  }

  @Test func `an edit by others is seen and never overwritten`() async throws {
    try await withTemporaryDirectory { directory in
      let store = try await ConfigStore.open(directory: directory, schema: .test)
      try await store.add(id: "a1", type: "dir", values: ["path": "/a"])
      writeFile("\(directory)/storage.cfg", Array("dir: b1\n\tpath /b\n".utf8))
      #expect(store.snapshot["b1"] == nil)
      #expect(try await store.read()["b1"]?.usable != nil)
      let error = await #expect(throws: ConfigError.self) {
        try await store.update(id: "b1", values: ["retries": 1]) { _ in
          writeFile("\(directory)/storage.cfg", Array("dir: c1\n\tpath /c\n".utf8))
          return .none
        }
      }
      #expect(error?.code == .digestConflict)
      #expect(try await store.read().entries.map(\.id) == ["c1"])
    }
  }

  @Test func `readers do not wait for a writer`() async throws {
    try await withTemporaryDirectory { directory in
      let store = try await ConfigStore.open(directory: directory, schema: .test)
      try await store.add(id: "a1", type: "dir", values: ["path": "/a"]) { _ in
        #expect(store.snapshot.entries.isEmpty)
        let current = try await store.read()
        #expect(current.entries.isEmpty)
        return .none
      }
      #expect(store.snapshot.entries.count == 1)
    }
  }

  @Test func `writers in one process take turns, and none is lost`() async throws {
    try await withTemporaryDirectory { directory in
      let store = try await ConfigStore.open(directory: directory, schema: .test)
      let inside = Flag()
      try await withThrowingTaskGroup(of: Void.self) { group in
        for index in 0..<24 {
          group.addTask {
            try await store.add(id: "s\(index)", type: "dir", values: ["path": "/s"]) { _ in
              #expect(!inside.isRaised)
              inside.raise()
              await Task.yield()
              inside.lower()
              return .none
            }
          }
        }
        try await group.waitForAll()
      }
      #expect(try await store.read().entries.count == 24)
    }
  }

  @Test func `a lock held by another process is named`() async throws {
    try await withTemporaryDirectory { directory in
      let store = try await ConfigStore.open(directory: directory, schema: .test)
      let other = try await ConfigStore.open(directory: directory, schema: .test)
      let error = try await store.add(id: "a1", type: "dir", values: ["path": "/a"], owner: "the first") { _ in
        // A second store on the directory stands for another process: only the flock is between the two.
        let error = await #expect(throws: ConfigError.self) {
          try await other.add(id: "b1", type: "dir", values: ["path": "/b"], timeout: .milliseconds(30))
        }
        #expect(error?.code == .locked)
        #expect(error?.message.contains("the first, add a1") == true)
        return .none
      }
      #expect(error.action == .add)
      try await other.add(id: "b1", type: "dir", values: ["path": "/b"])
      #expect(try await store.read().entries.map(\.id) == ["a1", "b1"])
    }
  }

  @Test func `secrets of a section that went come back with it`() async throws {
    try await withTemporaryDirectory { directory in
      let path = "\(directory)/storage.cfg"
      let store = try await ConfigStore.open(directory: directory, schema: .test)
      try await store.add(id: "san", type: "array", values: ["server": "nas", "password": "kept"])
      let section = readFile(path)
      writeFile(path, Array("#".utf8) + section)
      var without = try await ConfigStore.open(directory: directory, schema: .test, now: 1_000)
      #expect(without.notes.contains { $0.contains("'san'") && $0.contains("30 days") }, "\(without.notes)")
      #expect(names("\(directory)/secrets") == ["san.aside-1000"])
      #expect(mode("\(directory)/secrets/san.aside-1000") == 0o600)
      #expect(try await without.secrets.secrets(of: "san").isEmpty, "nobody gets them meanwhile")
      without = try await ConfigStore.open(directory: directory, schema: .test, now: 1_000 + 29 * 86_400)
      // Back while it runs, and back at a start.
      writeFile(path, section)
      _ = try await without.read()
      #expect(try await without.secrets.secret("password", of: "san") == Secret("kept"))
      writeFile(path, [])
      _ = try await ConfigStore.open(directory: directory, schema: .test, now: 2_000)
      writeFile(path, section)
      let again = try await ConfigStore.open(directory: directory, schema: .test, now: 3_000)
      #expect(try await again.secrets.secret("password", of: "san") == Secret("kept"))
      #expect(names("\(directory)/secrets") == ["san.json"])
    }
  }

  @Test func `secrets kept aside go after 30 days, with their storage, or with a new one of its name`() async throws {
    try await withTemporaryDirectory { directory in
      let path = "\(directory)/storage.cfg"
      let store = try await ConfigStore.open(directory: directory, schema: .test)
      try await store.add(id: "san", type: "array", values: ["server": "nas", "password": "kept"])
      let section = readFile(path)
      func aside(_ now: Int64) async throws -> ConfigStore {
        writeFile(path, [])
        return try await ConfigStore.open(directory: directory, schema: .test, now: now)
      }
      var open = try await aside(1_000)
      try await open.add(id: "san", type: "array", values: ["server": "other", "password": "new"])
      #expect(names("\(directory)/secrets") == ["san.json"])
      #expect(try await open.secrets.secrets(of: "san") == ["password": Secret("new")])
      open = try await aside(2_000)
      try await open.add(id: "san", type: "dir", values: ["path": "/a"])
      #expect(names("\(directory)/secrets").isEmpty, "a storage without secrets inherits none")
      try await open.remove(id: "san")
      try await open.add(id: "san", type: "array", values: ["server": "nas", "password": "kept"])
      open = try await aside(3_000)
      writeFile(path, section)
      open = try await ConfigStore.open(directory: directory, schema: .test, now: 4_000)
      try await open.remove(id: "san")
      #expect(names("\(directory)/secrets").isEmpty)
      try await open.add(id: "san", type: "array", values: ["server": "nas", "password": "kept"])
      _ = try await aside(5_000)
      open = try await aside(5_000 + 31 * 86_400)
      #expect(names("\(directory)/secrets").isEmpty)
      #expect(open.notes.contains { $0.contains("are gone") })
    }
  }

  @Test func `a stray file among the secrets stops nobody`() async throws {
    try await withTemporaryDirectory { directory in
      let store = try await ConfigStore.open(directory: directory, schema: .test)
      try await store.add(id: "san", type: "array", values: ["server": "nas", "password": "p"])
      for name in ["x.json", "san (copy).json", "-.json", ".json", "notes.txt", "san.pending-x"] {
        writeFile("\(directory)/secrets/\(name)", Array("{}".utf8))
      }
      let again = try await ConfigStore.open(directory: directory, schema: .test)
      #expect(try await again.secrets.secret("password", of: "san") == Secret("p"))
      #expect(again.notes.contains { $0.contains("san (copy).json") }, "\(again.notes)")
      #expect(names("\(directory)/secrets").contains("san (copy).json"), "it is not ours to remove")
    }
  }

  /// The states that a crash can leave between the two writes, made by hand.
  @Test func `a change that was cut off is settled by the file that is there`() async throws {
    for isWritten in [false, true] {
      for isEdited in [false, true] {
        try await withTemporaryDirectory { directory in
          let (path, secrets) = ("\(directory)/storage.cfg", "\(directory)/secrets")
          let store = try await ConfigStore.open(directory: directory, schema: .test)
          try await store.add(id: "san", type: "array", values: ["server": "nas", "password": "old", "nodes": "a"])
          let old = readFile(path)
          try await store.update(id: "san", values: ["password": "new", "nodes": "b"]) { _ in
            rename("\(secrets)/san.json", "\(directory)/before.json")
            link("\(directory)/before.json", "\(secrets)/san.json")
            return .none
          }
          // Back to the moment before the new secrets were put in force.
          let (was, now) = (StorageConfigFile(parsing: old), store.snapshot.file)
          let section = { (file: StorageConfigFile) in file.bytes }
          let name = "san.pending-\(now.digest)-\(was.digest)-\(StorageConfigFile(parsing: section(now)).digest)"
          rename("\(secrets)/san.json", "\(secrets)/\(name)")
          rename("\(directory)/before.json", "\(secrets)/san.json")
          let edit = isEdited ? Array("\n# by hand\n".utf8) : []
          writeFile(path, (isWritten ? now.bytes : old) + edit)
          let again = try await ConfigStore.open(directory: directory, schema: .test)
          let password = try await again.secrets.secret("password", of: "san")
          #expect(password == Secret(isWritten ? "new" : "old"), "written \(isWritten), edited \(isEdited)")
          #expect(names(secrets) == ["san.json"])
          #expect(again.notes.contains { $0.contains("cut off") })
        }
      }
    }
  }

  @Test func `killed at any moment, a password belongs to its server`() async throws {
    try await withTemporaryDirectory { directory in
      let store = try await ConfigStore.open(directory: directory, schema: .test)
      try await store.add(id: "san", type: "array", values: ["server": "nas", "password": "v0", "options": "v0"])
      var seen: Set<String> = []
      // More of them where the machine is so busy that most are killed before their first change.
      for round in 0..<40 where round < 8 || seen.count <= 4 {
        await #expect(processExitsWith: .signal(SIGKILL)) { [directory = directory as String, round = round as Int] in
          let store = try await ConfigStore.open(directory: directory, schema: .test)
          var id = pthread_t()
          pthread_create(
            &id, nil,
            { delay in
              usleep(UInt32(UInt(bitPattern: delay)))
              kill(getpid(), SIGKILL)
              return nil
            }, UnsafeMutableRawPointer(bitPattern: 20_000 + UInt(round) * 2_900))
          for count in 0... {
            let value = JSON.string("v\(round).\(count)")
            try await store.update(id: "san", values: ["password": value, "options": value])
          }
        }
        let after = try await ConfigStore.open(directory: directory, schema: .test)
        let options = try #require(try after.snapshot.storage("san").config["options"]?.stringValue)
        #expect(try await after.secrets.secret("password", of: "san")?.value == options)
        #expect(names("\(directory)/secrets") == ["san.json"])
        seen.insert(options)
      }
      #expect(seen.count > 4, "the changes were under way: \(seen)")
    }
  }

  @Test func `a new storage does not inherit secrets of an old one`() async throws {
    try await withTemporaryDirectory { directory in
      let store = try await ConfigStore.open(directory: directory, schema: .test)
      try await store.secrets.apply(SecretChange(set: ["key": Secret("left behind")]), to: "a1")
      try await store.add(id: "a1", type: "array", values: ["server": "nas", "password": "p"])
      #expect(try await store.secrets.secrets(of: "a1") == ["password": Secret("p")])
    }
  }

  @Test func `damaged secrets are an error that does not quote them`() async throws {
    try await withTemporaryDirectory { directory in
      let secrets = try await SecretStore(directory: "\(directory)/secrets")
      writeFile("\(directory)/secrets/a1.json", Array(#"{"password": "hunter2", }"#.utf8))
      let error = await #expect(throws: ConfigError.self) { try await secrets.secrets(of: "a1") }
      #expect(error.map { !"\($0)".contains("hunter2") && $0.message.contains("a1.json") } == true)
      await #expect(throws: ConfigError.self) { try await secrets.secrets(of: "../a1") }
    }
  }

  @Test(.requires(.root)) func `a full disk leaves the old file and the old secrets`() async throws {
    try await withTemporaryDirectory { directory in
      let disk = "\(directory)/disk"
      mkdir(disk, 0o755)
      guard mount("tmpfs", disk, "tmpfs", 0, "size=128k") == 0 else {
        // A container's root may not mount: nothing to test on then.
        #expect(errno == EPERM)
        return
      }
      defer { umount2(disk, CInt(MNT_DETACH)) }
      let store = try await ConfigStore.open(directory: disk, schema: .test)
      try await store.add(id: "a1", type: "array", values: ["server": "nas", "password": "old"])
      let before = store.snapshot
      let filler = open("\(disk)/filler", O_WRONLY | O_CREAT, 0o600)
      let block = [UInt8](repeating: 7, count: 512)
      while write(filler, block, block.count) > 0 {}
      close(filler)
      let error = await #expect(throws: ConfigError.self) {
        try await store.add(id: "b1", type: "array", values: ["server": "nas", "password": "new"])
      }
      #expect(error?.code == .noSpace)
      await #expect(throws: ConfigError.self) {
        try await store.update(id: "a1", values: ["nodes": "x", "password": "new"])
      }
      #expect(try await store.read().digest == before.digest)
      #expect(try await store.secrets.secret("password", of: "a1") == Secret("old"))
      #expect(names(disk) == ["filler", "secrets", "storage.cfg", "storage.cfg.lock"])
      #expect(names("\(disk)/secrets") == ["a1.json"])
      unlink("\(disk)/filler")
      try await store.add(id: "b1", type: "array", values: ["server": "nas", "password": "new"])
      #expect(try await store.read().entries.count == 2)
    }
  }

  @Test func `killed at any moment, the file is the old or the new one`() async throws {
    try await withTemporaryDirectory { directory in
      let store = try await ConfigStore.open(directory: directory, schema: .test)
      for id in ["a1", "b1"] { try await store.add(id: id, type: "dir", values: ["path": "/x", "options": "v0"]) }
      for round in 0..<6 {
        await #expect(processExitsWith: .signal(SIGKILL)) { [directory = directory as String, round = round as Int] in
          let store = try await ConfigStore.open(directory: directory, schema: .test)
          for count in 0... {
            if count == 3 {
              var id = pthread_t()
              let delay = UnsafeMutableRawPointer(bitPattern: 1 + UInt(round) * 3_700)
              pthread_create(
                &id, nil,
                { delay in
                  usleep(UInt32(UInt(bitPattern: delay)))
                  kill(getpid(), SIGKILL)
                  return nil
                }, delay)
            }
            try await store.update(id: count.isMultiple(of: 2) ? "a1" : "b1", values: ["options": "v\(count)"])
            try await store.secrets.apply(SecretChange(set: ["k": Secret("v\(count)")]), to: "a1")
          }
        }
        let after = try await ConfigStore.open(directory: directory, schema: .test)
        #expect(after.snapshot.entries.map { $0.usable?.path } == ["/x", "/x"])
        #expect(after.snapshot.problems.isEmpty)
        #expect(try await after.secrets.secret("k", of: "a1")?.value.hasPrefix("v") == true)
        #expect(names(directory) == ["secrets", "storage.cfg", "storage.cfg.lock"])
        #expect(names("\(directory)/secrets") == ["a1.json"])
      }
    }
  }
}

/// Something that happened.
private final class Flag: Sendable {
  private let value = Mutex(false)

  var isRaised: Bool { value.withLock { $0 } }

  func raise() { value.withLock { $0 = true } }
  func lower() { value.withLock { $0 = false } }
}
