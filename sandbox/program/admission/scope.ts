/**
 * Which name in a module means which definition: scopes, bindings and references, as ECMA-262 (strict code) has them.
 *
 * Guarantee: exact for the accepted syntax: block-level functions, hoisted `var`, parameters apart from the body when they
 * are not plain names, and the own name of a function expression. Every identifier that is no property name is either a
 * definition or a reference, and a reference is marked when it gives a new value.
 *
 * https://tc39.es/ecma262/#sec-syntax-directed-operations-scope-analysis
 */
import { childrenOf, type FunctionNode, isFunction, type Node } from './parse.ts';

type Kind = 'const' | 'let' | 'var' | 'function' | 'class' | 'parameter' | 'catch' | 'own';
type Identifier = Extract<Node, { type: 'Identifier' }>;

export interface Binding {
  readonly name: string;
  readonly kind: Kind;
  readonly scope: Scope;
  /** Where the name is defined. */
  readonly at: Identifier;
  /** The declarator, function or class that gives the value. */
  readonly by: Node;
  readonly references: Reference[];
}

export interface Reference {
  readonly at: Identifier;
  readonly scope: Scope;
  readonly isWrite: boolean;
}

export interface Scope {
  readonly kind: 'module' | 'parameters' | 'function' | 'block';
  readonly within: Scope | null;
  readonly bindings: Map<string, Binding>;
}

export interface Scopes {
  readonly module: Scope;
  readonly bindings: readonly Binding[];
  /** References to names that the module does not define. */
  readonly free: readonly Reference[];
  /** The binding that an identifier refers to; null when it is free, a definition or a property name. */
  readonly bindingOf: (at: Node) => Binding | null;
  /** Scopes of the parameters of functions whose body has one of its own, with that body's. */
  readonly parameterScopes: readonly (readonly [parameters: Scope, body: Scope])[];
}

/** The scopes of a module that holds accepted syntax only. */
export function scopesOf(tree: Extract<Node, { type: 'Program' }>): Scopes {
  const reader = new ScopeReader();
  const module = reader.open('module', null);
  reader.declareIn(tree.body, module, module);
  for (const statement of tree.body) reader.visit(statement, module);
  return reader.resolve(module);
}

class ScopeReader {
  readonly #bindings: Binding[] = [];
  readonly #references: Reference[] = [];
  readonly #parameterScopes: [Scope, Scope][] = [];

  open(kind: Scope['kind'], within: Scope | null): Scope {
    return { kind, within, bindings: new Map() };
  }

  resolve(module: Scope): Scopes {
    const meanings = new Map<Node, Binding>();
    const free: Reference[] = [];
    for (const reference of this.#references) {
      let scope: Scope | null = reference.scope;
      while (scope !== null && !scope.bindings.has(reference.at.name)) scope = scope.within;
      const binding = scope?.bindings.get(reference.at.name);
      if (binding === undefined) free.push(reference);
      else {
        binding.references.push(reference);
        meanings.set(reference.at, binding);
      }
    }
    return {
      module,
      bindings: this.#bindings,
      free,
      bindingOf: (at) => meanings.get(at) ?? null,
      parameterScopes: this.#parameterScopes,
    };
  }

  /** What statements define: lexically here, and by `var` in the function around. */
  declareIn(statements: readonly Node[], block: Scope, around: Scope): void {
    for (const statement of statements) {
      const node =
        statement.type === 'ExportNamedDeclaration' && statement.declaration
          ? statement.declaration
          : statement;
      if (node.type === 'FunctionDeclaration') this.#define(node.id, 'function', block, node);
      else if (node.type === 'ClassDeclaration') this.#define(node.id, 'class', block, node);
      else if (node.type === 'VariableDeclaration' && node.kind !== 'var') this.#declareAll(node, block);
      this.#hoist(node, around);
    }
  }

