// The runtime client of Node.js functions, for the Lambda Runtime API. It uses only Node's built-in modules.
//
// Handlers, errors and log lines have the formats of AWS's client (aws-lambda-nodejs-runtime-interface-client), which
// Node.js does not include.

import { existsSync } from "node:fs";
import { Agent, request } from "node:http";
import { createRequire } from "node:module";
import path from "node:path";
import { pathToFileURL } from "node:url";
import { format } from "node:util";

const env = process.env;
const [host, port] = env.AWS_LAMBDA_RUNTIME_API.split(":");
const agent = new Agent({ keepAlive: true, maxSockets: 1 });
const LEVELS = ["TRACE", "DEBUG", "INFO", "WARN", "ERROR", "FATAL"];
const inJson = env.AWS_LAMBDA_LOG_FORMAT === "JSON";
const lowest = LEVELS.indexOf(env.AWS_LAMBDA_LOG_LEVEL ?? "TRACE");
let requestId; // of the current invocation, or of the last one
let settle = null; // ends the current invocation: settle(error, result)
let responseStream = null; // of the current invocation, if it streams its response
let whenIdle = () => {}; // called when the event loop is empty

// --- the Runtime API -------------------------------------------------------------------------------------------------

function call(method, operation, body, headers = {}) {
  return new Promise((resolve, reject) => {
    const options = { host, port, method, agent, path: `/2018-06-01/runtime/${operation}`, headers };
    const sent = request(options, (response) => {
      const chunks = [];
      response.on("data", (chunk) => chunks.push(chunk));
      response.on("end", () => resolve({ headers: response.headers, body: Buffer.concat(chunks).toString() }));
    });
    sent.on("error", reject);
    sent.end(body);
  });
}

function postError(operation, error) {
  const told = shape(error);
  const type = String(told.errorType).replace(/[^\x20-\x7e]/g, "?");
  const headers = { "Content-Type": "application/json", "Lambda-Runtime-Function-Error-Type": type };
  return call("POST", operation, JSON.stringify(told), headers);
}

// --- errors ----------------------------------------------------------------------------------------------------------

class RuntimeError extends Error {
  constructor(type, message) {
    super(message);
    this.name = `Runtime.${type}`;
  }
}

function shape(error) {
  if (!(error instanceof Error) && !(error?.name && error?.message && error?.stack)) {
    return { errorType: typeof error, errorMessage: String(error), trace: [] };
  }
  const stack = String(error.stack ?? "").replaceAll(import.meta.url, "file:///var/runtime/index.mjs");
  return { errorType: error.name, errorMessage: error.message, trace: stack.split("\n") };
}

function logError(what, error) {
  const { errorType, errorMessage, trace } = shape(error);
  if (inJson) return write("ERROR", [error]);
  const told = { errorType, errorMessage, stack: trace };
  let text;
  try {
    text = JSON.stringify({ ...told, ...(typeof error === "object" ? error : {}) });
  } catch {
    text = JSON.stringify(told); // for example, a property of the error is circular
  }
  write("ERROR", [`${what} \t${text}`]);
}

async function end(what, error, status) {
  logError(what, error);
  if (responseStream) await responseStream.fail(error);
  else await postError(requestId ? `invocation/${requestId}/error` : "init/error", error);
  process.exit(status);
}

process.on("uncaughtException", (error) => end("Uncaught Exception", error, 129));
process.on("unhandledRejection", (reason) => {
  const error = new RuntimeError("UnhandledPromiseRejection", String(reason));
  end("Unhandled Promise Rejection", Object.assign(error, { reason }), 128);
});
process.on("beforeExit", () => whenIdle());

// --- the log ---------------------------------------------------------------------------------------------------------

function write(level, values) {
  if (LEVELS.indexOf(level) < lowest) return;
  const timestamp = new Date().toISOString();
  if (!inJson) {
    const message = format(...values).replace(/\n/g, "\r"); // one message is one log event
    process.stdout.write(`${timestamp}\t${requestId}\t${level}\t${message}\n`);
    return;
  }
  const record = { timestamp, level, ...(requestId ? { requestId } : {}) };
  const error = values.find((value) => value instanceof Error);
  record.message = values.length === 1 && !error ? values[0] : format(...values);
  if (error) {
    const { errorType, errorMessage, trace } = shape(error);
    Object.assign(record, { errorType, errorMessage, stackTrace: trace.slice(1) });
  }
  process.stdout.write(`${JSON.stringify(record)}\n`);
}

