/**
 * Prints statements and functions from the tree, with what they pay for running.
 *
 * Guarantee: every call and every round pays before anything else of it happens; used-up fuel or depth and an overflow of
 * the stack are never caught; depth is put back on every way out of a function. Nothing else changes what a program means,
 * but the text that a function has as a string.
 */
import { type FunctionNode, isFunction, type Node } from '../parse.ts';
import { argument, type Callable, expression, keyText, operand, type Surroundings } from './expression.ts';
import type { CallCost, Metering } from './metering.ts';
import { DEPTH_UNITS } from './metering.ts';
import type { Trace } from './trace.ts';

/** Where a statement stands. */
interface Inside extends Surroundings {
  readonly cost: CallCost;
  readonly trace: Trace | null;
}

export class StatementPrinter {
  readonly #metering: Metering;
  readonly #trace: Trace | null;

  constructor(metering: Metering, trace: Trace | null) {
    this.#metering = metering;
    this.#trace = trace;
  }

  /** What stands outside of every function. */
  get moduleLevel(): Surroundings {
    return { isModuleLevel: true, callable: (node) => this.#callable(node) };
  }

  functionText(node: Extract<Node, { type: 'FunctionDeclaration' }>): string {
    const { parameters, body } = this.#callable(node);
    return `function ${node.id?.name ?? ''}${parameters} ${body}`;
  }

  classText(node: Extract<Node, { type: 'ClassDeclaration' }>): string {
    const where: Surroundings = { isModuleLevel: false, callable: (inner) => this.#callable(inner) };
    const parent = node.superClass ? ` extends ${operand(node.superClass, where)}` : '';
    const members = node.body.body.map((member) => `  ${memberText(member, where)}\n`).join('');
    return `class ${node.id?.name ?? ''}${parent} {\n${members}}`;
  }

  #callable(node: FunctionNode): Callable {
    const cost = this.#metering.costOf(node);
    const trace = this.#trace;
    const inside: Inside = { isModuleLevel: false, callable: (inner) => this.#callable(inner), cost, trace };
    const { parameters, moved } = parametersOf(node.params, inside);
    const limit = cost.depth === 0 ? '' : ` || ($depth += ${cost.depth}) > ${DEPTH_UNITS}`;
    const opening = [`if (--$fuel < 0${limit}) $out();`];
    if (cost.catches) opening.push('const $d = $depth;');
    if (trace !== null) opening.push(trace.enter(node));
    const { body } = node;
    const inner =
      body.type === 'BlockStatement'
        ? [...this.#statements(body.body, inside), ...closing(body, inside)]
        : [`${trace?.at(body) ?? ''}${returning(body, body, inside)}`];
    return { parameters, body: `{ ${[...opening, ...moved, ...inner].join('\n')} }` };
  }

  #statements(nodes: readonly Node[], inside: Inside): string[] {
    return nodes.flatMap((node) => {
      const text = this.#statement(node, inside);
      if (text === '') return [];
      return inside.trace === null ? [text] : [`${inside.trace.at(node)}${text}`];
    });
  }

  #statement(node: Node, inside: Inside): string {
    switch (node.type) {
      case 'EmptyStatement':
        return '';
      case 'ExpressionStatement':
        // A directive such as 'use strict' says nothing in a module.
        return node.directive === undefined ? `(${expression(node.expression, inside)});` : '';
      case 'BlockStatement':
        return this.#block([], node, inside);
      case 'VariableDeclaration':
        return `${variables(node, inside)};`;
      case 'FunctionDeclaration':
        return this.functionText(node);
      case 'ReturnStatement':
        return returning(node.argument ?? null, node, inside);
      case 'ThrowStatement':
        return `throw ${expression(node.argument, inside)};`;
      case 'BreakStatement':
        return 'break;';
      case 'ContinueStatement':
        return 'continue;';
      case 'IfStatement': {
        const otherwise = node.alternate ? ` else ${this.#block([], node.alternate, inside)}` : '';
        return `if (${expression(node.test, inside)}) ${this.#block([], node.consequent, inside)}${otherwise}`;
      }
      case 'SwitchStatement':
        return this.#switch(node, inside);
      case 'TryStatement':
        return this.#try(node, inside);
      default:
        return this.#loop(node, inside);
    }
  }

  /** A statement in braces of its own, after these. */
  #block(first: readonly string[], node: Node, inside: Inside): string {
    const statements = node.type === 'BlockStatement' ? node.body : [node];
    return `{ ${[...first, ...this.#statements(statements, inside)].join('\n')} }`;
  }

