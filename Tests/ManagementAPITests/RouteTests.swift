// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0

import HTTPTypes
import Hummingbird
import HummingbirdTesting
import JSON
import TestSupport
import Testing

@testable import ManagementAPI

@Suite("Routes", .serialized, .timeLimit(.minutes(5)))
struct RouteTests {
  @Test func whatIsRunningIsTold() async throws {
    try await withAPI { client in
      let version = try await client.ask(.get, "/version")
      #expect(version.status == 200)
      #expect(version.media == "application/json")
      #expect(version.json?["version"] == "1.2.3")
      #expect(try await client.ask(.get, "/health").json?["storages"] == 0)
      #expect(try await client.ask(.get, "/storages").json == ["items": []])
      #expect(try await client.ask(.get, "/plugins").json == ["items": []])
      #expect(try await client.ask(.get, "/locks").json == ["items": []])
      #expect(try await client.ask(.get, "/jobs").json == ["items": []])
      #expect(try await client.ask(.post, "/reconcile").json == ["items": []])
      #expect(try await client.ask(.get, "/config/digest").json?["digest"]?.stringValue?.count == 40)
    }
  }

  @Test func everyFailureIsAProblem() async throws {
    try await withAPI { client in
      let cases: [(HTTPRequest.Method, String, String?, Int, String)] = [
        (.get, "/nosuch", nil, 404, "NO_SUCH_ROUTE"),
        (.put, "/storages", nil, 404, "NO_SUCH_ROUTE"),
        (.get, "/storages/nosuch", nil, 404, "STORAGE_NOT_FOUND"),
        (.get, "/storages/nosuch/volumes", nil, 404, "STORAGE_NOT_FOUND"),
        (.get, "/storages/nosuch/status", nil, 404, "STORAGE_NOT_FOUND"),
        (.post, "/storages/nosuch/release", nil, 404, "STORAGE_NOT_FOUND"),
        (.get, "/volumes/nosuch%3A100%2Fvm-100-disk-0.raw", nil, 404, "STORAGE_NOT_FOUND"),
        (.delete, "/storages/nosuch", nil, 404, "STORAGE_NOT_FOUND"),
        (.get, "/plugins/nosuch", nil, 404, "PLUGIN_NOT_FOUND"),
        (.get, "/volumes/no-colon", nil, 400, "BAD_REQUEST"),
        (.get, "/volumes/a%3Ab%zz", nil, 400, "BAD_REQUEST"),
        (.get, "/volumes/a%3Ab%00c", nil, 400, "BAD_REQUEST"),
        (.get, "/storages/nosuch/volumes?limit=0", nil, 400, "BAD_REQUEST"),
        (.get, "/storages/nosuch/volumes?limt=1", nil, 400, "BAD_REQUEST"),
        (.get, "/jobs?state=bogus", nil, 400, "BAD_REQUEST"),
        (.get, "/jobs/nosuch", nil, 404, "JOB_NOT_FOUND"),
        (.get, "/transfers/nosuch", nil, 404, "NO_SUCH_TRANSFER"),
        (.post, "/storages/nosuch/volumes?wait=0", #"{"vmid":1,"size":1024}"#, 404, "STORAGE_NOT_FOUND"),
        (.post, "/storages/nosuch/volumes?wait=x", #"{"vmid":1,"size":1024}"#, 400, "BAD_REQUEST"),
        (.post, "/storages/nosuch/volumes?wait=3601", #"{"vmid":1,"size":1024}"#, 400, "BAD_REQUEST"),
        (.delete, "/volumes/nosuch%3Ax.raw?wait=-1", nil, 400, "BAD_REQUEST"),
        (.post, "/storages/nosuch/import?format=raw%2Bsize&vmid=1", nil, 404, "STORAGE_NOT_FOUND"),
        (.get, "/volumes/nosuch%3Ax.raw/export?format=raw%2Bsize", nil, 404, "STORAGE_NOT_FOUND"),
        (.post, "/storages/nosuch/prune", nil, 404, "STORAGE_NOT_FOUND"),
        (.post, "/storages/nosuch/call", #"{"method":"status"}"#, 404, "STORAGE_NOT_FOUND"),
        (.post, "/storages/nosuch/call", #"{"method":"free_image"}"#, 404, "STORAGE_NOT_FOUND"),
        (.post, "/storages/nosuch/call", #"{"method":"nosuch"}"#, 422, "METHOD_NOT_FOUND"),
        (.post, "/config/import", #"{"text":"x","bogus":1}"#, 400, "BAD_REQUEST"),
        (.post, "/config/import", #"{"text":"x","secrets":{"a":{"b":1}}}"#, 400, "BAD_REQUEST"),
        (.post, "/storages", "{", 400, "BAD_REQUEST"),
        (.post, "/storages", #"{"storeid":"a","storeid":"b"}"#, 400, "BAD_REQUEST"),
        (.post, "/storages", #"{"storeid":"aa","type":"x","bogus":1}"#, 400, "BAD_REQUEST"),
        (.post, "/storages", #"{"storeid":7,"type":"x"}"#, 400, "BAD_REQUEST"),
        (.post, "/storages", #"{"storeid":"aa","type":"nosuch"}"#, 400, "CONFIG_INVALID"),
      ]
      for (method, path, body, status, symbol) in cases {
        let answer = try await client.ask(method, path, body)
        #expect(answer.status == status, "\(method) \(path): \(String(describing: answer.json))")
        #expect(answer.media == "application/problem+json", "\(method) \(path)")
        #expect(answer.json?["symbol"]?.stringValue == symbol, "\(method) \(path)")
        #expect(answer.json?["outcome"] != nil, "\(method) \(path)")
        #expect(answer.json?["detail"]?.stringValue?.isEmpty == false, "\(method) \(path)")
      }
    }
  }

  @Test func aConfigurationIsTakenOver() async throws {
    try await withAPI { client in
      let body = #"{"text":"nfs: far\n\tserver x\n\texport /x\n","secrets":{"far":{"password":"hunter2"}}}"#
      let dry = try await client.ask(.post, "/config/import?dry-run=true", body)
      #expect(dry.status == 200)
      #expect(dry.json?["dryRun"] == true)
      #expect(try await client.ask(.get, "/storages").json == ["items": []])
      let taken = try await client.ask(.post, "/config/import", body)
      #expect(taken.status == 200)
      #expect(taken.json?["sections"]?.arrayValue?.first?["verdict"] == "waiting")
      #expect(taken.json?.text().contains("hunter2") == false)
      #expect(try await client.ask(.get, "/storages/far").json?["type"] == "nfs")
      let again = try await client.ask(.post, "/config/import", body)
      #expect(again.status == 409)
      #expect(again.json?["symbol"] == "CONFIG_INVALID")
    }
  }

  @Test func bodiesAreBoundedAndJSONOnly() async throws {
    try await withAPI { client in
      let large = #"{"storeid":"aa","type":""# + String(repeating: "x", count: 2 << 20) + #""}"#
      let tooLarge = try await client.ask(.post, "/storages", large).status
      #expect(tooLarge == 413)
      let deep = String(repeating: "[", count: 100) + String(repeating: "]", count: 100)
      let tooDeep = try await client.ask(.post, "/storages", deep).status
      #expect(tooDeep == 400)
      let text = try await client.ask(.post, "/storages", "a=b", media: "text/plain").status
      #expect(text == 415)
    }
  }

  @Test func strangersAreRefusedEverywhere() async throws {
    try await withAPI(peer: Peer(uid: 1_000, gid: 1_000, groups: [20, 30], pid: 1)) { client in
      for path in ["/version", "/storages", "/metrics", "/nosuch"] {
        let answer = try await client.ask(.get, path)
        #expect(answer.status == 403 || path == "/nosuch", "\(path)")
      }
    }
    try await withAPI(peer: nil) { client in
      let status = try await client.ask(.get, "/version").status
      #expect(status == 403)
    }
    try await withAPI(peer: Peer(uid: 1_000, gid: 1_000, groups: [20, 50], pid: 1)) { client in
      let status = try await client.ask(.get, "/version").status
      #expect(status == 200)
    }
  }

  @Test func anIdempotencyKeyMustBeAKey() async throws {
    try await withAPI { client in
      guard let name = HTTPField.Name("Idempotency-Key") else { return }
      var headers = HTTPFields()
      headers[.contentType] = "application/json"
      headers[name] = String(repeating: "k", count: 129)
      try await client.execute(
        uri: "/api/v1/storages", method: .post, headers: headers,
        body: ByteBuffer(string: #"{"storeid":"aa","type":"nosuch"}"#)
      ) { response in #expect(response.status.code == 400) }
    }
  }
}