const METHODS = { trace: "TRACE", debug: "DEBUG", log: "INFO", info: "INFO", warn: "WARN", error: "ERROR" };
for (const [name, level] of Object.entries(METHODS)) console[name] = (...values) => write(level, values);

// --- response streaming ----------------------------------------------------------------------------------------------

const STREAMING = Symbol.for("aws.lambda.runtime.handler.streaming");
const PRELUDE = "application/vnd.awslambda.http-integration-response";

if (!["1", "true"].includes(env.AWS_LAMBDA_NODEJS_NO_GLOBAL_AWSLAMBDA)) {
  globalThis.awslambda = {
    streamifyResponse: (handler) => Object.assign(handler, { [STREAMING]: "response" }),
    HttpResponseStream: {
      // Makes a stream begin with the status and the headers of an HTTP response.
      from(stream, metadata) {
        stream.setContentType(PRELUDE);
        const text = JSON.stringify(metadata);
        stream._onBeforeFirstWrite = (send) => {
          send(text);
          send(new Uint8Array(8));
        };
        return stream;
      },
    },
  };
}

// The stream that a handler writes to. `received` is fulfilled when the Runtime API has the complete response.
class ResponseStream {
  constructor() {
    let begun = false;
    const headers = {
      "Content-Type": "application/octet-stream",
      "Lambda-Runtime-Function-Response-Mode": "streaming",
      "Transfer-Encoding": "chunked",
      Trailer: "Lambda-Runtime-Function-Error-Type, Lambda-Runtime-Function-Error-Body",
    };
    const location = `/2018-06-01/runtime/invocation/${requestId}/response`;
    this.received = new Promise((resolve, reject) => {
      this.writable = request({ host, port, method: "POST", agent, path: location, headers }, (response) => {
        response.on("end", resolve);
        response.resume();
      });
      this.writable.on("error", reject);
    });
    const send = this.writable.write.bind(this.writable);
    this.writable.setContentType = (type) => {
      if (begun) throw new RuntimeError("InvalidStreamingOperation", "Cannot set content-type, too late.");
      this.writable.setHeader("Content-Type", type);
    };
    this.writable.write = (chunk, ...rest) => {
      if (!begun) this.writable._onBeforeFirstWrite?.((part) => send(part));
      begun = true;
      return send(typeof chunk === "string" || chunk instanceof Uint8Array ? chunk : JSON.stringify(chunk), ...rest);
    };
  }

  async fail(error) {
    const described = shape(error);
    this.writable.addTrailers({
      "Lambda-Runtime-Function-Error-Type": String(described.errorType).replace(/[^\x20-\x7e]/g, "?"),
      "Lambda-Runtime-Function-Error-Body": Buffer.from(JSON.stringify(described)).toString("base64"),
    });
    this.writable.end();
    await this.received;
  }
}

// --- the handler -----------------------------------------------------------------------------------------------------

async function load(handler) {
  const folder = path.resolve(env.LAMBDA_TASK_ROOT, path.dirname(handler));
  const parts = /^([^.]*)\.(.+)$/.exec(path.basename(handler));
  if (handler.includes("..") || !parts) throw new RuntimeError("MalformedHandlerName", "Bad handler");
  const module = await importModule(folder, parts[1]);
  const found = parts[2].split(".").reduce((value, name) => value?.[name], module);
  if (found === undefined) throw new RuntimeError("HandlerNotFound", `${handler} is undefined or not exported`);
  if (typeof found !== "function") throw new RuntimeError("HandlerNotFound", `${handler} is not a function`);
  return found;
}

