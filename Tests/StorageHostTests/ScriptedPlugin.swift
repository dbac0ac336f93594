// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0

/// A storage plugin in a few dozen lines of Python that fails on order.
///
/// Volumes are files in the storage's directory, snapshots files beside them. The file `.faults` in that directory
/// holds lines `METHOD WHEN ACTION`: one line is consumed by the next call of its method. WHEN is `before` the work,
/// in its `middle` (half-made), `late` (of a base: not yet protected) or `after` it; ACTION is `die`, `hang`, `error OUTCOME`, or a lie: `name`, `size`,
/// `path`, `stale` (lists what is freed), `nothing` (claims success without doing it), or `wait`: makes a file `.waiting-…` and goes on once there is a
/// file `.go` (`wait2`: `.go2`). A type whose name begins with `serial` serves one call at a time. A type whose name begins with `backup` lists the files `backup_vzdump-…` as backups; a type whose name begins with `coarse` asks for the storage's lock around every change.
enum ScriptedPlugin {
  static let methods = [
    "activate_storage", "status", "list_images", "alloc_image", "free_image", "run_cleanup", "volume_size_info",
    "volume_resize", "volume_snapshot", "volume_snapshot_info", "volume_snapshot_rollback", "volume_snapshot_delete",
    "rename_snapshot", "rename_volume", "create_base", "clone_image", "volume_export", "volume_export_formats",
    "volume_import", "volume_import_formats", "get_volume_attribute", "update_volume_attribute", "on_add_hook",
    "on_update_hook", "on_delete_hook", "check_config", "path",
  ]

  /// A type whose name begins with `backup` lists volumes itself, one with `plain` leaves attributes to the host.
  static func methods(_ type: String) -> [String] {
    if type.hasPrefix("goldenmute") { return methods.filter { $0 != "path" } }
    if type.hasPrefix("plain") { return methods.filter { !$0.hasSuffix("_volume_attribute") } }
    return methods + (type.hasPrefix("backup") ? ["list_volumes"] : [])
  }

  /// A type whose name begins with `golden` has flat names, among them what its patterns read; one with `goldenmute`
  /// does not declare what bases and clones of them are called, nor where they lie.
  static func patterns(_ type: String) -> String {
    guard type.hasPrefix("golden") else { return "[]" }
    let isMute = type.hasPrefix("goldenmute")
    let base = isMute ? "" : #", "base": "golden-{name}_{vmid}""#
    let clone = isMute ? "" : #", "clone": "{base}/{disk}""#
    return """
      [{"pattern": "^(?<name>pm-[0-9a-f]{4})_(?<vmid>[0-9]+)$", "format": "raw"\(base)},
       {"pattern": "^(?<name>golden-[a-z0-9-]+)_(?<vmid>[0-9]+)$", "format": "raw", "isBase": true\(clone)},
       {"pattern": "^(?<basename>golden-[a-z0-9-]+)/(?<name>vm-(?<vmid>[0-9]+)-disk-[0-9]+)$", "format": "raw"}]
      """
  }

  static func concurrency(_ type: String) -> String { type.hasPrefix("serial") ? "serial" : "parallel" }

  static let permissions = #"{"fs": [{"path": "${config.path}", "access": "rw", "reason": "its directory"}]}"#

  static func manifest(
    sha256: String, type: String, permissions: String = permissions, version: String = "1.0.0"
  ) -> String {
    """
    {"id": "org.berth.test.\(type)", "name": "Scripted", "version": "\(version)", "vendor": "The Berth developers",
     "executable": "scripted.py", "sha256": "\(sha256)",
     "protocol": {"min": "1.0", "max": "1.0"}, "profiles": {"pve-storage": {"min": 9, "max": 15}},
     "concurrency": "\(concurrency(type))", "fencing": "none",
     "storageTypes": [{"type": "\(type)", "title": "Scripted", "roles": ["file"],
       "content": {"supported": ["images", "iso", "vztmpl", "backup", "snippets", "import"], "default": ["images"]},
       "formats": {"supported": ["raw"], "default": "raw"},
       "features": {"clone": {"base": ["raw"]}},
       "volumeNames": "\(type.hasPrefix("golden") ? "rbd" : "directory")", "volumeNamePatterns": \(patterns(type)), "volumeLock": "\(type.hasPrefix("coarse") ? "storage" : "volume")",
       "configSchema": {"type": "object", "properties": {
          "path": {"type": "string", "format": "path", "x-fixed": true},
          "level": {"type": "integer", "minimum": 0}, "derived": {"type": "string"},
          "password": {"type": "string", "x-sensitive": true}},
        "required": ["path"], "additionalProperties": false}}],
     "methods": [\(methods(type).map { "\"\($0)\"" }.joined(separator: ", "))],
     "permissions": \(permissions)}
    """
  }

