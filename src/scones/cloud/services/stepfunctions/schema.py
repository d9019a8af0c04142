"""The main tables of Step Functions."""

SCHEMA = """
CREATE TABLE IF NOT EXISTS sfn_machines (
    arn TEXT PRIMARY KEY, name TEXT NOT NULL, type TEXT NOT NULL, created REAL NOT NULL,
    revision TEXT NOT NULL, versions INTEGER NOT NULL DEFAULT 0
);
CREATE TABLE IF NOT EXISTS sfn_revisions (
    id TEXT PRIMARY KEY, machine TEXT NOT NULL, initial INTEGER NOT NULL, definition TEXT NOT NULL,
    role TEXT NOT NULL, logging TEXT NOT NULL, tracing TEXT NOT NULL, encryption TEXT, updated REAL NOT NULL
);
CREATE TABLE IF NOT EXISTS sfn_versions (
    arn TEXT PRIMARY KEY, machine TEXT NOT NULL, number INTEGER NOT NULL, revision TEXT NOT NULL,
    description TEXT, created REAL NOT NULL
);
CREATE INDEX IF NOT EXISTS sfn_versions_machine ON sfn_versions (machine, number);
CREATE TABLE IF NOT EXISTS sfn_aliases (
    arn TEXT PRIMARY KEY, machine TEXT NOT NULL, name TEXT NOT NULL, description TEXT, routing TEXT NOT NULL,
    created REAL NOT NULL, updated REAL NOT NULL
);
CREATE INDEX IF NOT EXISTS sfn_aliases_machine ON sfn_aliases (machine);
CREATE TABLE IF NOT EXISTS sfn_tags (
    arn TEXT NOT NULL, key TEXT NOT NULL, value TEXT NOT NULL, PRIMARY KEY (arn, key)
);
CREATE TABLE IF NOT EXISTS sfn_executions (
    id INTEGER PRIMARY KEY, arn TEXT NOT NULL UNIQUE, name TEXT NOT NULL, machine TEXT NOT NULL, version TEXT,
    revision TEXT NOT NULL, status TEXT NOT NULL, input TEXT NOT NULL, output TEXT, error TEXT, cause TEXT,
    trace TEXT, started REAL NOT NULL, stopped REAL, alias TEXT
);
CREATE INDEX IF NOT EXISTS sfn_executions_machine ON sfn_executions (machine, id);
CREATE INDEX IF NOT EXISTS sfn_executions_status ON sfn_executions (machine, status, id);
CREATE INDEX IF NOT EXISTS sfn_executions_version ON sfn_executions (version, id) WHERE version IS NOT NULL;
CREATE INDEX IF NOT EXISTS sfn_executions_version_status ON sfn_executions (version, status, id)
    WHERE version IS NOT NULL;
CREATE INDEX IF NOT EXISTS sfn_executions_running ON sfn_executions (status) WHERE status = 'RUNNING';
CREATE TABLE IF NOT EXISTS sfn_events (
    execution INTEGER NOT NULL, id INTEGER NOT NULL, previous INTEGER NOT NULL, type TEXT NOT NULL, at REAL NOT NULL,
    details TEXT, scope TEXT NOT NULL, PRIMARY KEY (execution, id)
);
CREATE TABLE IF NOT EXISTS sfn_failed_attempts (
    execution INTEGER NOT NULL, entered INTEGER NOT NULL, last INTEGER NOT NULL, at REAL NOT NULL,
    error TEXT, cause TEXT, fatal INTEGER NOT NULL
);
CREATE TABLE IF NOT EXISTS sfn_redrives (
    execution INTEGER NOT NULL, number INTEGER NOT NULL, at REAL NOT NULL, token TEXT, PRIMARY KEY (execution, number)
);
CREATE INDEX IF NOT EXISTS sfn_failed_attempts_in_order ON sfn_failed_attempts (execution, last);
CREATE INDEX IF NOT EXISTS sfn_executions_alias ON sfn_executions (alias, id) WHERE alias IS NOT NULL;
CREATE INDEX IF NOT EXISTS sfn_executions_alias_status ON sfn_executions (alias, status, id) WHERE alias IS NOT NULL
"""
"""Executions and their events remain when their machine is deleted, as on AWS. The `scope` of an event is empty at the
top level."""
