// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0

import Glibc
import JSON
import TestSupport
import Testing

/// Plugins without manners, run by the real daemon in the real sandbox: the call ends, the others work, nothing is left.
@Suite("Rude plugins", .serialized, .timeLimit(.minutes(10)), .requires(.root))
struct RudePluginTests {
  /// What the plugin does to a listing, by the storage's id; whether the call can still be answered; what its error says.
  private static let manners: [(storage: String, isAnswered: Bool, words: String)] = [
    ("twice", true, ""),
    ("floodserr", true, ""),
    ("floodsout", false, "MESSAGE_TOO_LARGE"),
    ("floodslines", false, "PROTOCOL_VIOLATION"),
    ("grandchild", false, "PLUGIN_CRASHED"),
    ("closesin", false, "PLUGIN_CRASHED"),
    ("closesout", false, "PLUGIN_CRASHED"),
  ]

  @Test func aRudePluginCostsItsOwnCallOnly() async throws {
    let host = try await Installation()
    try await install(in: host)
    try await host.start()
    try await host.addStorage()
    let volume = try await host.succeed("volume", "alloc", "local", "100", "1M")
    for (storage, isAnswered, words) in Self.manners {
      try await host.succeed("storage", "add", "rude", storage, "-o", "path=\(host.store)", "--consent")
      let run = await host.berth("volume", "list", storage)
      #expect((run.status == 0) == isAnswered, "\(storage): \(run.status) \(run.errors)")
      #expect(run.errors.contains(words), "\(storage): \(run.errors)")
      if !isAnswered { #expect(run.errors.contains("next:"), "\(storage): \(run.errors)") }
      #expect(try await host.volumes() == [volume], "the other storage works beside \(storage)")
      // A new child is as good as the first, once the operator lets it start.
      _ = await host.berth("plugin", "release", storage)
      let status = await eventually { await host.berth("storage", "status", storage, "--fresh").status == 0 }
      #expect(status, "\(storage) does not come back")
    }
    let shown = try await host.succeed("plugin", "show", "org.berth.test.rude")
    #expect(shown.contains("1 twice"), "\(shown)")
    let metrics = try await host.succeed("daemon", "metrics")
    let labels = #"kind="duplicate_answer",plugin="org.berth.test.rude",storeid="twice""#
    #expect(metrics.contains("berth_plugin_faults_total{\(labels)} 1"), "\(metrics)")
    #expect(host.log.utf8.count < 2 << 20, "a flood does not reach the log")
    let children = ProcessTable.descendants(of: host.daemon)
    #expect(await host.stop() == 0)
    let gone = await eventually { !children.contains(where: ProcessTable.isAlive) }
    #expect(gone, "no process is left")
  }

  private func install(in host: Installation) async throws {
    let source = host.directory.file("rude")
    mkdir(source, 0o755)
    writeFile(source + "/rude.py", Array(Self.program.utf8), mode: 0o755)
    let manifest = """
      {"id": "org.berth.test.rude", "name": "Rude", "version": "1.0.0", "vendor": "The Berth developers",
       "executable": "rude.py", "sha256": "HASH", "protocol": {"min": "1.0", "max": "1.0"},
       "profiles": {"pve-storage": {"min": 9, "max": 15}}, "concurrency": "parallel", "fencing": "none",
       "storageTypes": [{"type": "rude", "title": "Rude", "roles": ["file"],
         "content": {"supported": ["images"], "default": ["images"]},
         "formats": {"supported": ["raw"], "default": "raw"}, "volumeNames": "directory",
         "configSchema": {"type": "object", "properties": {"path": {"type": "string", "format": "path", "x-fixed": true}},
           "required": ["path"], "additionalProperties": false}}],
       "methods": ["activate_storage", "status", "list_images", "alloc_image", "free_image", "volume_size_info"],
       "permissions": {"fs": [{"path": "${config.path}", "access": "rw", "reason": "its directory"}]}}
      """
    writeFile(source + "/manifest.json", Array(manifest.utf8))
    try await Program.tool("python3", Program.checkout + "/scripts/bundle", source, host.plugins)
  }

  private static let program = #"""
    #!/usr/bin/python3 -IS
    import json, os, sys, time

    def send(message): os.write(1, (json.dumps(message) + "\n").encode())
    def answer(message, result): send({"jsonrpc": "2.0", "id": message["id"], "result": result})
    def flood(fd, block, times):
        for _ in range(times):
            rest = block
            while rest: rest = rest[os.write(fd, rest):]

    methods = ["activate_storage", "status", "list_images", "alloc_image", "free_image", "volume_size_info"]
    for line in sys.stdin:
        message = json.loads(line)
        method, params = message.get("method"), message.get("params", {})
        if method == "initialize":
            answer(message, {"protocol": "1.0", "profiles": {"pve-storage": 15}, "methods": methods,
                "plugin": {"id": "org.berth.test.rude", "version": "1.0.0"}, "concurrency": "parallel", "fencing": "none"})
        elif method == "shutdown":
            answer(message, {})
            break
        elif "id" not in message:
            continue
        elif method == "status":
            answer(message, {"total": 1000, "used": 10, "available": 990, "active": True})
        elif method == "list_images":
            manners = params["storeid"]
            if manners == "twice": answer(message, {"volumes": []})
            if manners == "floodserr": flood(2, b"noise on stderr\n" * 4096, 64)
            if manners == "floodsout": flood(1, b"x" * 65536, 1024)
            if manners == "floodslines": flood(1, b"noise on stdout\n" * 4096, 1024)
            if manners == "grandchild":
                if os.fork() == 0: time.sleep(3600)
                os._exit(0)
            if manners == "closesin":
                os.close(0)
                time.sleep(3600)
            if manners == "closesout":
                os.close(1)
                time.sleep(3600)
            answer(message, {"volumes": []})
        else:
            answer(message, {})
    """#
}
