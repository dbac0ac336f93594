// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0

extension Retention {
  /// Decides about each backup, in the order given.
  ///
  /// Backups are judged group by group, a group being one guest's backups of one type. Within a group the rules apply
  /// in the order last, hourly, daily, weekly, monthly, yearly, each over the newest first: a rule keeps the newest
  /// backup of each span no earlier rule covers, until its count is used up; what lies in a span it just covered is
  /// removed. Spans are those of the local clock; weeks are ISO weeks. What no rule claims is removed.
  public func marks(for backups: [BackupEntry], zone: TimeZoneOffset) -> [PruneMark] {
    var marks = [PruneMark?](repeating: nil, count: backups.count)
    var groups: [Group: [Int]] = [:]
    for (index, backup) in backups.enumerated() {
      if !backup.isStandard || backup.vmid == nil { marks[index] = .renamed }
      if backup.isProtected { marks[index] = .protected }
      if backup.isStandard, let vmid = backup.vmid {
        groups[Group(type: backup.type, vmid: vmid), default: []].append(index)
      }
    }
    for members in groups.values {
      if isKeepAll {
        for index in members where marks[index] == nil { marks[index] = .keep }
        continue
      }
      // Newest first; those of one moment stay as listed.
      let order = members.sorted { left, right in
        backups[left].ctime == backups[right].ctime ? left < right : backups[left].ctime > backups[right].ctime
      }
      for span in Span.allCases where self[span] > 0 {
        apply(span, count: self[span], to: order, backups, zone, &marks)
      }
    }
    return marks.map { $0 ?? .remove }
  }

  private struct Group: Hashable {
    var type: String
    var vmid: Int
  }

  private func apply(
    _ span: Span, count: Int, to order: [Int], _ backups: [BackupEntry], _ zone: TimeZoneOffset,
    _ marks: inout [PruneMark?]
  ) {
    let ids = order.map { span.id(of: backups[$0].ctime, zone) }
    var covered: Set<SpanID> = []
    for (index, id) in zip(order, ids) where marks[index] == .keep { covered.insert(id) }
    var fresh: Set<SpanID> = []
    for (index, id) in zip(order, ids) where marks[index] == nil && !covered.contains(id) {
      if fresh.contains(id) {
        marks[index] = .remove
      } else {
        if fresh.count >= count { break }
        fresh.insert(id)
        marks[index] = .keep
      }
    }
  }
}

/// The span of time a moment falls into, as two numbers that only equal spans share.
private struct SpanID: Hashable {
  var major: Int64
  var minor: Int = 0
}

extension Retention.Span {
  fileprivate func id(of epoch: Int64, _ zone: TimeZoneOffset) -> SpanID {
    if self == .last { return SpanID(major: epoch) }
    let civil = zone.civil(at: epoch)
    switch self {
    case .last: return SpanID(major: epoch)
    case .hourly: return SpanID(major: civil.dayNumber, minor: civil.hour)
    case .daily: return SpanID(major: civil.dayNumber)
    case .weekly: return SpanID(major: Int64(civil.isoWeek.year), minor: civil.isoWeek.week)
    case .monthly: return SpanID(major: Int64(civil.year), minor: civil.month)
    case .yearly: return SpanID(major: Int64(civil.year))
    }
  }
}
