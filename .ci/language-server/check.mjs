// Holds the schema of the matrix against the language server that editors use: no complaint about a
// right matrix, completion where people type, units and examples where they look, a complaint about an
// unknown key.
//
//     node check.mjs SERVER SCHEMA MATRIX...
//
// SERVER is the folder of the installed `yaml-language-server`, SCHEMA what `matrix schema` prints.
// Checks nothing that only the program knows, such as what keys mean together.

import { spawn } from "node:child_process";
import { readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { pathToFileURL } from "node:url";

// The slowest answer seen was 4 s, on a machine busy with eight compilers.
const PATIENCE_MS = 60_000;

const [folder, schema, ...matrices] = process.argv.slice(2);
if (matrices.length === 0) {
  console.error("usage: node check.mjs SERVER SCHEMA MATRIX...");
  process.exit(2);
}
const schemaUri = pathToFileURL(resolve(schema)).href;
const program = join(folder, "node_modules/yaml-language-server/bin/yaml-language-server");
const server = spawn(process.execPath, [program, "--stdio"], { stdio: ["pipe", "pipe", "inherit"] });
const settings = {
  yaml: { schemas: { [schemaUri]: ["**/*.yaml"] }, validate: true, completion: true, hover: true },
};

let received = Buffer.alloc(0);
let lastId = 0;
const answers = new Map();
const diagnostics = new Map();

function send(message) {
  const body = Buffer.from(JSON.stringify({ jsonrpc: "2.0", ...message }));
  server.stdin.write(`Content-Length: ${body.length}\r\n\r\n`);
  server.stdin.write(body);
}

function ask(method, params) {
  lastId += 1;
  const id = lastId;
  return bounded(method, new Promise((done) => answers.set(id, done)), () =>
    send({ id, method, params }),
  );
}

function bounded(what, promise, start) {
  let timer;
  const late = new Promise((_, fail) => {
    timer = setTimeout(() => fail(new Error(`no answer to ${what}`)), PATIENCE_MS);
  });
  start();
  return Promise.race([promise, late]).finally(() => clearTimeout(timer));
}

function take(message) {
  if (message.method === "textDocument/publishDiagnostics") {
    const waiting = diagnostics.get(message.params.uri);
    if (waiting) waiting(message.params.diagnostics);
  } else if (message.method === "workspace/configuration") {
    const wanted = message.params.items.map((item) => settings[item.section] ?? {});
    send({ id: message.id, result: wanted });
  } else if (message.method && message.id !== undefined) {
    send({ id: message.id, result: null });
  } else if (answers.has(message.id)) {
    answers.get(message.id)(message.result);
    answers.delete(message.id);
  }
}

server.stdout.on("data", (piece) => {
  received = Buffer.concat([received, piece]);
  for (;;) {
    const end = received.indexOf("\r\n\r\n");
    if (end < 0) return;
    const length = Number(/Content-Length: (\d+)/i.exec(received.subarray(0, end).toString())[1]);
    if (received.length < end + 4 + length) return;
    const body = received.subarray(end + 4, end + 4 + length).toString();
    received = received.subarray(end + 4 + length);
    take(JSON.parse(body));
  }
});

let opened = 0;

// What the server says of a text; the name only has to be new.
async function told(text) {
  opened += 1;
  const uri = `file:///matrices/${opened}/towpath.yaml`;
  const said = await bounded("diagnostics", new Promise((done) => diagnostics.set(uri, done)), () =>
    send({
      method: "textDocument/didOpen",
      params: { textDocument: { uri, languageId: "yaml", version: 1, text } },
    }),
  );
  return { uri, said };
}

// What the server answers to a request about the sign `|` of a text.
async function asked(method, text) {
  const before = text.slice(0, text.indexOf("|")).split("\n");
  const { uri } = await told(text.replace("|", ""));
  const position = { line: before.length - 1, character: before.at(-1).length };
  return ask(method, { textDocument: { uri }, position });
}

// The completions at the sign `|` of a text.
async function offered(text) {
  const answer = await asked("textDocument/completion", text);
  return answer.items ?? answer;
}

let failures = 0;

function hold(what, holds, found) {
  console.log(`${holds ? "ok    " : "FAILED"} ${what}`);
  if (!holds) {
    failures += 1;
    console.log(`       ${JSON.stringify(found).slice(0, 2000)}`);
  }
}

const HEAD = "version: 1\nproject: shop\nenvironments:\n  live:\n    tier: production\n";

async function complete(what, text, wanted) {
  const labels = (await offered(text)).map((item) => item.label);
  hold(`completes ${what}`, wanted.every((label) => labels.includes(label)), labels);
}

// What is shown where the pointer rests on the key before the sign `|`.
async function explain(what, text, wanted) {
  const shown = (await asked("textDocument/hover", text))?.contents?.value ?? "";
  hold(`shows ${what}`, wanted.every((part) => shown.includes(part)), shown);
}

// What is told beside an offered key, or written with it.
async function describe(what, text, label, wanted) {
  const item = (await offered(text)).find((it) => it.label === label);
  const shown = JSON.stringify(item ?? null);
  hold(`describes ${what}`, wanted.every((part) => shown.includes(part)), shown);
}

await ask("initialize", {
  processId: process.pid,
  rootUri: null,
  capabilities: {
    workspace: { configuration: true, didChangeConfiguration: { dynamicRegistration: true } },
    textDocument: { completion: { completionItem: { documentationFormat: ["markdown", "plaintext"] } } },
  },
});
send({ method: "initialized", params: {} });
send({ method: "workspace/didChangeConfiguration", params: { settings } });

for (const matrix of matrices) {
  const { said } = await told(readFileSync(matrix, "utf8"));
  hold(`no complaint about ${matrix}`, said.length === 0, said.map((it) => [it.range.start.line + 1, it.message]));
}
await complete("sections of an environment", `${HEAD}    |\n`, ["target", "health", "database", "costs"]);
await complete("keys of `health`", `${HEAD}    health:\n      |\n`, ["every", "timeout", "retries", "endpoints"]);
await complete("kinds of a target", `${HEAD}    target:\n      kind: |\n`, ["process", "docker"]);
await complete("kinds of a database", `${HEAD}    database:\n      kind: |\n`, ["dynamodb", "postgres", "other"]);
await complete("keys of a kind", `${HEAD}    database:\n      kind: dynamodb\n      |\n`, ["table", "ttl", "backup"]);
await complete("words", `${HEAD}    rollout:\n      strategy: |\n`, ["canary", "blue-green"]);
await complete("sections of a tier", `version: 1\nproject: shop\ndefaults:\n  production:\n    |\n`, ["rollout", "secret_store"]);
await explain("a duration", `${HEAD}    health: { timeo|ut: 5s }\n`, ["Unit: duration", "10s"]);
await explain("a sum", `${HEAD}    costs: { comp|ute: $5/month }\n`, ["Unit: money per time", "$50/month"]);
await explain("a size of an adapter", `${HEAD}    target: { kind: process, command: [./a], log_li|mit: 1MiB }\n`, ["Unit: bytes", "4KiB"]);
await explain("a section", `${HEAD}    stand|by: 1h\n`, ["Unit: duration", "24h"]);
await describe("a size", `${HEAD}    resources:\n      |\n`, "memory", ["Unit: bytes", "512MB"]);
await describe("a share", `${HEAD}    rollout:\n      steps:\n        - |\n`, "weight", ["Unit: percent", "10%"]);
for (const [what, text, line] of [
  ["an unknown section", `${HEAD}    databse: {}\n`, 6],
  ["an unknown key of a section", `${HEAD}    health: { timout: 5s }\n`, 6],
  ["an unknown key of a kind", `${HEAD}    target: { kind: process, command: [./a], comand: [b] }\n`, 6],
  ["a key of another kind", `${HEAD}    database: { kind: dynamodb, table: a, pool_size: 5 }\n`, 6],
  ["an unknown kind", `${HEAD}    target: { kind: proces }\n`, 6],
  ["a number for a text", `${HEAD}    title: 5\n`, 6],
  ["a share above 100%", `${HEAD}    gate: { validation: [{ check: http, url: "{green}/a", at: 999% }] }\n`, 6],
  ["a window without days", `${HEAD}    windows: [{ days: [] }]\n`, 6],
]) {
  const { said } = await told(text);
  hold(`flags ${what}`, said.some((it) => it.range.start.line + 1 === line), said);
}

server.kill();
console.log(failures === 0 ? "the language server agrees" : `${failures} disagreements`);
process.exit(failures === 0 ? 0 : 1);
