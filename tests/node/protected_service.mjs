// A protected service, and the OpenID provider that no one here wrote in front of it.
//
//     node protected_service.mjs [insist-on-par]
//
// Says the service's URL on a line of its own, and answers until its input ends. The
// provider lets clients register, rotates refresh tokens, knows resource indicators,
// pushed requests and revocation. Beside `/mcp` the service answers two requests of the
// tests: `/happened` counts what the provider did, `/end` ends every grant there.

import http from "node:http";
import { Provider } from "oidc-provider";

const insists = process.argv.includes("insist-on-par");
const happened = {};
const grants = new Set();
let handle = (request, response) => response.writeHead(503).end();
let provider;
let issuer;
let resource;

const authorization = http.createServer((request, response) => handle(request, response));
const service = http.createServer((request, response) => {
  serve(request, response).catch(() => response.writeHead(500).end());
});

async function serve(request, response) {
  const { pathname, origin } = new URL(request.url, resource);
  const well_known = "/.well-known/oauth-protected-resource/mcp";
  if (pathname === well_known) {
    return say(response, 200, {
      resource,
      authorization_servers: [issuer],
      scopes_supported: ["notes"],
      resource_name: "Notes",
    });
  }
  if (pathname === "/happened") return say(response, 200, happened);
  if (pathname === "/end") {
    for (const id of grants) {
      await provider.RefreshToken.revokeByGrantId(id);
      await provider.AccessToken.revokeByGrantId(id);
      await (await provider.Grant.find(id))?.destroy();
    }
    return say(response, 200, {});
  }
  const [, text] = /^Bearer (.+)$/.exec(request.headers.authorization ?? "") ?? [];
  const token = text && (await provider.AccessToken.find(text));
  if (token && token.isValid && token.aud === resource && token.scopes.has("notes")) {
    return say(response, 200, { sub: token.accountId });
  }
  const challenge = `Bearer resource_metadata="${origin}${well_known}", scope="notes"`;
  return say(response, 401, {}, { "www-authenticate": challenge });
}

function say(response, status, members, headers = {}) {
  response.writeHead(status, { "content-type": "application/json", ...headers });
  response.end(JSON.stringify(members));
}

function listen(server) {
  return new Promise((resolve) => {
    server.listen(0, "127.0.0.1", () => resolve(`http://127.0.0.1:${server.address().port}`));
  });
}

issuer = await listen(authorization);
resource = `${await listen(service)}/mcp`;
provider = new Provider(issuer, {
  features: {
    registration: { enabled: true },
    revocation: { enabled: true },
    pushedAuthorizationRequests: {
      enabled: true,
      requirePushedAuthorizationRequests: insists,
    },
    resourceIndicators: {
      enabled: true,
      useGrantedResource: () => false,
      getResourceServerInfo: (context, indicator) => {
        if (indicator !== resource) throw new Error("another resource");
        return { scope: "notes", audience: resource, accessTokenTTL: 3600 };
      },
    },
  },
  issueRefreshToken: (context, client) => client.grantTypeAllowed("refresh_token"),
  rotateRefreshToken: () => true,
  findAccount: (context, id) => ({ accountId: id, claims: () => ({ sub: id }) }),
});
for (const name of [
  "registration_create.success",
  "pushed_authorization_request.success",
  "refresh_token.consumed",
  "refresh_token.destroyed",
  "access_token.destroyed",
  "grant.revoked",
]) {
  provider.on(name, () => (happened[name] = (happened[name] ?? 0) + 1));
}
provider.on("access_token.saved", (token) => grants.add(token.grantId));
handle = provider.callback();
console.log(resource);

process.stdin.resume();
process.stdin.on("end", () => process.exit(0));