async function importModule(folder, name) {
  const require = createRequire("/var/runtime/index.mjs"); // AWS's errors name this file as the requiring module
  const known = [".js", ".mjs", ".cjs"].map((ending) => path.join(folder, name + ending)).find(existsSync);
  let file = known;
  try {
    file ??= require.resolve(name, { paths: [env.LAMBDA_TASK_ROOT, folder] });
    return file.endsWith(".mjs") ? await import(pathToFileURL(file)) : require(file);
  } catch (error) {
    if (["ERR_REQUIRE_ESM", "ERR_REQUIRE_ASYNC_MODULE"].includes(error?.code)) return import(pathToFileURL(file));
    if (error instanceof SyntaxError) throw new RuntimeError("UserCodeSyntaxError", String(error));
    if (!["MODULE_NOT_FOUND", "ERR_MODULE_NOT_FOUND"].includes(error?.code)) throw error;
    const code = error.code === "ERR_MODULE_NOT_FOUND" ? ` [${error.code}]` : "";
    throw new RuntimeError("ImportModuleError", `Error${code}: ${error.message}`);
  }
}

function contextOf(headers) {
  const parsed = (name) => (headers[name] ? JSON.parse(headers[name]) : undefined);
  const deadline = Number(headers["lambda-runtime-deadline-ms"]);
  return {
    callbackWaitsForEmptyEventLoop: true,
    functionVersion: env.AWS_LAMBDA_FUNCTION_VERSION,
    functionName: env.AWS_LAMBDA_FUNCTION_NAME,
    memoryLimitInMB: env.AWS_LAMBDA_FUNCTION_MEMORY_SIZE,
    logGroupName: env.AWS_LAMBDA_LOG_GROUP_NAME,
    logStreamName: env.AWS_LAMBDA_LOG_STREAM_NAME,
    clientContext: parsed("lambda-runtime-client-context"),
    identity: parsed("lambda-runtime-cognito-identity"),
    invokedFunctionArn: headers["lambda-runtime-invoked-function-arn"],
    awsRequestId: requestId,
    getRemainingTimeInMillis: () => deadline - Date.now(),
    succeed: (result) => settle(null, result),
    fail: (error) => settle(error ?? "handled"),
    done: (error, result) => settle(error, result),
  };
}

function serialized(result) {
  try {
    return JSON.stringify(result === undefined ? null : result) ?? "null";
  } catch (error) {
    throw new RuntimeError("MarshalError", `Unable to stringify response body: ${error.message}`);
  }
}

class Runtime {
  constructor(handler) {
    this.handler = handler; // called as a method, so that stack traces name it Runtime.handler, as on AWS
  }

  // Runs the handler until its promise settles, its callback is called, or the event loop is empty (result: null).
  run(event, context) {
    return new Promise((resolve, reject) => {
      settle = (error, result) => (error === null || error === undefined ? resolve(result) : reject(error));
      whenIdle = () => resolve(null);
      const callback = (error, result) => {
        const answer = () => settle(error, result);
        if (error || !context.callbackWaitsForEmptyEventLoop) answer();
        else whenIdle = answer;
      };
      const returned = this.handler(event, context, callback);
      if (typeof returned?.then === "function") returned.then(resolve, reject);
    });
  }

  async stream(event, context) {
    responseStream = new ResponseStream();
    try {
      const returned = this.handler(event, responseStream.writable, context);
      if (typeof returned?.then !== "function") throw new Error("Streaming does not support non-async handlers.");
      if ((await returned) !== undefined) console.warn("Streaming handlers ignore return values.");
      await responseStream.received;
    } catch (error) {
      logError("Invoke Error", error);
      await responseStream.fail(error);
    }
    responseStream = null;
  }

  async serve() {
    for (;;) {
      const { headers, body } = await call("GET", "invocation/next");
      requestId = headers["lambda-runtime-aws-request-id"];
      env._X_AMZN_TRACE_ID = headers["lambda-runtime-trace-id"];
      if (this.handler[STREAMING] === "response") {
        await this.stream(JSON.parse(body), contextOf(headers));
        continue;
      }
      try {
        const answer = serialized(await this.run(JSON.parse(body), contextOf(headers)));
        await call("POST", `invocation/${requestId}/response`, answer, { "Content-Type": "application/json" });
      } catch (error) {
        logError("Invoke Error", error);
        await postError(`invocation/${requestId}/error`, error);
      }
    }
  }
}

load(env._HANDLER).then((handler) => new Runtime(handler).serve(), (error) => end("Uncaught Exception", error, 129));
