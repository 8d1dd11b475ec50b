/**
 * Printing of expressions as DuckDB SQL, total by construction.
 *
 * An operation whose result may be no finite number is computed in a stage of its own, so that the guard
 * around it (`CASE WHEN isfinite(t) THEN t END`) repeats a column name and never an expression: the text grows
 * linearly with the Plan. Literals are the only buyer-chosen text, and they are quoted here and nowhere else.
 */
import type { Expr, Scalar, ScalarType } from '../expression.ts';
import { typeOf } from '../expression.ts';

/** SQL text and the stage after which it can be evaluated. */
interface Printed {
  readonly sql: string;
  readonly stage: number;
}

/** Collects the computed columns that a query's expressions need, stage by stage. */
export class ExpressionPrinter {
  readonly #stages: { readonly name: string; readonly sql: string }[][] = [];
  readonly #names = new Map<string, Printed>();

  /** Prints an expression; evaluate the text after all `stages`. */
  print(expr: Expr): string {
    return this.#print(expr).sql;
  }

  /** Prints an expression as a plain column name. */
  printAsColumn(expr: Expr): string {
    return this.#column(expr).sql;
  }

  /** The stages in order; each is a projection that adds columns to all before it. */
  get stages(): readonly (readonly { readonly name: string; readonly sql: string }[])[] {
    return this.#stages;
  }

  #print(expr: Expr): Printed {
    switch (expr.op) {
      case 'column':
        return { sql: quoteName(expr.name), stage: 0 };
      case 'literal':
        return { sql: printLiteral(expr.value, expr.type), stage: 0 };
      case 'compare':
        return this.#join([expr.left, expr.right], ([left, right]) => `(${left} ${expr.operator} ${right})`);
      case 'and':
      case 'or':
        return this.#join(expr.args, (args) => `(${args.join(` ${expr.op.toUpperCase()} `)})`);
      case 'not':
        return this.#join([expr.arg], ([arg]) => `(NOT ${arg})`);
      case 'isNull':
        return this.#join([expr.arg], ([arg]) => `(${arg} IS NULL)`);
      case 'in': {
        const values = expr.values.map((value) => printLiteral(value, typeOf(expr.arg))).join(', ');
        return this.#join([expr.arg], ([arg]) => `(${arg} IN (${values}))`);
      }
      case 'like':
        return this.#join([expr.arg], ([arg]) => `(${arg} LIKE ${quoteText(expr.pattern)} ESCAPE '\\')`);
      case 'case': {
        const parts = [...expr.branches.flatMap((branch) => [branch.when, branch.then]), expr.otherwise];
        return this.#join(parts, (sql) => printCase(sql));
      }
      case 'coalesce':
        return this.#join(expr.args, (args) => `coalesce(${args.join(', ')})`);
      case 'arithmetic':
        return this.#guarded(
          this.#join([expr.left, expr.right], ([left, right]) => `(${left} ${expr.operator} ${right})`),
        );
      case 'negate':
        return this.#join([expr.arg], ([arg]) => `(-${arg})`);
      case 'numeric':
        return this.#numeric(expr);
      case 'dateTrunc':
        return this.#truncated(expr);
      case 'extract':
        return this.#join([expr.arg], ([arg]) => `CAST(date_part('${expr.field}', ${arg}) AS DOUBLE)`);
      case 'widthBucket':
        return this.#bucket(expr);
    }
  }

  #numeric(expr: Extract<Expr, { op: 'numeric' }>): Printed {
    if (expr.fn === 'abs' || expr.fn === 'floor' || expr.fn === 'ceil')
      return this.#join([expr.arg], ([arg]) => `${expr.fn}(${arg})`);
    if (expr.fn === 'exp') return this.#guarded(this.#join([expr.arg], ([arg]) => `exp(${arg})`));
    const { sql, stage } = this.#column(expr.arg);
    // The argument is forced into the domain as well: an optimiser may evaluate a branch for every row.
    const inDomain =
      expr.fn === 'sqrt'
        ? `${sql} >= 0 THEN sqrt(greatest(${sql}, 0e0))`
        : `${sql} > 0 THEN ln(greatest(${sql}, 5e-324))`;
    return this.#guarded({ sql: `CASE WHEN ${inDomain} END`, stage });
  }

  /**
   * DuckDB 1.5 folds a comparison of a truncated timestamp with a constant between two periods to TRUE or FALSE, for
   * NULL too (duckdb/duckdb#24368); it does not see through a CASE.
   */
  #truncated(expr: Extract<Expr, { op: 'dateTrunc' }>): Printed {
    const { sql, stage } = this.#column(expr.arg);
    const start = `CAST(date_trunc('${expr.unit}', ${sql}) AS ${expr.type.toUpperCase()})`;
    return { sql: `CASE WHEN ${sql} IS NOT NULL THEN ${start} END`, stage };
  }

  /** SQL's width_bucket in doubles; DuckDB 1.5 has none. */
  #bucket(expr: Extract<Expr, { op: 'widthBucket' }>): Printed {
    const { sql, stage } = this.#column(expr.arg);
    const [low, high, count] = [expr.low, expr.high, expr.count].map((value) =>
      printLiteral(value, 'number'),
    );
    const inside = `least(${count}, floor((${sql} - ${low}) * ${count} / (${high} - ${low})) + 1e0)`;
    return {
      sql: `CASE WHEN ${sql} < ${low} THEN 0e0 WHEN ${sql} >= ${high} THEN ${count} + 1e0 WHEN ${sql} IS NOT NULL THEN ${inside} END`,
      stage,
    };
  }

  #join(operands: readonly Expr[], write: (sql: readonly string[]) => string): Printed {
    const printed = operands.map((operand) => this.#print(operand));
    return {
      sql: write(printed.map((part) => part.sql)),
      stage: Math.max(0, ...printed.map((part) => part.stage)),
    };
  }

  #guarded(raw: Printed): Printed {
    const { sql, stage } = this.#stored(raw);
    return { sql: `CASE WHEN isfinite(${sql}) THEN ${sql} END`, stage };
  }

  #column(expr: Expr): Printed {
    return expr.op === 'column' ? this.#print(expr) : this.#stored(this.#print(expr));
  }

  /** Puts a text into the stage after the ones it needs; the same text is computed once. */
  #stored(raw: Printed): Printed {
    const known = this.#names.get(raw.sql);
    if (known !== undefined) return known;
    const stored = { sql: `t${this.#names.size}`, stage: raw.stage + 1 };
    (this.#stages[raw.stage] ??= []).push({ name: stored.sql, sql: raw.sql });
    this.#names.set(raw.sql, stored);
    return stored;
  }
}