  static let source = #"""
    #!/usr/bin/python3 -IS
    import errno, json, os, re, shutil, sys, threading, time, zlib
    lock = threading.Lock()

    def send(message):
        with lock:
            sys.stdout.write(json.dumps(message) + "\n")
            sys.stdout.flush()

    class Fail(Exception):
        def __init__(self, code, symbol, message, outcome="not_started"):
            self.code, self.symbol, self.message, self.outcome = code, symbol, message, outcome

    def root(p): return p["scfg"]["path"]
    flat = "@ID@".startswith("org.berth.test.golden")
    def file(p, name=None):
        name = name or p["volname"]
        if flat: return os.path.join(root(p), name.replace("/", "@"))
        owner, name = name.split("/")[-2:]
        return os.path.join(root(p), owner + "_" + name)
    def need(p):
        if not os.path.exists(file(p)): raise Fail(1104, "VOLUME_NOT_FOUND", "no such volume")
    def snap(p, name=None): return file(p) + ".snap." + (name or p["snapname"])

    def fault(p, method):
        if "scfg" not in p: return None
        path = os.path.join(root(p), ".faults")
        with lock:
            try: lines = open(path).read().split("\n")
            except OSError: return None
            for i, line in enumerate(lines):
                words = line.split()
                if words and words[0] == method:
                    del lines[i]
                    with open(path, "w") as f: f.write("\n".join(lines))
                    return words[1:] + [root(p)]
        return None

    def act(f, when):
        if not f or f[0] != when: return
        if f[1] == "die": os.kill(os.getpid(), 9)
        if f[1] == "hang": time.sleep(3600)
        if f[1].startswith("wait"):
            open(os.path.join(f[2], ".waiting-%s-%d" % (f[1], threading.get_ident())), "w").close()
            while not os.path.exists(os.path.join(f[2], ".go" + f[1][4:])): time.sleep(0.01)
        if f[1] in ("EIO", "ENOSPC"):
            number = getattr(errno, f[1])
            symbol = (1110, "NO_SPACE") if number == errno.ENOSPC else (1119, "BACKEND_ERROR")
            raise Fail(*symbol, os.strerror(number), "unknown")
        if f[1] == "error": raise Fail(1119, "BACKEND_ERROR", "made to fail", f[2])

    def entry(p, key):
        if flat:
            st = os.stat(os.path.join(root(p), key))
            return {"volname": key.replace("@", "/"), "format": "raw", "size": st.st_size, "used": st.st_blocks * 512,
                    "vmid": int(re.search("_([0-9]+)$|vm-([0-9]+)-", key).expand(r"\1\2"))}
        owner, name = key.split("_", 1)
        volname = owner + "/" + name
        link = os.path.join(root(p), key + ".base")
        if os.path.exists(link): volname = open(link).read() + "/" + volname
        st = os.stat(os.path.join(root(p), key))
        return {"volname": volname, "format": "raw", "size": st.st_size, "used": st.st_blocks * 512, "vmid": int(owner)}

    def keys(p):
        return sorted(k for k in os.listdir(root(p)) if not k.startswith(".") and (flat or k.endswith(".raw")))

    def entries(p):
        for key in keys(p):
            try: yield entry(p, key)
            except FileNotFoundError: pass  # another call freed it meanwhile

    def list_images(p, f):
        out = list(entries(p))
        if "volnames" in p: out = [e for e in out if e["volname"] in p["volnames"]]
        elif "vmid" in p: out = [e for e in out if e["vmid"] == p["vmid"]]
        out = [e for e in out if e["volname"] > p.get("cursor", "")]
        out.sort(key=lambda e: e["volname"])
        limit = p.get("limit", 1000)
        page = {"volumes": out[:limit]}
        if len(out) > limit: page["nextCursor"] = out[limit - 1]["volname"]
        if f and f[1] == "size" and out: page["volumes"][0]["size"] = -5
        return page

