// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0

/// An amount in bytes, never negative: the protocol's decoders refuse anything below 0.
public typealias ByteCount = Int64
