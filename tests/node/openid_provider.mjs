// An OpenID provider that no one here wrote, as a service that people sign in with.
//
//     node openid_provider.mjs CLIENT_ID CLIENT_SECRET REDIRECT_URI
//
// Says its issuer on a line of its own, and answers until its input ends. Whoever types a
// login name into its sign-in form is that person, with a verified address.

import http from "node:http";
import { Provider } from "oidc-provider";

const [clientId, clientSecret, redirectUri] = process.argv.slice(2);

let handle = (request, response) => response.writeHead(503).end();
const server = http.createServer((request, response) => handle(request, response));

server.listen(0, "127.0.0.1", () => {
  const issuer = `http://127.0.0.1:${server.address().port}`;
  const provider = new Provider(issuer, {
    clients: [
      {
        client_id: clientId,
        client_secret: clientSecret,
        redirect_uris: [redirectUri],
        response_types: ["code"],
        grant_types: ["authorization_code", "refresh_token"],
        token_endpoint_auth_method: "client_secret_basic",
        application_type: "native",
      },
    ],
    claims: { openid: ["sub"], email: ["email", "email_verified"], profile: ["name"] },
    conformIdTokenClaims: true,
    findAccount: (context, id) => ({
      accountId: id,
      claims: () => ({
        sub: id,
        email: `${id}@people.example`,
        email_verified: true,
        name: `Person ${id}`,
      }),
    }),
  });
  handle = provider.callback();
  console.log(issuer);
});

process.stdin.resume();
process.stdin.on("end", () => process.exit(0));