    def make(p, f, name, size):
        with open(file(p, name), "xb") as out:
            out.truncate(size // 2 if f and f[0] == "middle" else size)
        act(f, "middle")

    def alloc_image(p, f):
        if f and f[1] == "nothing": return {"volname": p["volname"]}
        make(p, f, p["volname"], p["size"])
        if f and f[1] == "name":
            os.rename(file(p), file(p, "999/vm-999-disk-9.raw"))
            return {"volname": "999/vm-999-disk-9.raw"}
        return {"volname": p["volname"]}

    def free_image(p, f):
        if f and f[1] == "nothing": return {}
        if not os.path.exists(file(p)): return {}
        os.unlink(file(p))
        act(f, "middle")
        for extra in os.listdir(root(p)):
            if extra.startswith(os.path.basename(file(p)) + "."): os.unlink(os.path.join(root(p), extra))
        return {"cleanup": {"token": p["volname"]}} if os.path.exists(os.path.join(root(p), ".wipe")) else {}

    def run_cleanup(p, f):
        with open(os.path.join(root(p), ".wiped"), "a") as out: out.write(p["token"] + "\n")
        return {}

    def volume_size_info(p, f):
        need(p)
        size = os.stat(file(p)).st_size
        return {"size": -1 if f and f[1] == "size" else size, "format": "raw"}

    def volume_resize(p, f):
        need(p)
        if not (f and f[1] == "nothing"): os.truncate(file(p), p["size"])
        return {}

    def volume_snapshot(p, f):
        need(p)
        shutil.copyfile(file(p), snap(p))
        return {}
    def volume_snapshot_info(p, f):
        need(p)
        prefix = os.path.basename(file(p)) + ".snap."
        return {"snapshots": [{"name": n[len(prefix):]} for n in sorted(os.listdir(root(p))) if n.startswith(prefix)]}
    def volume_snapshot_rollback(p, f):
        need(p)
        shutil.copyfile(snap(p), file(p))
        return {}
    def volume_snapshot_delete(p, f):
        os.unlink(snap(p))
        return {}
    def rename_snapshot(p, f):
        os.rename(snap(p), snap(p, p["targetSnapname"]))
        return {}
    def move(p, f):
        need(p)
        act(f, "middle")
        os.rename(file(p), file(p, p["targetVolname"]))
        return {"volname": p["targetVolname"]}
    def create_base(p, f):
        target = file(p, p["targetVolname"])
        if not os.path.exists(target): move(p, f)
        act(f, "late")
        os.chmod(target, 0o444)
        return {"volname": p["targetVolname"]}
    def clone_image(p, f):
        need(p)
        make(p, f, p["targetVolname"], os.stat(file(p)).st_size)
        if p["targetVolname"].count("/") == 3:
            with open(file(p, p["targetVolname"]) + ".base", "w") as out: out.write(p["volname"])
        return {"volname": p["targetVolname"]}

    def volume_export(p, f):
        need(p)
        total, crc = 0, 0
        with open(p["stream"]["path"], "wb", buffering=0) as out, open(file(p), "rb") as data:
            head = os.stat(file(p)).st_size.to_bytes(8, "little")
            while head:
                out.write(head); total += len(head); crc = zlib.crc32(head, crc)
                act(f, "middle")
                head = data.read(65536)
        return {"bytes": total, "digest": {"algorithm": "crc32", "value": "%08x" % crc}} if p.get("digest") else {"bytes": total}
    def volume_import(p, f):
        total, crc = 0, 0
        target = file(p) + ".new" if p.get("baseSnapshot") else file(p)
        with open(p["stream"]["path"], "rb", buffering=0) as data, open(target, "wb" if target != file(p) else "xb") as out:
            head = data.read(8); total += len(head); crc = zlib.crc32(head, crc)
            while True:
                block = data.read(65536)
                if not block: break
                out.write(block); total += len(block); crc = zlib.crc32(block, crc)
                act(f, "middle")
        if target != file(p): os.rename(target, file(p))
        act(f, "late")
        if target != file(p) and p.get("snapname"): shutil.copyfile(file(p), snap(p))
        return {"volname": p["volname"], "bytes": total, "digest": {"algorithm": "crc32", "value": "%08x" % crc}}

    def get_volume_attribute(p, f):
        try: return {"value": json.load(open(file(p) + ".attr." + p["attribute"]))}
        except OSError: return {"value": "" if p["attribute"] == "notes" else False}
    def update_volume_attribute(p, f):
        with open(file(p) + ".attr." + p["attribute"], "w") as out: json.dump(p["value"], out)
        return {}
    def list_volumes(p, f):
        out = []
        for key in sorted(os.listdir(root(p))):
            if not key.startswith("backup_vzdump-") or ".attr." in key: continue
            name, parts = "backup/" + key[7:], key.split("-")
            marked = get_volume_attribute(dict(p, volname=name, attribute="protected"), None)["value"]
            out.append({"volname": name, "content": "backup", "format": "vma.zst", "vmid": int(parts[2]), "ctime": 1,
                        "subtype": parts[1], "protected": marked, "size": os.stat(os.path.join(root(p), key)).st_size})
        return {"volumes": [e for e in out if e["vmid"] == p.get("vmid", e["vmid"])]}
    def status(p, f):
        return {"total": 1000, "used": -1 if f and f[1] == "size" else 10, "available": 990, "active": True}
    def path(p, f):
        return {"path": "/etc/shadow" if f and f[1] == "path" else file(p), "vtype": "images"}
    def on_add_hook(p, f):
        with open(os.path.join(root(p), ".added"), "w") as out: json.dump(p["sensitive"], out)
        return {"config": {"set": {"derived": "by-hook"}}, "show": {"key": {"value": "shown-once"}}} if not patch(f) else patch(f)
    def patch(f):
        """What no schema accepts: a value out of its range, an unknown property, a fixed one, a secret that is none."""
        return {"value": {"config": {"set": {"level": -4}}}, "stranger": {"config": {"set": {"nobody": 1}}},
                "fixed": {"config": {"set": {"path": "/elsewhere"}}}, "type": {"config": {"set": {"type": "other"}}},
                "secret": {"secrets": {"level": "7"}}}.get(f[1] if f else None)
    def on_delete_hook(p, f):
        try: os.unlink(os.path.join(root(p), ".added"))
        except OSError: pass
        return {}
    def check_config(p, f):
        if p["scfg"].get("level") == 13: raise Fail(1101, "CONFIG_INVALID", "level 13 does not exist")
        return {"scfg": dict(p["scfg"], path="/elsewhere") if f and f[1] == "fixed" else p["scfg"]}
    def activate_storage(p, f):
        try:
            with open(os.path.join(root(p), ".activated"), "a") as out: out.write("%s\n" % p["scfg"].get("level"))
        except OSError: pass  # read-only
        return {}

    simple = {
        "rename_volume": move,
        "on_update_hook": lambda p, f: patch(f) or {}, "volume_export_formats": lambda p, f: {"formats": ["raw+size"]},
        "volume_import_formats": lambda p, f: {"formats": ["raw+size"]},
    }

    def handle(message):
        method, p = message["method"], message.get("params", {})
        try:
            f = fault(p, method)
            act(f, "before")
            run = simple.get(method) or globals()[method]
            result = run(p, f)
            act(f, "after")
            send({"jsonrpc": "2.0", "id": message["id"], "result": result})
        except Fail as e:
            send({"jsonrpc": "2.0", "id": message["id"], "error": {"code": e.code, "message": e.message,
                  "data": {"symbol": e.symbol, "outcome": e.outcome, "retry": {"class": "never"}}}})
        except Exception as e:
            send({"jsonrpc": "2.0", "id": message["id"], "error": {"code": -32603, "message": repr(e),
                  "data": {"symbol": "INTERNAL_ERROR", "outcome": "unknown", "retry": {"class": "never"}}}})

    os.umask(0o077)
    for line in sys.stdin:
        message = json.loads(line)
        method = message.get("method")
        if method == "initialize":
            send({"jsonrpc": "2.0", "id": message["id"], "result": {"protocol": "1.0", "profiles": {"pve-storage": 15},
                  "plugin": {"id": "@ID@", "version": "1.0.0"}, "methods": @METHODS@,
                  "concurrency": "@CONCURRENCY@", "fencing": "none"}})
        elif method == "shutdown":
            send({"jsonrpc": "2.0", "id": message["id"], "result": {}})
            os._exit(0)
        elif "id" in message and method:
            threading.Thread(target=handle, args=(message,), daemon=True).start()
    """#

  static func program(type: String) -> String {
    let list = "[" + methods(type).map { "\"\($0)\"" }.joined(separator: ", ") + "]"
    let named = replace(replace(source, "@ID@", "org.berth.test.\(type)"), "@CONCURRENCY@", concurrency(type))
    return replace(named, "@METHODS@", list)
  }

  private static func replace(_ text: String, _ mark: String, _ value: String) -> String {
    text.split(separator: mark, omittingEmptySubsequences: false).joined(separator: value)
  }
}
