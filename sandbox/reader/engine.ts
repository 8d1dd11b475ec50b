/**
 * DuckDB inside a reader: opened over the one source, locked down, and asked.
 *
 * Guarantee: after `startEngine` the engine can open no file but the source and its own spill files, load no
 * extension and change no setting; only a single SELECT runs as a query and only a single CREATE or DROP as preparation.
 * Parameters are bound. Sessions run in UTC, so a local time is always an explicit conversion in the SQL.
 * Not covered: spill files are not encrypted (this build of DuckDB can only read ciphertext), so the scratch
 * directory belongs on a disk that may hold the data; the engine's own bugs, for which there is the jail.
 */
import {
  BIGINT,
  BOOLEAN,
  DOUBLE,
  type DuckDBConnection,
  DuckDBDateValue,
  DuckDBInstance,
  type DuckDBMaterializedResult,
  type DuckDBPreparedStatement,
  type DuckDBResult,
  DuckDBTimestampValue,
  DuckDBTypeId,
  type DuckDBValue,
  HUGEINT,
  LIST,
  StatementType,
  VARCHAR,
} from '@duckdb/node-api';
import { readCsvHeader } from './csv-header.ts';
import type { Column, ColumnKind, ColumnValue, EncodedParam, EngineSettings } from './protocol.ts';

/** The one table that our SQL reads. */
const SOURCE = 'source';

/** Kinds of result columns by the engine's type; a type that is not here is not answered. */
const KINDS: Readonly<Partial<Record<DuckDBTypeId, ColumnKind>>> = {
  [DuckDBTypeId.BOOLEAN]: 'boolean',
  [DuckDBTypeId.TINYINT]: 'integer',
  [DuckDBTypeId.SMALLINT]: 'integer',
  [DuckDBTypeId.INTEGER]: 'integer',
  [DuckDBTypeId.BIGINT]: 'integer',
  [DuckDBTypeId.UTINYINT]: 'integer',
  [DuckDBTypeId.USMALLINT]: 'integer',
  [DuckDBTypeId.UINTEGER]: 'integer',
  [DuckDBTypeId.UBIGINT]: 'hugeInteger',
  [DuckDBTypeId.HUGEINT]: 'hugeInteger',
  [DuckDBTypeId.FLOAT]: 'number',
  [DuckDBTypeId.DOUBLE]: 'number',
  [DuckDBTypeId.VARCHAR]: 'text',
  [DuckDBTypeId.DATE]: 'text',
  [DuckDBTypeId.TIMESTAMP]: 'text',
};

/** A result as it is read, chunk by chunk, from one prepared statement. */
export async function runStream<T>(
  connection: DuckDBConnection,
  { sql, params }: { readonly sql: string; readonly params: readonly EncodedParam[] },
  use: (result: DuckDBResult) => Promise<T>,
): Promise<T> {
  return withPrepared(connection, sql, async (prepared) => {
    if (prepared.statementType !== StatementType.SELECT) throw new RangeError('only a SELECT is a query');
    bindAll(prepared, params);
    return use(await prepared.stream());
  });
}

/** Starts an engine that can open the one source and nothing else. */
export async function startEngine(settings: EngineSettings): Promise<DuckDBConnection> {
  const instance = await DuckDBInstance.create(':memory:', {
    threads: String(settings.threads),
    memory_limit: `${settings.memoryMiB}MiB`,
    temp_directory: settings.scratch,
    max_temp_directory_size: `${settings.spillMiB}MiB`,
    preserve_insertion_order: 'false',
    autoinstall_known_extensions: 'false',
    autoload_known_extensions: 'false',
    allow_community_extensions: 'false',
    allow_unsigned_extensions: 'false',
  });
  const connection = await instance.connect();
  await lockDown(connection, settings.path);
  return connection;
}

/** Opens the source as the table `source`, and Parquet also as `numbered`. Throws the engine's error when it is no whole file of its type. */
export async function openSource(connection: DuckDBConnection, settings: EngineSettings): Promise<void> {
  await connection.run(`CREATE VIEW ${SOURCE} AS SELECT * FROM ${scanOf(settings)}`);
  await connection.run(`SELECT * FROM ${SOURCE} LIMIT 1`);
  const columns = await describeSource(connection);
  if (settings.type !== 'parquet' || columns.some(({ name }) => name.toLowerCase() === 'file_row_number'))
    return;
  const numbered = `read_parquet(${quoteText(settings.path)}, hive_partitioning = false, file_row_number = true)`;
  await connection.run(`CREATE VIEW numbered AS SELECT * FROM ${numbered}`);
}

/** Order matters: each setting is made while the ones before still allow it, and the last forbids all others. */
async function lockDown(connection: DuckDBConnection, path: string): Promise<void> {
  for (const statement of [
    `SET allowed_paths = [${quoteText(path)}]`,
    'SET enable_external_access = false',
    "SET TimeZone = 'UTC'",
    'SET parquet_metadata_cache = true',
    'SET lock_configuration = true',
  ]) {
    await connection.run(statement);
  }
}

/**
 * The table function over the source. CSV is RFC 4180 with a header row, every column is text, and nothing is guessed
 * from the values: a row that does not fit the header is left out, because failing on it would be an answer.
 */
