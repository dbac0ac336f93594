// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0

public import JSONRPC

/// A sign of life of a call: `$/progress` or `$/heartbeat`.
public typealias PluginProgress = CallProgress
