#!/bin/sh
# Runs once, when the database is made: the two logins under which gateway and runner work.
# What each may do is granted to unseen_gateway and unseen_runner by the migrations.
set -eu
psql -v ON_ERROR_STOP=1 -v gateway="$GATEWAY_PASSWORD" -v runner="$RUNNER_PASSWORD" \
  --username "$POSTGRES_USER" --dbname "$POSTGRES_DB" <<'SQL'
CREATE ROLE unseen_gateway NOLOGIN;
CREATE ROLE unseen_runner NOLOGIN;
CREATE ROLE gateway LOGIN PASSWORD :'gateway' IN ROLE unseen_gateway;
CREATE ROLE runner LOGIN PASSWORD :'runner' IN ROLE unseen_runner;
SQL
