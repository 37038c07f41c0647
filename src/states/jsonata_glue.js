// Makes the function that the server calls: (request as JSON) -> Promise of the answer as JSON.
(function (jsonata, hash, uuid, random) {
  'use strict';
  const limit = 512;
  const caches = { aws: new Map(), plain: new Map() };

  class Refused extends Error {
    constructor(code, message) {
      super(message);
      this.code = code;
    }
  }

  // A generator of its own for $random(seed): the same seed gives the same number.
  function seeded(seed) {
    let state = Math.floor(seed) >>> 0;
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4294967296;
  }

  function extend(expression) {
    expression.registerFunction('partition', (array, size) => {
      if (array === undefined) return undefined;
      const items = Array.isArray(array) ? array : [array];
      const step = Math.floor(size);
      if (!(step > 0)) throw new Refused('T0410', 'Argument 2 of function "partition" must be a positive number');
      const parts = [];
      for (let i = 0; i < items.length; i += step) parts.push(items.slice(i, i + step));
      return parts;
    }, '<a-n:a>');
    expression.registerFunction('range', (first, last, step) => {
      if (first === undefined || last === undefined || step === undefined) return undefined;
      if (step === 0) throw new Refused('T0410', 'Argument 3 of function "range" must not be zero');
      if ((last - first) / step >= 100000) throw new Refused('D2014', 'The size of the sequence allocated by $range is too large');
      const items = [];
      for (let i = first; step > 0 ? i <= last : i >= last; i += step) items.push(i);
      return items.length === 1 ? items[0] : items.length === 0 ? undefined : items;
    });
    expression.registerFunction('hash', (content, algorithm) => {
      if (content === undefined) return undefined;
      const text = typeof content === 'string' ? content : JSON.stringify(content);
      const result = hash(text, algorithm);
      if (result === null) throw new Refused('T0410', 'Argument 2 of function "hash" is no known algorithm');
      return result;
    });
    expression.registerFunction('uuid', () => uuid());
    expression.registerFunction('random', (seed) => (seed === undefined ? random() : seeded(seed)));
    expression.registerFunction('parse', (text) => {
      if (text === undefined) return undefined;
      try {
        return JSON.parse(text);
      } catch (error) {
        throw new Refused('D3120', 'Syntax error in expression passed to function parse: ' + error.message);
      }
    });
    expression.registerFunction('eval', () => {
      throw new Refused('T1006', 'Attempted to invoke a non-function');
    });
  }

  function compiled(text, aws) {
    const cache = aws ? caches.aws : caches.plain;
    let expression = cache.get(text);
    if (expression) return expression;
    expression = jsonata(text);
    if (aws) extend(expression);
    if (cache.size >= limit) cache.delete(cache.keys().next().value);
    cache.set(text, expression);
    return expression;
  }

  function isFunction(value) {
    return typeof value === 'function' ||
      (value !== null && typeof value === 'object' && (value._jsonata_lambda === true || value._jsonata_function === true));
  }

  function failure(error, at) {
    const message = error && error.message !== undefined ? String(error.message) : String(error);
    const known = error && typeof error.code === 'string';
    return JSON.stringify({ error: known ? error.code : 'Error', message, at, token: error && error.token });
  }

  return async function (request) {
    const { expressions, input, bindings, aws, check } = JSON.parse(request);
    const results = [];
    for (let at = 0; at < expressions.length; at++) {
      try {
        const expression = compiled(expressions[at], aws);
        if (check) continue;
        const value = await expression.evaluate(input, bindings);
        if (isFunction(value)) throw new Refused('UnsupportedResult', 'returned an unsupported result type.');
        results.push(value === undefined ? [] : [value]);
      } catch (error) {
        return failure(error, at);
      }
    }
    return JSON.stringify({ results });
  };
})