  /** `var` below a statement belongs to the function around it. */
  #hoist(node: Node, around: Scope): void {
    if (isFunction(node) || node.type === 'ClassDeclaration') return;
    if (node.type === 'VariableDeclaration' && node.kind === 'var') this.#declareAll(node, around);
    for (const child of childrenOf(node)) this.#hoist(child, around);
  }

  #declareAll(node: Extract<Node, { type: 'VariableDeclaration' }>, scope: Scope): void {
    for (const declarator of node.declarations) {
      for (const name of namesOf(declarator.id)) {
        this.#define(name, node.kind as Kind, scope, declarator);
      }
    }
  }

  #define(at: Identifier | null, kind: Kind, scope: Scope, by: Node): void {
    // `var a` twice is one variable; anything else twice is a fault of syntax.
    if (at === null || scope.bindings.has(at.name)) return;
    const binding: Binding = { name: at.name, kind, scope, at, by, references: [] };
    scope.bindings.set(at.name, binding);
    this.#bindings.push(binding);
  }

  visit(node: Node, scope: Scope): void {
    if (isFunction(node)) return this.#visitFunction(node, scope);
    switch (node.type) {
      case 'Identifier':
        this.#references.push({ at: node, scope, isWrite: false });
        return;
      case 'ClassDeclaration':
        if (node.superClass) this.visit(node.superClass, scope);
        return this.visit(node.body, scope);
      case 'BlockStatement':
        return this.#visitBlock(node.body, this.open('block', scope));
      case 'SwitchStatement': {
        this.visit(node.discriminant, scope);
        const inner = this.open('block', scope);
        this.declareIn(
          node.cases.flatMap((branch) => branch.consequent),
          inner,
          functionScopeOf(inner),
        );
        for (const branch of node.cases) this.#visitAll([branch.test, ...branch.consequent], inner);
        return;
      }
      case 'ForStatement':
      case 'ForInStatement':
      case 'ForOfStatement':
        return this.#visitFor(node, this.open('block', scope));
      case 'CatchClause': {
        const inner = this.open('block', scope);
        for (const name of node.param ? namesOf(node.param) : []) this.#define(name, 'catch', inner, node);
        return this.visit(node.body, inner);
      }
      default:
        return this.#visitPlain(node, scope);
    }
  }

  /** Nodes without a scope of their own. */
  #visitPlain(node: Node, scope: Scope): void {
    switch (node.type) {
      case 'VariableDeclarator':
        this.#visitPattern(node.id, scope, false);
        return this.#visitAll([node.init], scope);
      case 'AssignmentExpression':
        this.#visitPattern(node.left, scope, true);
        // `a += 1` also reads, which changes nothing for the rules.
        return this.visit(node.right, scope);
      case 'UpdateExpression':
        return this.#visitPattern(node.argument, scope, true);
      case 'MemberExpression':
        return this.#visitAll([node.object, node.computed ? node.property : null], scope);
      case 'Property':
      case 'MethodDefinition':
      case 'PropertyDefinition':
        return this.#visitAll([node.computed ? node.key : null, node.value], scope);
      case 'ExportNamedDeclaration':
        this.#visitAll([node.declaration], scope);
        for (const { local } of node.specifiers) this.visit(local, scope);
        return;
      default:
        return this.#visitAll(childrenOf(node), scope);
    }
  }

  #visitAll(nodes: readonly (Node | null | undefined)[], scope: Scope): void {
    for (const node of nodes) if (node) this.visit(node, scope);
  }

  #visitBlock(statements: readonly Node[], scope: Scope): void {
    // `var` was hoisted when the function was entered.
    this.declareIn(statements, scope, functionScopeOf(scope));
    this.#visitAll(statements, scope);
  }

  #visitFor(
    node: Extract<Node, { type: 'ForStatement' | 'ForInStatement' | 'ForOfStatement' }>,
    scope: Scope,
  ): void {
    const head = node.type === 'ForStatement' ? node.init : node.left;
    if (head?.type === 'VariableDeclaration' && head.kind !== 'var') this.#declareAll(head, scope);
    if (node.type === 'ForStatement') return this.#visitAll([head, node.test, node.update, node.body], scope);
    if (head?.type === 'VariableDeclaration') this.visit(head, scope);
    else if (head) this.#visitPattern(head, scope, true);
    this.visit(node.right, scope);
    this.visit(node.body, scope);
  }

  #visitFunction(node: FunctionNode, around: Scope): void {
    let outer = around;
    if (node.type === 'FunctionExpression' && node.id) {
      outer = this.open('block', around);
      this.#define(node.id, 'own', outer, node);
    }
    const isPlain = node.params.every((param) => param.type === 'Identifier');
    const parameters = this.open(isPlain ? 'function' : 'parameters', outer);
    const body = isPlain ? parameters : this.open('function', parameters);
    if (!isPlain) this.#parameterScopes.push([parameters, body]);
    for (const param of node.params) {
      for (const name of namesOf(param)) this.#define(name, 'parameter', parameters, node);
    }
    for (const param of node.params) this.#visitPattern(param, parameters, false);
    if (node.body.type !== 'BlockStatement') return this.visit(node.body, body);
    this.declareIn(node.body.body, body, body);
    this.#visitAll(node.body.body, body);
  }

  /** A pattern: its names are definitions, or get new values; its keys and defaults are expressions. */
  #visitPattern(node: Node, scope: Scope, isWrite: boolean): void {
    switch (node.type) {
      case 'Identifier':
        if (isWrite) this.#references.push({ at: node, scope, isWrite });
        return;
      case 'ArrayPattern':
        for (const element of node.elements) if (element) this.#visitPattern(element, scope, isWrite);
        return;
      case 'ObjectPattern':
        for (const property of node.properties) {
          if (property.type === 'RestElement') this.#visitPattern(property, scope, isWrite);
          else {
            if (property.computed) this.visit(property.key, scope);
            this.#visitPattern(property.value, scope, isWrite);
          }
        }
        return;
      case 'RestElement':
        return this.#visitPattern(node.argument, scope, isWrite);
      case 'AssignmentPattern':
        this.#visitPattern(node.left, scope, isWrite);
        return this.visit(node.right, scope);
      default:
        return this.visit(node, scope);
    }
  }
}

function functionScopeOf(scope: Scope): Scope {
  return scope.kind === 'block' && scope.within ? functionScopeOf(scope.within) : scope;
}

/** The names that a pattern defines. */
function namesOf(pattern: Node): Identifier[] {
  switch (pattern.type) {
    case 'Identifier':
      return [pattern];
    case 'ArrayPattern':
      return pattern.elements.flatMap((element) => (element ? namesOf(element) : []));
    case 'ObjectPattern':
      return pattern.properties.flatMap((property) =>
        namesOf(property.type === 'RestElement' ? property.argument : property.value),
      );
    case 'RestElement':
      return namesOf(pattern.argument);
    case 'AssignmentPattern':
      return namesOf(pattern.left);
    default:
      return [];
  }
}
