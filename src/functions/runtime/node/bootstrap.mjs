// The Lambda runtime for Node: asks the Runtime API for events and gives them to the handler.
import http from "node:http";
import fs from "node:fs";
import path from "node:path";
import util from "node:util";
import { PassThrough } from "node:stream";
import { createRequire } from "node:module";
import { pathToFileURL } from "node:url";

const [host, port] = process.env.AWS_LAMBDA_RUNTIME_API.split(":");
const taskRoot = process.env.LAMBDA_TASK_ROOT;
const json = process.env.AWS_LAMBDA_LOG_FORMAT === "JSON";
const agent = new http.Agent({ keepAlive: true, maxSockets: 1 });
const streamAgent = new http.Agent({ keepAlive: true, maxSockets: 1 });
const STREAM = Symbol.for("aws.lambda.runtime.handler.streaming");
let requestId;

// ---- log lines, as frames where the platform takes them

const LEVELS = { TRACE: [0, 0x07], DEBUG: [1, 0x0b], INFO: [2, 0x0f], WARN: [3, 0x13], ERROR: [4, 0x17], FATAL: [5, 0x1b] };
const least = (LEVELS[process.env.AWS_LAMBDA_LOG_LEVEL] ?? [0])[0];
const framesTo = process.env._LAMBDA_TELEMETRY_LOG_FD ? Number(process.env._LAMBDA_TELEMETRY_LOG_FD) : null;
delete process.env._LAMBDA_TELEMETRY_LOG_FD;

function writeAll(descriptor, bytes) {
  for (let at = 0; at < bytes.length; ) {
    try {
      at += fs.writeSync(descriptor, bytes, at);
    } catch (error) {
      if (error.code !== "EAGAIN") return;
    }
  }
}

function emit(level, text) {
  const message = Buffer.from(text);
  if (framesTo === null) return writeAll(1, Buffer.concat([message, Buffer.from("\n")]));
  const head = Buffer.alloc(16);
  head.writeUInt32BE(0xa55a0000 + LEVELS[level][1], 0);
  head.writeUInt32BE(message.length, 4);
  head.writeBigUInt64BE(BigInt(Date.now()) * 1000n, 8);
  writeAll(framesTo, Buffer.concat([head, message]));
}

function describe(error) {
  return { errorType: error?.name ?? "UnknownError", errorMessage: error?.message ?? String(error), stackTrace: String(error?.stack ?? "").split("\n") };
}

function log(level, args) {
  if (LEVELS[level][0] < least && json) return;
  const timestamp = new Date().toISOString();
  if (!json) return emit(level, `${timestamp}\t${requestId ?? "undefined"}\t${level}\t${util.format(...args)}`);
  const line = { timestamp, level, requestId };
  const error = args.find((value) => value instanceof Error);
  line.message = args.length === 1 && typeof args[0] === "object" && args[0] !== null && !error ? args[0] : util.format(...args);
  if (error) Object.assign(line, describe(error));
  let text;
  try {
    text = JSON.stringify(line);
  } catch {
    text = JSON.stringify({ ...line, message: util.inspect(line.message) });
  }
  emit(level, text);
}

console.log = console.info = (...args) => log("INFO", args);
console.debug = (...args) => log("DEBUG", args);
console.trace = (...args) => log("TRACE", args);
console.warn = (...args) => log("WARN", args);
console.error = (...args) => log("ERROR", args);
console.fatal = (...args) => log("FATAL", args);

// ---- the Runtime API

function call(method, where, headers, body) {
  return new Promise((resolve, reject) => {
    const request = http.request({ host, port, method, path: "/2018-06-01/runtime" + where, headers, agent }, (response) => {
      const parts = [];
      response.on("data", (part) => parts.push(part));
      response.on("end", () => resolve({ status: response.statusCode, headers: response.headers, body: Buffer.concat(parts) }));
      response.on("error", reject);
    });
    request.on("error", reject);
    request.setNoDelay(true);
    request.end(body);
  });
}

function errorBody(error) {
  const shown = describe(error);
  return { errorType: shown.errorType, errorMessage: shown.errorMessage, trace: shown.stackTrace };
}

const headerSafe = (text) => String(text).replace(/[^\x20-\x7e]/g, "?");

function errorHeaders(shown, body) {
  return { "Content-Type": "application/json", "Content-Length": Buffer.byteLength(body), "Lambda-Runtime-Function-Error-Type": headerSafe(shown.errorType) };
}

async function failInit(error) {
  const shown = errorBody(error);
  const body = JSON.stringify(shown);
  emit("ERROR", json ? JSON.stringify({ timestamp: new Date().toISOString(), level: "ERROR", message: shown }) : `${new Date().toISOString()}\tundefined\tERROR\tUncaught Exception \t${body}`);
  await call("POST", "/init/error", errorHeaders(shown, body), body);
  process.exit(1);
}

