-- Every kind of object and family of types that pg_dump can carry, with rows: PostgreSQL 15 and later.
--
-- usage: psql -d DATABASE -f everything.sql         after roles.sql on that server, as a superuser
--
-- Deterministic: two loads are equal. What only newer versions have is in since_17.sql; what only a
-- whole server has, in roles.sql and databases.sql; the value of 200 MB, in large_value.sql.
\set ON_ERROR_STOP on
SET client_encoding = 'UTF8';
SET TimeZone = 'UTC';
SET client_min_messages = error;
\ir schemas.sql
\ir types.sql
\ir values.sql
\ir routines.sql
\ir tables.sql
\ir partitions.sql
\ir constraints.sql
\ir views.sql
\ir triggers.sql
\ir search.sql
\ir foreign.sql
\ir large_objects.sql
\ir privileges.sql
\ir events.sql
