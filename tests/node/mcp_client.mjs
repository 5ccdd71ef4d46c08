// A client made with one of the TypeScript SDKs, driven line by line.
//
// Arguments: the package, the server's URL, the redirect URI, and the URL of the client's
// metadata document or nothing. Each line of standard input is a JSON object:
//
//   {"call": NAME, "arguments": {…}}   calls a tool
//   {"spoil": true}                    replaces the access token by one that is no good
//   {"restart": true}                  connects anew, with the tokens that are stored
//   {"callback": URL}                  answers {"open": URL}: where the browser ended
//
// Each answer is a line of standard output: {"open": URL}, {"result": …, "tokens": …} or
// {"error": TEXT}.

import { createInterface } from "node:readline";

const [packageName, serverUrl, redirectUrl, documentUrl] = process.argv.slice(2);
const lines = createInterface({ input: process.stdin })[Symbol.asyncIterator]();

async function read() {
  const { value, done } = await lines.next();
  if (done) process.exit(0);
  return JSON.parse(value);
}

function say(message) {
  process.stdout.write(JSON.stringify(message) + "\n");
}

async function load() {
  if (packageName === "@modelcontextprotocol/sdk") {
    const { Client } = await import("@modelcontextprotocol/sdk/client/index.js");
    const { StreamableHTTPClientTransport } = await import(
      "@modelcontextprotocol/sdk/client/streamableHttp.js"
    );
    const { UnauthorizedError } = await import("@modelcontextprotocol/sdk/client/auth.js");
    return {
      make: () => new Client({ name: "sdk", version: "1" }),
      StreamableHTTPClientTransport,
      UnauthorizedError,
      finish: (transport, url) => transport.finishAuth(url.searchParams.get("code")),
    };
  }
  const { Client, StreamableHTTPClientTransport, UnauthorizedError } = await import(
    "@modelcontextprotocol/client"
  );
  return {
    make: () =>
      new Client(
        { name: "client", version: "1" },
        { versionNegotiation: { mode: "auto" } },
      ),
    StreamableHTTPClientTransport,
    UnauthorizedError,
    finish: (transport, url) => transport.finishAuth(url.searchParams),
  };
}

const sdk = await load();
const stored = {};
let opened;

const authProvider = {
  redirectUrl,
  clientMetadataUrl: documentUrl,
  clientMetadata: {
    client_name: packageName,
    redirect_uris: [redirectUrl],
    grant_types: ["authorization_code", "refresh_token"],
    response_types: ["code"],
    token_endpoint_auth_method: "none",
  },
  clientInformation: () => stored.client,
  saveClientInformation: (client) => void (stored.client = client),
  tokens: () => stored.tokens,
  saveTokens: (tokens) => void (stored.tokens = tokens),
  redirectToAuthorization: (url) => void (opened = url.href),
  saveCodeVerifier: (verifier) => void (stored.verifier = verifier),
  codeVerifier: () => stored.verifier,
  invalidateCredentials: (scope) => {
    if (scope === "all" || scope === "client") delete stored.client;
    if (scope === "all" || scope === "tokens") delete stored.tokens;
  },
};

let client;
let transport;

async function authorized(work) {
  for (;;) {
    try {
      return await work();
    } catch (error) {
      if (!(error instanceof sdk.UnauthorizedError) || opened === undefined) throw error;
      say({ open: opened });
      opened = undefined;
      const { callback } = await read();
      await sdk.finish(transport, new URL(callback));
      // A transport that was refused while it was opened cannot be opened again.
      client = undefined;
    }
  }
}

async function connect() {
  client = undefined;
  const opening = sdk.make();
  transport = new sdk.StreamableHTTPClientTransport(new URL(serverUrl), { authProvider });
  await opening.connect(transport);
  client = opening;
}

async function call(name, args) {
  return await authorized(async () => {
    if (client === undefined) await connect();
    return await client.callTool({ name, arguments: args });
  });
}

for (;;) {
  const command = await read();
  try {
    let result = null;
    if (command.call !== undefined) {
      result = await call(command.call, command.arguments ?? {});
    } else if (command.spoil) {
      stored.tokens = { ...stored.tokens, access_token: "spoiled" };
    } else if (command.restart) {
      await client?.close();
      client = undefined;
    }
    say({ result, tokens: stored.tokens, client: stored.client });
  } catch (error) {
    say({ error: `${error?.stack ?? error}` });
  }
}