  #loop(node: Node, inside: Inside): string {
    const rounds = this.#metering.roundsOf(node);
    const paid = rounds === null ? '' : `if (($fuel -= ${rounds}) < 0) $out();\n`;
    const first = rounds === null ? ['if (--$fuel < 0) $out();'] : [];
    const text = (inner: Node | null | undefined): string => (inner ? expression(inner, inside) : '');
    switch (node.type) {
      case 'WhileStatement':
        return `while (${text(node.test)}) ${this.#block(first, node.body, inside)}`;
      case 'DoWhileStatement':
        return `do ${this.#block(first, node.body, inside)} while (${text(node.test)});`;
      case 'ForStatement': {
        const head =
          node.init?.type === 'VariableDeclaration' ? variables(node.init, inside) : `(${text(node.init)})`;
        const init = node.init ? head : '';
        return `${paid}for (${init}; ${text(node.test)}; ${text(node.update)}) ${this.#block(first, node.body, inside)}`;
      }
      case 'ForInStatement':
      case 'ForOfStatement': {
        const left =
          node.left.type === 'VariableDeclaration' ? variables(node.left, inside) : text(node.left);
        const word = node.type === 'ForInStatement' ? 'in' : 'of';
        return `${paid}for (${left} ${word} ${operand(node.right, inside)}) ${this.#block(first, node.body, inside)}`;
      }
      default:
        throw new RangeError(`a statement that admission let by: ${node.type}`);
    }
  }

  #switch(node: Extract<Node, { type: 'SwitchStatement' }>, inside: Inside): string {
    const cases = node.cases.map((branch) => {
      const label = branch.test ? `case ${operand(branch.test, inside)}:` : 'default:';
      return [label, ...this.#statements(branch.consequent, inside)].join('\n');
    });
    return `switch (${expression(node.discriminant, inside)}) { ${cases.join('\n')} }`;
  }

  /** What is caught is looked at first: some errors end the record. */
  #try({ block, handler }: Extract<Node, { type: 'TryStatement' }>, inside: Inside): string {
    if (!handler) throw new RangeError('a try statement without catch that admission let by');
    const name = handler.param?.type === 'Identifier' ? handler.param.name : '$e';
    const first = [`$guard(${name});`, '$depth = $d;'];
    return `try ${this.#block([], block, inside)} catch (${name}) ${this.#block(first, handler.body, inside)}`;
  }
}

/** What a function owes when it ends at `node`. */
function closing(node: Node, { cost: { depth }, trace }: Inside): string[] {
  return [...(depth === 0 ? [] : [`$depth -= ${depth};`]), ...(trace === null ? [] : [trace.leave(node)])];
}

/** `return`, after depth was put back. The comma keeps a function from taking the name of our variable. */
function returning(node: Node | null, at: Node, inside: Inside): string {
  const owed = closing(at, inside).join(' ');
  if (node === null) return owed === '' ? 'return;' : `{ ${owed} return; }`;
  const value = expression(node, inside);
  if (owed === '') return `return (${value});`;
  return `{ const $r = (${isFunction(node) ? '0, ' : ''}${value}); ${owed} return $r; }`;
}

function variables(node: Extract<Node, { type: 'VariableDeclaration' }>, inside: Inside): string {
  const declarators = node.declarations.map(({ id, init }) =>
    init ? `${expression(id, inside)} = ${initial(init, inside)}` : expression(id, inside),
  );
  return `${node.kind} ${declarators.join(', ')}`;
}

/** In parentheses, since `in` would end the head of a loop; a function keeps the name it is given. */
function initial(node: Node, inside: Inside): string {
  return operand(node, inside);
}

/** Parameters that are plain names stay; others are taken apart in the body, after the call has paid. */
function parametersOf(params: readonly Node[], inside: Inside): { parameters: string; moved: string[] } {
  if (params.every((param) => param.type === 'Identifier')) {
    return { parameters: `(${params.map((param) => expression(param, inside)).join(', ')})`, moved: [] };
  }
  const moved: string[] = [];
  const names = params.map((param, index) => {
    const name = `$p${index}`;
    if (param.type === 'RestElement') {
      moved.push(`let ${expression(param.argument, inside)} = ${name};`);
      return `...${name}`;
    }
    if (param.type !== 'AssignmentPattern') {
      moved.push(`let ${expression(param, inside)} = ${name};`);
      return name;
    }
    moved.push(defaulted(param, name, inside));
    // The default keeps the function's `length`.
    return `${name} = void 0`;
  });
  return { parameters: `(${names.join(', ')})`, moved };
}

/** A function that is a default is given its name by an assignment, as the parameter would have given it. */
function defaulted(
  { left, right }: Extract<Node, { type: 'AssignmentPattern' }>,
  name: string,
  inside: Inside,
): string {
  const target = expression(left, inside);
  const value = argument(right, inside);
  const isNamed = isFunction(right) && left.type === 'Identifier';
  if (isNamed) return `let ${target} = ${name}; if (${name} === void 0) ${target} = ${value};`;
  return `let ${target} = ${name} === void 0 ? (${value}) : ${name};`;
}

function memberText(member: Node, where: Surroundings): string {
  if (member.type === 'PropertyDefinition') {
    return `${keyText(member, where)}${member.value ? ` = ${argument(member.value, where)}` : ''};`;
  }
  if (member.type !== 'MethodDefinition') throw new RangeError('a member that admission let by');
  const { parameters, body } = where.callable(member.value);
  const kind = member.kind === 'get' || member.kind === 'set' ? `${member.kind} ` : '';
  return `${member.static ? 'static ' : ''}${kind}${keyText(member, where)}${parameters} ${body}`;
}