function printCase(parts: readonly string[]): string {
  const branches = Array.from(
    { length: (parts.length - 1) / 2 },
    (_, index) => `WHEN ${parts[2 * index]} THEN ${parts[2 * index + 1]}`,
  );
  return `CASE ${branches.join(' ')} ELSE ${parts.at(-1)} END`;
}

/** A constant of the engine's type. */
export function printLiteral(value: Scalar, type: ScalarType): string {
  if (value === null) return `CAST(NULL AS ${ENGINE_TYPE[type]})`;
  if (typeof value === 'number') return printNumber(value);
  if (typeof value === 'boolean') return value ? 'TRUE' : 'FALSE';
  if (type === 'date') return `DATE ${quoteText(value)}`;
  return type === 'timestamp' ? `TIMESTAMP ${quoteText(value.replace('T', ' '))}` : quoteText(value);
}

/** A double by its shortest decimal text, which reads back to the same double. */
export function printNumber(value: number): string {
  const text = String(value);
  return `${value < 0 ? '(' : ''}${text.includes('e') ? text : `${text}e0`}${value < 0 ? ')' : ''}`;
}

const ENGINE_TYPE: Readonly<Record<ScalarType, string>> = {
  number: 'DOUBLE',
  string: 'VARCHAR',
  boolean: 'BOOLEAN',
  date: 'DATE',
  timestamp: 'TIMESTAMP',
};

/** Names made by us are lower case without a prefix; a source column is always quoted with one, so they never meet. */
export function quoteName(name: string): string {
  return `"c:${name.replaceAll('"', '""')}"`;
}

export function quoteText(text: string): string {
  return `'${text.replaceAll("'", "''")}'`;
}
