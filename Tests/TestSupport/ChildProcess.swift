// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0

import CShims
import Glibc

/// A child with pipes on its standard streams, killed with its process group when the last reference goes.
public final class ChildProcess: Sendable {
  public let pid: Int32
  public let pidfd: Int32
  /// Our ends; whoever takes one over closes it.
  public let input: Int32
  public let output: Int32

  /// - Parameter arguments: the program, looked for on the path, and its arguments. Its standard error is ours.
  public convenience init(_ arguments: String...) { self.init(arguments) }

  public init(_ arguments: [String]) {
    guard let name = arguments.first, let program = name.contains("/") ? name : Requirement.find(name) else {
      fatalError("no program \(arguments)")
    }
    var toChild: [Int32] = [-1, -1]
    var fromChild: [Int32] = [-1, -1]
    guard berth_pipe(&toChild) == 0, berth_pipe(&fromChild) == 0 else { fatalError("no pipe") }
    let argv = arguments.map { strdup($0) } + [nil]
    defer { for argument in argv { free(argument) } }
    pid = berth_spawn(program, argv, environ, toChild[0], fromChild[1], 2, 1)
    guard pid > 0 else { fatalError("\(program): \(String(cString: strerror(-pid)))") }
    pidfd = berth_pidfd_open(pid)
    close(toChild[0])
    close(fromChild[1])
    input = toChild[1]
    output = fromChild[0]
  }

  deinit {
    killGroup()
    var end = berth_exit()
    _ = berth_pidfd_wait(pidfd, &end)
    close(pidfd)
  }

  /// Kills the child and whoever it started.
  public func killGroup() { kill(-pid, SIGKILL) }
}