async function failInvocation(id, error) {
  const shown = errorBody(error);
  const body = JSON.stringify(shown);
  log("ERROR", ["Invoke Error \t" + JSON.stringify({ errorType: shown.errorType, errorMessage: shown.errorMessage, stack: shown.trace })]);
  await call("POST", `/invocation/${id}/error`, errorHeaders(shown, body), body);
}

// ---- streamed responses

class HttpResponseStream {
  /** Status and headers of a function URL go ahead of the body: JSON, then eight zero bytes. */
  static from(stream, prelude) {
    stream.setContentType("application/vnd.awslambda.http-integration-response");
    stream._prelude = Buffer.concat([Buffer.from(JSON.stringify(prelude)), Buffer.alloc(8)]);
    return stream;
  }
}

globalThis.awslambda = {
  streamifyResponse(handler, options) {
    handler[STREAM] = options?.highWaterMark ?? true;
    return handler;
  },
  HttpResponseStream,
};

function openStream(id) {
  const stream = new PassThrough();
  let contentType = "application/octet-stream";
  let request = null;
  stream.setContentType = (value) => {
    contentType = value;
  };
  const done = new Promise((resolve, reject) => {
    const begin = () => {
      if (request) return;
      request = http.request(
        {
          host, port, agent: streamAgent, method: "POST", path: `/2018-06-01/runtime/invocation/${id}/response`,
          headers: { "Content-Type": contentType, "Lambda-Runtime-Function-Response-Mode": "streaming", "Transfer-Encoding": "chunked",
            Trailer: "Lambda-Runtime-Function-Error-Type, Lambda-Runtime-Function-Error-Body" },
        },
        (response) => {
          response.resume();
          response.on("end", resolve);
          response.on("error", reject);
        },
      );
      request.setNoDelay(true);
      request.on("error", reject);
      if (stream._prelude) request.write(stream._prelude);
    };
    stream.on("data", (part) => {
      begin();
      if (!request.write(part)) {
        stream.pause();
        request.once("drain", () => stream.resume());
      }
    });
    stream.on("end", () => {
      begin();
      request.end();
    });
    stream._fail = (error) => {
      stream.removeAllListeners("data");
      stream.removeAllListeners("end");
      if (!request) return false;
      const shown = errorBody(error);
      request.addTrailers({
        "Lambda-Runtime-Function-Error-Type": headerSafe(shown.errorType),
        "Lambda-Runtime-Function-Error-Body": Buffer.from(JSON.stringify(shown)).toString("base64"),
      });
      request.end();
      return true;
    };
  });
  return { stream, done };
}

// ---- the handler

function named(name, message) {
  const error = new Error(message);
  error.name = name;
  error.stack = `${name}: ${message}`;
  return error;
}

function isEsm(file) {
  if (file.endsWith(".mjs")) return true;
  if (file.endsWith(".cjs")) return false;
  for (let folder = path.dirname(file); ; folder = path.dirname(folder)) {
    const description = path.join(folder, "package.json");
    if (fs.existsSync(description)) return JSON.parse(fs.readFileSync(description, "utf8")).type === "module";
    if (folder === taskRoot || folder === path.dirname(folder)) return false;
  }
}

async function loadHandler(text) {
  if (!text || text.includes("..")) throw named("Runtime.MalformedHandlerName", `'${text}' is not a valid handler name. Use absolute paths when specifying root directories in handler names.`);
  const slash = text.lastIndexOf("/") + 1;
  const base = text.slice(slash);
  const dot = base.indexOf(".");
  if (dot < 1) throw named("Runtime.MalformedHandlerName", "Bad handler");
  const module = text.slice(0, slash) + base.slice(0, dot);
  const file = ["", ".js", ".mjs", ".cjs"].map((end) => path.resolve(taskRoot, module + end)).find((name) => fs.existsSync(name) && fs.statSync(name).isFile());
  let loaded;
  try {
    if (!file) throw Object.assign(new Error(`Cannot find module '${module}'\nRequire stack:\n- ${import.meta.filename ?? "bootstrap"}`), { code: "MODULE_NOT_FOUND" });
    if (isEsm(file)) loaded = await import(pathToFileURL(file).href);
    else loaded = createRequire(path.join(taskRoot, "noop.js"))(file);
  } catch (error) {
    if (error instanceof SyntaxError) throw Object.assign(named("Runtime.UserCodeSyntaxError", String(error)), { stack: error.stack });
    if (error?.code === "MODULE_NOT_FOUND" || error?.code === "ERR_MODULE_NOT_FOUND") throw Object.assign(named("Runtime.ImportModuleError", "Error: " + error.message), { stack: error.stack });
    throw error;
  }
  let handler = base.slice(dot + 1).split(".").reduce((value, name) => value?.[name], loaded);
  handler ??= base.slice(dot + 1).split(".").reduce((value, name) => value?.[name], loaded?.default);
  if (handler === undefined) throw named("Runtime.HandlerNotFound", `${text} is undefined or not exported`);
  if (typeof handler !== "function") throw named("Runtime.HandlerNotFound", `${text} is not a function`);
  return handler;
}

