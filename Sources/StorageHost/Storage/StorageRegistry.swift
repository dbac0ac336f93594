// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0

internal import JSON
internal import StorageProtocol

actor StorageRegistry {
  func facts(_ storeid: String) async throws(StorageError) -> TypeFacts { throw .refused(.storageUnavailable, "x", hint: nil) }
  func storage(_ storeid: String) async throws(StorageError) -> Storage { throw .refused(.storageUnavailable, "x", hint: nil) }
  func kill(_ storeid: String) async -> String? { nil }
}
