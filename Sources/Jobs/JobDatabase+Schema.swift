// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0

internal import GRDB

extension JobDatabase {
  /// The tables, version by version. A published version is never edited; a change is a new one.
  static var migrator: DatabaseMigrator {
    var migrator = DatabaseMigrator()
    migrator.registerMigration("1 journal and jobs") { db in
      try db.execute(
        sql: """
          CREATE TABLE journal (
            id TEXT PRIMARY KEY NOT NULL,
            method TEXT NOT NULL,
            storeid TEXT NOT NULL,
            intent TEXT NOT NULL,
            params_digest TEXT NOT NULL,
            idempotency_key TEXT UNIQUE,
            token INTEGER,
            actor TEXT NOT NULL,
            job TEXT,
            created INTEGER NOT NULL,
            state TEXT NOT NULL,
            outcome TEXT,
            result TEXT,
            error TEXT,
            hint TEXT,
            settled INTEGER
          ) STRICT;
          CREATE INDEX journal_open ON journal (storeid, id) WHERE state IN ('started', 'reported');
          CREATE INDEX journal_settled ON journal (settled) WHERE settled IS NOT NULL;
          CREATE TABLE job (
            id TEXT PRIMARY KEY NOT NULL,
            kind TEXT NOT NULL,
            storeid TEXT NOT NULL,
            title TEXT NOT NULL,
            owner TEXT NOT NULL,
            idempotency_key TEXT UNIQUE,
            params_digest TEXT NOT NULL,
            state TEXT NOT NULL,
            created INTEGER NOT NULL,
            started INTEGER,
            finished INTEGER,
            progress TEXT,
            result TEXT,
            error TEXT
          ) STRICT;
          CREATE INDEX job_state ON job (state);
          CREATE INDEX job_finished ON job (finished) WHERE finished IS NOT NULL;
          CREATE TABLE job_log (
            job TEXT NOT NULL REFERENCES job (id) ON DELETE CASCADE,
            seq INTEGER NOT NULL,
            time INTEGER NOT NULL,
            level TEXT NOT NULL,
            message TEXT NOT NULL,
            PRIMARY KEY (job, seq)
          ) STRICT, WITHOUT ROWID;
          CREATE TABLE note (
            scope TEXT NOT NULL,
            key TEXT NOT NULL,
            value TEXT NOT NULL,
            PRIMARY KEY (scope, key)
          ) STRICT, WITHOUT ROWID;
          """)
    }
    return migrator
  }
}