function scanOf({ type, path }: EngineSettings): string {
  const file = quoteText(path);
  if (type === 'parquet') return `read_parquet(${file}, hive_partitioning = false)`;
  const columns = readCsvHeader(path).map((name) => `${quoteText(name)}: 'VARCHAR'`);
  const dialect = `header = true, delim = ',', quote = '"', escape = '"', skip = 0, comment = '', compression = 'none'`;
  return `read_csv(${file}, auto_detect = false, columns = {${columns.join(', ')}}, ${dialect}, ignore_errors = true)`;
}

/** Names and types of the stored columns. */
export async function describeSource(
  connection: DuckDBConnection,
): Promise<readonly { readonly name: string; readonly type: string }[]> {
  const result = await connection.run(`SELECT * FROM ${SOURCE} LIMIT 0`);
  return result.columnNames().map((name, index) => ({ name, type: result.columnType(index).toString() }));
}

/** Runs one SELECT. Throws at any other statement, at a type that has no kind, and at whatever the engine throws. */
export async function runSelect(
  connection: DuckDBConnection,
  sql: string,
  params: readonly EncodedParam[],
): Promise<readonly Column[]> {
  return withPrepared(connection, sql, async (prepared) => {
    if (prepared.statementType !== StatementType.SELECT) throw new RangeError('only a SELECT is a query');
    bindAll(prepared, params);
    return columnsOf(await prepared.run());
  });
}

/** Runs one CREATE or DROP, for tables that later queries of this reader use. */
export async function runCreate(
  connection: DuckDBConnection,
  sql: string,
  params: readonly EncodedParam[],
): Promise<void> {
  await withPrepared(connection, sql, async (prepared) => {
    const { statementType } = prepared;
    if (statementType !== StatementType.CREATE && statementType !== StatementType.DROP)
      throw new RangeError('only a CREATE or a DROP prepares');
    bindAll(prepared, params);
    await prepared.run();
  });
}

async function withPrepared<T>(
  connection: DuckDBConnection,
  sql: string,
  use: (prepared: DuckDBPreparedStatement) => Promise<T>,
): Promise<T> {
  const prepared = await connection.prepare(sql);
  try {
    return await use(prepared);
  } finally {
    prepared.destroySync();
  }
}

function bindAll(prepared: DuckDBPreparedStatement, params: readonly EncodedParam[]): void {
  if (params.length !== prepared.parameterCount)
    throw new RangeError('as many values are bound as the SQL names');
  for (const [index, param] of params.entries()) bindOne(prepared, index + 1, param);
}

function bindOne(prepared: DuckDBPreparedStatement, at: number, [kind, value]: EncodedParam): void {
  switch (kind) {
    case 'null':
      return prepared.bindNull(at);
    case 'text':
      return prepared.bindVarchar(at, String(value));
    case 'number':
      return prepared.bindDouble(at, Number(value));
    case 'boolean':
      return prepared.bindBoolean(at, value === true);
    case 'integer':
      return isWide(BigInt(value as string))
        ? prepared.bindHugeInt(at, BigInt(value as string))
        : prepared.bindBigInt(at, BigInt(value as string));
    case 'list':
      return bindList(prepared, at, value);
  }
}

/** A list has the type of its members; members of two types are a mistake of the printer. */
function bindList(prepared: DuckDBPreparedStatement, at: number, members: readonly EncodedParam[]): void {
  const kinds = new Set(members.map(([kind]) => kind).filter((kind) => kind !== 'null'));
  if (kinds.size > 1) throw new RangeError('a bound list has members of one type');
  const [kind] = kinds;
  const values = members.map(([memberKind, value]) =>
    memberKind === 'integer' ? BigInt(value as string) : (value as DuckDBValue),
  );
  const integerType = values.some((value) => typeof value === 'bigint' && isWide(value)) ? HUGEINT : BIGINT;
  const member =
    { integer: integerType, number: DOUBLE, boolean: BOOLEAN, text: VARCHAR }[kind as 'text'] ?? VARCHAR;
  prepared.bindList(at, values, LIST(member));
}

function isWide(value: bigint): boolean {
  return BigInt.asIntN(64, value) !== value;
}

async function columnsOf(result: DuckDBMaterializedResult): Promise<readonly Column[]> {
  const kinds = Array.from({ length: result.columnCount }, (_, index) => {
    const kind = KINDS[result.columnTypeId(index)];
    if (kind === undefined) throw new RangeError('a result column has a type that is not answered');
    return kind;
  });
  const values = await result.getColumns(); // A result without rows comes without columns.
  return kinds.map((kind, index) => ({
    kind,
    values: (values[index] ?? []).map((value) => plainValue(kind, value)),
  }));
}

function plainValue(kind: ColumnKind, value: DuckDBValue): ColumnValue {
  if (value === null) return null;
  if (kind === 'integer' || kind === 'hugeInteger') return BigInt(value as number | bigint);
  if (value instanceof DuckDBDateValue) return value.toString();
  if (value instanceof DuckDBTimestampValue) return value.toString().replace(' ', 'T');
  return value as ColumnValue;
}

function quoteText(text: string): string {
  return `'${text.replaceAll("'", "''")}'`;
}
