// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0

/// The HTTP fields and trailers of Berth's own.
public enum HeaderName {
  /// Request: a key that makes repeating a change safe; the first answer is given again.
  public static let idempotencyKey = "Idempotency-Key"
  /// Response: the job that does the work.
  public static let job = "Berth-Job"
  /// Export response: under which id the outcome can be asked for once the body has ended.
  public static let transfer = "Berth-Transfer"
  /// Export trailer: `complete` once every byte was sent and compared; the stream breaks off when anything failed.
  public static let streamState = "Berth-Stream"
  /// Export trailer: how many bytes the plugin says it wrote.
  public static let streamBytes = "Berth-Stream-Bytes"
  /// Export trailer: `algorithm:hexadecimal` over the bytes, when a digest was asked for.
  public static let streamDigest = "Berth-Stream-Digest"
}