function contextOf(headers) {
  const deadline = Number(headers["lambda-runtime-deadline-ms"]);
  const parsed = (name) => (headers[name] ? JSON.parse(headers[name]) : undefined);
  return {
    callbackWaitsForEmptyEventLoop: true,
    functionVersion: process.env.AWS_LAMBDA_FUNCTION_VERSION,
    functionName: process.env.AWS_LAMBDA_FUNCTION_NAME,
    memoryLimitInMB: process.env.AWS_LAMBDA_FUNCTION_MEMORY_SIZE,
    logGroupName: process.env.AWS_LAMBDA_LOG_GROUP_NAME,
    logStreamName: process.env.AWS_LAMBDA_LOG_STREAM_NAME,
    clientContext: parsed("lambda-runtime-client-context"),
    identity: parsed("lambda-runtime-cognito-identity"),
    invokedFunctionArn: headers["lambda-runtime-invoked-function-arn"],
    awsRequestId: headers["lambda-runtime-aws-request-id"],
    getRemainingTimeInMillis: () => Math.max(0, deadline - Date.now()),
  };
}

/** A handler's answer, whether it is async, returns a promise or calls back. */
function answerOf(handler, event, context) {
  return new Promise((resolve, reject) => {
    const settle = (error, value) => {
      const finish = () => (error !== null && error !== undefined ? reject(error) : resolve(value));
      // A callback's answer waits for what the function has still going on, unless it said not to.
      if (context.callbackWaitsForEmptyEventLoop) whenIdle(finish);
      else setImmediate(finish);
    };
    context.done = settle;
    context.succeed = (value) => settle(null, value);
    context.fail = (error) => settle(error ?? new Error("failed"));
    const returned = handler(event, context, settle);
    if (returned && typeof returned.then === "function") returned.then(resolve, reject);
    else if (handler.length < 3 && returned !== undefined) resolve(returned);
    else waiting = { resolve };
  });
}

// Node tells by "beforeExit" that nothing is left to do: then a callback's answer is due, or there will be none.
let waiting = null;
let onIdle = null;
const whenIdle = (call) => {
  onIdle = call;
};
process.on("beforeExit", () => {
  const call = onIdle;
  const open = waiting;
  onIdle = waiting = null;
  if (call) call();
  else if (open) open.resolve(null);
});

process.on("uncaughtException", (error) => crash(error));
process.on("unhandledRejection", (reason) => {
  const error = new Error(String(reason?.stack ?? reason));
  error.name = "Runtime.UnhandledPromiseRejection";
  error.message = String(reason);
  crash(error);
});
async function crash(error) {
  const id = requestId;
  emit("ERROR", `${new Date().toISOString()}\t${id ?? "undefined"}\tERROR\tUncaught Exception \t${JSON.stringify(errorBody(error))}`);
  const shown = errorBody(error);
  const body = JSON.stringify(shown);
  // A connection of its own: the usual one may be waiting.
  const request = http.request({ host, port, method: "POST", path: "/2018-06-01/runtime" + (id ? `/invocation/${id}/error` : "/init/error"), headers: errorHeaders(shown, body), agent: false }, (response) => {
    response.resume();
    response.on("end", () => process.exit(129));
  });
  request.on("error", () => process.exit(129));
  request.end(body);
}

async function one(handler) {
  const { headers, body } = await call("GET", "/invocation/next", {});
  requestId = headers["lambda-runtime-aws-request-id"];
  const trace = headers["lambda-runtime-trace-id"];
  if (trace) process.env._X_AMZN_TRACE_ID = trace;
  else delete process.env._X_AMZN_TRACE_ID;
  const id = requestId;
  let opened = null;
  try {
    const context = contextOf(headers);
    const event = JSON.parse(body.toString());
    if (handler[STREAM]) {
      opened = openStream(id);
      await handler(event, opened.stream, context);
      if (!opened.stream.writableEnded) opened.stream.end();
      await opened.done;
      return;
    }
    const answer = await answerOf(handler, event, context);
    waiting = onIdle = null;
    const text = Buffer.from(JSON.stringify(answer === undefined ? null : answer) ?? "null");
    await call("POST", `/invocation/${id}/response`, { "Content-Type": "application/json", "Content-Length": text.length }, text);
  } catch (error) {
    waiting = onIdle = null;
    if (opened && opened.stream._fail(error)) {
      log("ERROR", ["Invoke Error \t" + JSON.stringify(describe(error))]);
      await opened.done;
      return;
    }
    await failInvocation(id, error);
  }
}

let handler;
try {
  handler = await loadHandler(process.argv[2]);
} catch (error) {
  await failInit(error);
}
const loop = () => one(handler).then(() => setImmediate(loop), (error) => {
  process.stderr.write(`runtime: ${error?.stack ?? error}\n`);
  process.exit(1);
});
loop();
